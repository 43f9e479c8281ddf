"""What differs between two classifications of one article.

Pure. A difference is what a reader could see: another scope, a label that comes, goes or is called
otherwise, a label that is much more or less sure, another place in a digest, other numbers of
trials. The same labels for other reasons, or a little more or less sure, are none: they are counted
apart, as is what nothing can be said of.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import AwareDatetime, computed_field

from services.notifier.compose import heading_of
from services.notifier.item import Quote, in_order, strongest
from services.notifier.novelty import SURE
from shared.article import Record
from shared.events import Classification, Classified, Discovery, Facet, Label

CERTAIN = 0.8
"""From here a label counts as sure; below `SURE`, where digests call nothing a first, as unsure."""

UNCLEAR = ("unclear", "Scope unclear")
"""Where a digest shows what has no heading of its own."""

Sureness = Literal["unsure", "likely", "sure"]
LabelKind = Literal["added", "removed", "renamed", "confidence"]
Kind = Literal["changed", "unclassified", "failed"]


@dataclass(frozen=True, slots=True)
class Failed:
    """An article that a side could not classify, and why."""

    reason: str


Outcome = Classification | Failed | None
"""What a side made of an article; `None`: nothing is on record."""


class Given(Record):
    """A label as one side gave it; `confidence` is 0 to 1, `evidence` its strongest sentence."""

    name: str
    confidence: float
    sureness: Sureness
    evidence: Quote | None = None
    rule: str = ""


class LabelChange(Record):
    """One label that is not the same on both sides."""

    facet: str
    id: str
    kind: LabelKind
    before: Given | None = None
    after: Given | None = None


class Verdict(Record):
    """What one side made of an article.

    `section` is the heading under which a digest has it (id and name), `evidence` the sentence that
    a digest shows. `fault` is why there is nothing else: it could not be classified.
    """

    scope: str = ""
    section: tuple[str, str] = UNCLEAR
    labels: tuple[str, ...] = ()
    trials: tuple[str, ...] = ()
    evidence: Quote | None = None
    taxonomy_version: str = ""
    classifier_version: str = ""
    fault: str = ""


class ArticleDifference(Record):
    """An article (a discovery or revision of it) on which both sides differ.

    `unclassified`: nothing is on record for it, so that there is no `before`; `failed`: one side
    could not say, and its `fault` tells why.
    """

    kind: Kind
    event_id: str
    topic: str
    pmid: int
    revision: int
    title: str
    discovered_at: AwareDatetime
    before: Verdict | None
    after: Verdict
    labels: tuple[LabelChange, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def regards(self) -> tuple[str, ...]:
        """In which regards the sides differ, in words: "scope", "labels", "confidence" ..."""
        if self.before is None or self.kind != "changed":
            return (self.kind,)
        old, new, kinds = self.before, self.after, {one.kind for one in self.labels}
        named = (
            ("scope", old.scope != new.scope),
            ("labels", bool(kinds & {"added", "removed"})),
            ("names", "renamed" in kinds),
            ("confidence", "confidence" in kinds),
            ("ranking", old.section != new.section),
            ("trials", old.trials != new.trials),
        )
        return tuple(name for name, differs in named if differs)


def sureness(confidence: float) -> Sureness:
    """The class of a confidence (0 to 1)."""
    return "sure" if confidence >= CERTAIN else "likely" if confidence >= SURE else "unsure"


def with_labels(entry: Discovery, found: Classification) -> Classified:
    """The article as the classifier tells of it."""
    fields = {name: getattr(entry, name) for name in type(entry).model_fields}
    return Classified(**{**fields, "classification": found})


def verdict(entry: Discovery, outcome: Outcome) -> Verdict | None:
    """What an outcome comes to for a reader; `None` where there is none."""
    if outcome is None:
        return None
    if isinstance(outcome, Failed):
        return Verdict(fault=outcome.reason)
    labels = in_order(outcome.labels)
    return Verdict(
        scope=outcome.scope,
        section=heading_of(with_labels(entry, outcome)) or UNCLEAR,
        labels=tuple(f"{one.facet}:{one.id}" for one in labels if one.facet != "scope"),
        trials=outcome.trials,
        evidence=strongest(labels),
        taxonomy_version=outcome.taxonomy_version,
        classifier_version=outcome.classifier_version,
    )


def label_changes(before: Outcome, after: Outcome) -> tuple[LabelChange, ...]:
    """The labels that differ, in the order of a digest; of the scope only how sure it is.

    None where one side has no labels to compare.
    """
    if not (isinstance(before, Classification) and isinstance(after, Classification)):
        return ()
    old, new = (
        {(one.facet, one.id): one for one in in_order(found.labels)} for found in (before, after)
    )
    return tuple(_changes(old, new, same_scope=before.scope == after.scope))


def _changes(
    old: dict[tuple[Facet, str], Label], new: dict[tuple[Facet, str], Label], *, same_scope: bool
) -> Iterator[LabelChange]:
    for key in dict.fromkeys((*old, *new)):
        one, other = old.get(key), new.get(key)
        kind = _kind(one, other)
        if kind is None or (key[0] == "scope" and not same_scope):
            continue
        yield LabelChange(
            facet=key[0], id=key[1], kind=kind, before=_given(one), after=_given(other)
        )


def _kind(before: Label | None, after: Label | None) -> LabelKind | None:
    if before is None or after is None:
        return "added" if before is None else "removed"
    if sureness(before.confidence) != sureness(after.confidence):
        return "confidence"
    return "renamed" if before.name != after.name else None


def _given(label: Label | None) -> Given | None:
    if label is None:
        return None
    return Given(
        name=label.name,
        confidence=label.confidence,
        sureness=sureness(label.confidence),
        evidence=strongest((label,)),
        rule=label.evidence[0].rule if label.evidence else "",
    )


def is_same(before: Classification, after: Classification) -> bool:
    """Whether both say the same in every word, whatever versions said it."""
    versions = {"taxonomy_version": "", "classifier_version": ""}
    return before.model_copy(update=versions) == after.model_copy(update=versions)


def compare(
    entry: Discovery, event_id: str, before: Outcome, after: Classification | Failed
) -> ArticleDifference | None:
    """What differs on one article; `None` when a reader could see nothing of it."""
    old, new = verdict(entry, before), verdict(entry, after)
    both = isinstance(before, Classification) and isinstance(after, Classification)
    kind: Kind = "changed" if both else "unclassified" if before is None else "failed"
    found = ArticleDifference(
        kind=kind,
        event_id=event_id,
        topic=entry.topic,
        pmid=entry.article.pmid,
        revision=entry.revision,
        title=entry.article.title,
        discovered_at=entry.discovered_at,
        before=old,
        after=new or Verdict(),
        labels=label_changes(before, after),
    )
    return found if found.regards else None
