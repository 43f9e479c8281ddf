"""How a digest is made: a pure function of articles, notices and coverage."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.notifier.digest import Coverage, Digest, DigestHead, Group, Notice
from services.notifier.item import MODALITIES, Item, item
from services.notifier.standing import GRAVITY, is_gone
from services.notifier.ties import Tie
from shared.article import Status
from shared.events import Classified

NOTICES = ("notices", "Notices in the literature")
UNLABELLED = ("no-modality", "No modality named")

_NOTICE_TYPES = frozenset(
    {
        "Retraction of Publication",
        "Retraction Notice",
        "Published Erratum",
        "Expression of Concern",
    }
)


Made = dict[tuple[str, int, int], Item]


@dataclass(frozen=True)
class Beside:
    """What a digest has beside its news: background, and what articles have to do with others.

    `made` are items without ties, by topic, PMID and revision: most look the same to everybody.
    """

    background: Sequence[Classified] = ()
    ties: Mapping[int, tuple[Tie, ...]] = field(default_factory=dict)
    made: Made = field(default_factory=dict)

    def item(self, entry: Classified) -> Item:
        """An article as the digest shows it, with its ties."""
        if entry.article.pmid in self.ties:
            return item(entry, self.ties[entry.article.pmid])
        key = (entry.topic, entry.article.pmid, entry.revision)
        if key not in self.made:
            self.made[key] = item(entry)
        return self.made[key]


def compose(
    entries: Sequence[Classified],
    notices: Sequence[Notice],
    head: DigestHead,
    coverage: Coverage,
    beside: Beside | None = None,
) -> Digest:
    """Make a digest. Of several revisions of an article the last one counts.

    An article appears once, under its first modality in the order of `MODALITIES`, and inside
    a group by relatedness. Retracted and withdrawn papers are counted, never listed.
    """
    beside = beside or Beside()
    latest = {e.article.pmid: e for e in sorted(entries, key=lambda e: e.revision)}.values()
    news = [entry for entry in latest if not is_gone(entry.article)]
    placed = [(heading_of(entry), beside.item(entry)) for entry in news]
    other = _ranked(shown for heading, shown in placed if heading is None)
    digest = Digest(
        **head.model_dump(),
        notices=tuple(sorted(notices, key=lambda n: (GRAVITY.index(n.kind), -n.pmid))),
        groups=_groups([(heading, shown) for heading, shown in placed if heading]),
        other=other,
        other_count=len(other),
        background=_background(beside, {entry.article.pmid for entry in news}),
        total=len(news),
        withheld_retracted=len(latest) - len(news),
        coverage=coverage,
    )
    return narrowed(digest, head.max_items)


def _background(beside: Beside, news: set[int]) -> tuple[Item, ...]:
    return _ranked(
        beside.item(entry)
        for entry in beside.background
        if not is_gone(entry.article) and entry.article.pmid not in news
    )


def without(digest: Digest, gone: Mapping[int, Status]) -> Digest:
    """The digest without the papers of these PMIDs: retracted since it was cut, they are no news.

    Nothing else of it changes. What PubMed has no record of any more is counted apart.
    """

    def kept(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(shown for shown in items if shown.pmid not in gone)

    left_out = [gone[shown.pmid] for shown in digest.everything if shown.pmid in gone]
    deleted = left_out.count(Status.DELETED)
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
            "background": kept(digest.background),
            "background_beyond": kept(digest.background_beyond),
            "total": digest.total - (len(digest.items) - len(kept(digest.items))),
            "firsts": tuple(first for first in digest.firsts if first.pmid not in gone),
            "withheld_retracted": digest.withheld_retracted + len(left_out) - deleted,
            "withheld_deleted": digest.withheld_deleted + deleted,
        }
    )


def narrowed(digest: Digest, room: int) -> Digest:
    """The digest with the `room` most related news in full and the rest `beyond`."""
    if len(digest.shown) <= room:
        return digest
    kept = {shown.pmid for shown in _ranked(digest.shown)[:room]}

    def keep(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(shown for shown in items if shown.pmid in kept)

    groups = tuple(g.model_copy(update={"items": keep(g.items)}) for g in digest.groups)
    cut = (shown for shown in digest.shown if shown.pmid not in kept)
    changed = {"groups": groups, "other": keep(digest.other)}
    return digest.model_copy(update={**changed, "beyond": (*_ranked(cut), *digest.beyond)})


def with_room(digest: Digest, room: int) -> Digest:
    """The digest with `room` items in full: news before background, the most related of each."""
    left = max(0, room - len(digest.shown))
    if left < len(digest.background):
        changed = {
            "background": digest.background[:left],
            "background_beyond": (*digest.background[left:], *digest.background_beyond),
        }
        digest = digest.model_copy(update=changed)
    return narrowed(digest, room)


def with_notices(digest: Digest, room: int) -> Digest:
    """The digest with the `room` gravest notices, and the others counted only."""
    kept = digest.notices[: max(0, room)]
    beyond = digest.notices_beyond + len(digest.notices) - len(kept)
    return digest.model_copy(update={"notices": kept, "notices_beyond": beyond})


def heading_of(entry: Classified) -> tuple[str, str] | None:
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
