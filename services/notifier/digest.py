"""What a digest is, and how one is made: a pure function of articles, notices and coverage.

A digest is stored as JSON and always rendered from what is stored, so that rendering it again
gives the same bytes.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from services.notifier.item import MODALITIES, MONTHS, Item, Quote, clean, item
from shared.article import Article, Record, Status
from shared.events import Classified

__all__ = [
    "Coverage", "Digest", "DigestHead", "Group", "Item", "Notice", "Quote",
    "compose", "narrowed", "subject", "without",
]  # fmt: skip

NoticeKind = Literal[
    "retracted", "withdrawn", "deleted", "expression-of-concern", "corrected", "updated"
]

NOTICES = ("notices", "Notices in the literature")
UNLABELLED = ("no-modality", "No CAR modality named")

_KINDS = ("retracted", "withdrawn", "deleted", "expression-of-concern", "corrected", "updated")
_KIND_WORDS = ("retraction", "withdrawal", "deletion", "concern", "correction", "update")
_GONE = (Status.RETRACTED, Status.WITHDRAWN, Status.DELETED)
_NOTICE_TYPES = frozenset(
    {
        "Retraction of Publication",
        "Retraction Notice",
        "Published Erratum",
        "Expression of Concern",
    }
)
_SUBJECT = 90


class Notice(Record):
    """A paper that this subscriber was sent, and what has happened to it since."""

    pmid: int
    title: str
    kind: NoticeKind
    notice_pmid: int | None = None
    notice_source: str | None = None
    sent_on: date


class Group(Record):
    """The items under one modality. `count` includes those that a digest had no room for."""

    modality: str
    name: str
    items: tuple[Item, ...] = ()
    count: int = 0


class Coverage(Record):
    """What was checked in the period. `counted` is PubMed's number, `stored` the ids we hold.

    `in_processing` articles were found and are not classified yet; `legs` are short lines, one
    per relation. `checked_from` and `checked_to` are `None` when no poll ran.
    """

    polls: int
    healthy: bool
    unhealthy_since: AwareDatetime | None = None
    checked_from: AwareDatetime | None = None
    checked_to: AwareDatetime | None = None
    counted: int = 0
    stored: int = 0
    in_processing: int = 0
    legs: tuple[str, ...] = ()


class DigestHead(Record):
    """What identifies a digest. `time_zone` is an IANA name; dates are shown in it."""

    id: str
    topic: str
    topic_title: str
    seed: int
    subscription_id: str
    cadence: str
    period_from: AwareDatetime
    period_to: AwareDatetime
    created_at: AwareDatetime
    time_zone: str = "UTC"
    max_items: int = Field(default=50, ge=1)


class Digest(DigestHead):
    """A digest. `total` counts every new article in it, those `beyond` the room included.

    `waiting` more were news too, and are left for the next digest: a digest has an end. They were
    looked for from `news_from` on, and so they are found again from there.
    `other` holds the articles whose scope the classifier could not tell: shown, never dropped.
    """

    notices: tuple[Notice, ...] = ()
    groups: tuple[Group, ...] = ()
    other: tuple[Item, ...] = ()
    other_count: int = 0
    beyond: tuple[Item, ...] = ()
    total: int = 0
    waiting: int = 0
    news_from: AwareDatetime | None = None
    withheld_retracted: int = 0
    coverage: Coverage

    @property
    def more(self) -> int:
        """How many items there was no room for."""
        return len(self.beyond)

    @property
    def shown(self) -> tuple[Item, ...]:
        """The items shown in full, in the order of the page."""
        return (*(item for group in self.groups for item in group.items), *self.other)

    @property
    def items(self) -> tuple[Item, ...]:
        """Every item, those there was no room for last."""
        return (*self.shown, *self.beyond)


def compose(
    entries: Sequence[Classified],
    notices: Sequence[Notice],
    head: DigestHead,
    coverage: Coverage,
) -> Digest:
    """Make a digest. Of several revisions of an article the last one counts.

    An article appears once, under its first modality in the order of `MODALITIES`, and inside
    a group by relatedness. Retracted and withdrawn papers are counted, never listed.
    """
    latest = {e.article.pmid: e for e in sorted(entries, key=lambda e: e.revision)}.values()
    news = [entry for entry in latest if not _is_gone(entry.article)]
    placed = [(_heading(entry), item(entry)) for entry in news]
    other = _ranked(shown for heading, shown in placed if heading is None)
    digest = Digest(
        **head.model_dump(),
        notices=tuple(sorted(notices, key=lambda n: (_KINDS.index(n.kind), -n.pmid))),
        groups=_groups([(heading, shown) for heading, shown in placed if heading]),
        other=other,
        other_count=len(other),
        total=len(news),
        withheld_retracted=len(latest) - len(news),
        coverage=coverage,
    )
    return narrowed(digest, head.max_items)


def without(digest: Digest, gone: Collection[int]) -> Digest:
    """The digest without the papers of these PMIDs: retracted since it was cut, they are no news.

    Nothing else of it changes.
    """

    def kept(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(shown for shown in items if shown.pmid not in gone)

    lost = len(digest.items) - len(kept(digest.items))
    cut = tuple(
        group.model_copy(update={"items": kept(group.items), "count": group.count - less})
        for group in digest.groups
        for less in [len(group.items) - len(kept(group.items))]
    )
    other = kept(digest.other)
    return digest.model_copy(
        update={
            "groups": tuple(group for group in cut if group.count > 0),
            "other": other,
            "other_count": digest.other_count - (len(digest.other) - len(other)),
            "beyond": kept(digest.beyond),
            "total": digest.total - lost,
            "withheld_retracted": digest.withheld_retracted + lost,
        }
    )


def narrowed(digest: Digest, room: int) -> Digest:
    """The digest with the `room` most related items in full and the rest `beyond`."""
    if len(digest.shown) <= room:
        return digest
    kept = {shown.pmid for shown in _ranked(digest.shown)[:room]}

    def keep(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(shown for shown in items if shown.pmid in kept)

    groups = tuple(g.model_copy(update={"items": keep(g.items)}) for g in digest.groups)
    cut = (shown for shown in digest.shown if shown.pmid not in kept)
    changed = {"groups": groups, "other": keep(digest.other)}
    return digest.model_copy(update={**changed, "beyond": (*_ranked(cut), *digest.beyond)})


def _is_gone(article: Article) -> bool:
    return article.status in _GONE or "Retracted Publication" in article.publication_types


def _heading(entry: Classified) -> tuple[str, str] | None:
    """Where an article stands; `None` when its scope is unclear."""
    if _NOTICE_TYPES.intersection(entry.article.publication_types):
        return NOTICES
    if entry.classification.scope == "unclear":
        return None
    named = {x.id: x.name for x in entry.classification.labels if x.facet == "modality"}
    for modality, name in MODALITIES:
        if modality in named:
            return modality, name
    return min(named.items(), default=UNLABELLED)


def _groups(placed: Sequence[tuple[tuple[str, str], Item]]) -> tuple[Group, ...]:
    found: dict[tuple[str, str], list[Item]] = {}
    for heading, shown in placed:
        found.setdefault(heading, []).append(shown)
    unknown = sorted(set(found) - {*MODALITIES, UNLABELLED, NOTICES})
    turns = (*MODALITIES, *unknown, UNLABELLED, NOTICES)
    return tuple(
        Group(modality=turn[0], name=turn[1], items=_ranked(found[turn]), count=len(found[turn]))
        for turn in turns
        if turn in found
    )


def _ranked(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda shown: (-shown.relatedness, -shown.pmid)))


def subject(digest: Digest) -> str:
    """One line of at most 90 characters that says what is inside, notices always among it."""
    parts = _notice_parts(digest)
    opening, ending = _opening(digest)
    fixed = len(opening) + len(ending) + sum(len(part) + 2 for part in parts)
    lead = opening + _cut(clean(digest.topic_title), max(16, min(40, _SUBJECT - fixed))) + ending
    room = _SUBJECT - len(lead) - sum(len(part) + 2 for part in parts)
    told = (*_group_parts(digest, room), *parts)
    return _cut(f"{lead}: {', '.join(told)}" if told else lead, _SUBJECT)


def _opening(digest: Digest) -> tuple[str, str]:
    """What stands before and after the topic; the day tells one quiet digest from the next."""
    start = "" if digest.coverage.healthy else "Incomplete: "
    if digest.total:
        return f"{start}{digest.total} new on ", ""
    if digest.notices:
        return f"{start}Notice on ", ""
    until = digest.period_to.astimezone(ZoneInfo(digest.time_zone))
    return f"{start}Nothing new on ", f" by {until.day} {MONTHS[until.month - 1]} {until.year}"


def _notice_parts(digest: Digest) -> tuple[str, ...]:
    kinds: list[str] = [notice.kind for notice in digest.notices]
    counts = ((kinds.count(kind), word) for kind, word in zip(_KINDS, _KIND_WORDS, strict=True))
    return tuple(f"{n} {word}{'s' * (n > 1)}" for n, word in counts if n)


def _group_parts(digest: Digest, room: int) -> tuple[str, ...]:
    """The largest groups that fit in `room` characters; what is left over as "n other"."""
    parts: list[str] = []
    left = digest.total
    for group in sorted(digest.groups, key=lambda g: -g.count):
        part, rest = f"{group.count} {_cut(clean(group.name), 24)}", left - group.count
        tail = [f"{rest} other"] if rest else []
        if sum(len(words) + 2 for words in [*parts, part, *tail]) > room:
            break
        parts.append(part)
        left = rest
    return (*parts, f"{left} other") if parts and left else tuple(parts)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
