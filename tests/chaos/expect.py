"""What each person must and may be told, worked out from the world and not from the notifier.

Of the services only the labels are taken: scope and label ids, as the classifier keeps them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tests.chaos.evidence import Key, Labelled
from tests.chaos.papers import WORD, Paper
from tests.chaos.readers import Reader

_USUAL = frozenset({"core", "adjacent", "unclear"})
_OUTSIDE = frozenset({"oncology", "none"})

NOTICES: Mapping[str, str] = {
    "retracted": "retracted",
    "withdrawn": "withdrawn",
    "deleted": "deleted",
    "corrected": "corrected",
    "expression-of-concern": "expression-of-concern",
    "updated": "updated",
}
"""What has become of a paper, and the kind of notice that is due of it."""


def people(readers: Iterable[Reader]) -> dict[str, list[Reader]]:
    """The subscriptions of each person, by address."""
    found: dict[str, list[Reader]] = defaultdict(list)
    for reader in readers:
        found[reader.address].append(reader)
    return found


def admits(reader: Reader, paper: Paper, labelled: Labelled) -> bool:
    """Whether a subscription's filters let a paper pass: docs/subscriptions.md says how."""
    filters = reader.filters
    scopes = frozenset(filters.get("scope", ())) or _USUAL
    if paper.journal in filters.get("muted_journals", ()):
        return False
    if paper.journal in filters.get("journals", ()):
        return labelled.scope not in _OUTSIDE - scopes
    if "words" in filters and WORD not in paper.text:
        return False
    return labelled.scope in scopes and _carries(filters.get("modality", ()), labelled)


def _carries(wanted: Sequence[str], labelled: Labelled) -> bool:
    carried = labelled.labels.get("modality", frozenset())
    if not wanted or carried & set(wanted):
        return True
    return not carried and labelled.scope == "unclear"


def concerns(reader: Reader, paper: Paper, labels: Mapping[Key, Labelled]) -> bool:
    """Whether a paper is of the subscription's topic and passes its filters."""
    labelled = labels.get(Key(reader.topic, paper.pmid))
    return reader.topic in paper.relations and bool(labelled) and admits(reader, paper, labelled)  # type: ignore[arg-type]


def may_be_told(person: Iterable[Reader], paper: Paper, labels: Mapping[Key, Labelled]) -> bool:
    """Whether anything that this person asked for could bring the paper."""
    return any(
        one.is_written_to
        and (one.wish.get("background") or not paper.is_background)
        and concerns(one, paper, labels)
        for one in person
    )


def must_be_told(person: Iterable[Reader], paper: Paper, labels: Mapping[Key, Labelled]) -> bool:
    """Whether the person must have been told of it in the end.

    Who leaves may have left before. Of what does not stand any more nobody can say: it may have
    been sent before that was known, or not at all.
    """
    if paper.is_background or paper.is_gone:
        return False
    return any(one.stays and concerns(one, paper, labels) for one in person)


def is_worth_a_notice(paper: Paper) -> bool:
    """Whether who was sent it is told what became of it; a preprint's journal version is news."""
    return paper.status in NOTICES and paper.journal_version is None
