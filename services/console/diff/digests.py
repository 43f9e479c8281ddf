"""Whose digests would differ, and how: both sides' labels through the notifier's own rule.

Pure, and simplified where it touches both sides alike: each digest is cut at its due instant, from
what was there; nobody pauses; background, notices and the summary are left out. What was told
before the first article is told on both sides.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime

from services.console.diff.compare import UNCLEAR
from services.notifier.assemble import most_related
from services.notifier.compose import compose
from services.notifier.digest import Coverage, Digest, DigestHead
from services.notifier.project import Known
from services.notifier.schedule import latest_due, next_due
from services.notifier.select import Period, news
from services.notifier.subscription import Filters, Scope, Subscription
from services.notifier.ties import Kin, told_once
from shared.article import Record
from shared.events import Classified

EVERY: frozenset[Scope] = frozenset({"core", "adjacent", "oncology", "none", "unclear"})
OPEN = Filters(scope=EVERY)
"""Lets everything pass: the reader's filters were asked when the article came."""

BEYOND = ("beyond", "listed by title only")

How = Literal["comes", "goes", "moves", "relabelled"]
Place = tuple[str, str]
"""Where an article stands in a digest: the id and name of its heading."""


class Shift(Record):
    """What becomes of one article in a digest, and where it stands on either side."""

    pmid: int
    title: str
    how: How
    before: Place | None = None
    after: Place | None = None


class DigestDifference(Record):
    """A digest that would differ: whose, when it was due, how many articles on either side."""

    subscription_id: str
    topic: str
    due: AwareDatetime
    before: int
    after: int
    shifts: tuple[Shift, ...]


@dataclass(frozen=True)
class State:
    """An article after an event, on one side. `wanted` has a bit for each subscription."""

    known: Known
    wanted: int


@dataclass(frozen=True)
class Arrival:
    """What both sides know of an article from `at` on; `None` where a side has not got it."""

    at: datetime
    pmid: int
    topic: str
    before: State | None
    after: State | None


@dataclass
class _Side:
    """What one side holds ready for one reader."""

    waiting: dict[int, Known] = field(default_factory=dict)
    carried: datetime | None = None


@dataclass
class _Reader:
    subscription: Subscription
    bit: int
    sides: tuple[_Side, _Side] = field(default_factory=lambda: (_Side(), _Side()))
    slot: datetime | None = None


@dataclass
class Desk:
    """Cuts the digests of all subscriptions on both sides, article by article in time.

    `told` are the PMIDs that each subscription was sent before, by its id; `versions` are pairs of
    an earlier and a later PMID, by topic.
    """

    subscriptions: Sequence[Subscription]
    told: Mapping[str, Iterable[int]] = field(default_factory=dict)
    versions: Mapping[str, frozenset[tuple[int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._readers = [_Reader(one, 1 << n) for n, one in enumerate(self.subscriptions)]
        self._due: list[tuple[datetime, int]] = []
        self._told: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for reader in self._readers:
            for pmid in self.told.get(reader.subscription.id, ()):
                for told in self._told:
                    told[pmid] = told.get(pmid, 0) | reader.bit

    def differences(self, arrivals: Iterable[Arrival]) -> Iterator[DigestDifference]:
        """The digests that differ, in the order in which they are due."""
        for arrival in arrivals:
            yield from self._cut_before(arrival.at)
            for number, reader in enumerate(self._readers):
                if reader.subscription.topic == arrival.topic:
                    self._take(number, reader, arrival)
        yield from self._cut_before(None)

    def _take(self, number: int, reader: _Reader, arrival: Arrival) -> None:
        for side, told, state in zip(
            reader.sides, self._told, (arrival.before, arrival.after), strict=True
        ):
            side.waiting.pop(arrival.pmid, None)
            if state and state.wanted & reader.bit and not told.get(arrival.pmid, 0) & reader.bit:
                side.waiting[arrival.pmid] = state.known
        if reader.slot is None and any(side.waiting for side in reader.sides):
            self._await(number, reader, arrival.at - datetime.resolution)

    def _await(self, number: int, reader: _Reader, after: datetime) -> None:
        wish = reader.subscription
        since = max(after, wish.created_at, wish.confirmed_at or wish.created_at)
        reader.slot = next_due(wish.rhythm, since)
        heapq.heappush(self._due, (reader.slot, number))

    def _cut_before(self, at: datetime | None) -> Iterator[DigestDifference]:
        while self._due and (at is None or self._due[0][0] < at):
            slot, number = heapq.heappop(self._due)
            reader = self._readers[number]
            reader.slot = None
            if found := self._cut(reader, slot):
                yield found
            if any(side.waiting for side in reader.sides):
                self._await(number, reader, slot)

    def _cut(self, reader: _Reader, slot: datetime) -> DigestDifference | None:
        old, new = (
            self._bring(reader, side, told, slot)
            for side, told in zip(reader.sides, self._told, strict=True)
        )
        if list(map(_seen, old)) == list(map(_seen, new)):
            return None
        places = [_places(reader.subscription, slot, entries) for entries in (old, new)]
        shifts = tuple(_shifts((old, new), places))
        if not shifts:
            return None
        subscription = reader.subscription
        return DigestDifference(
            subscription_id=subscription.id,
            topic=subscription.topic,
            due=slot,
            before=len(old),
            after=len(new),
            shifts=shifts,
        )

    def _bring(
        self, reader: _Reader, side: _Side, told: dict[int, int], slot: datetime
    ) -> list[Classified]:
        """What one side's digest has for news; it is told then, and what has no room waits."""
        wish = reader.subscription.model_copy(update={"filters": OPEN})
        last = latest_due(wish.rhythm, slot - datetime.resolution)
        period = Period(Period.of(wish, last, slot).start, slot, side.carried)
        found = news(wish, side.waiting.values(), (), period)
        kept = found if wish.preprints == "both" else told_once(found, self._kin(reader, told))
        entries = most_related(kept)
        later = {entry.article.pmid for entry in kept} - {entry.article.pmid for entry in entries}
        side.carried = period.floor(wish) if later else None
        for entry in found:
            if entry.article.pmid not in later:
                told[entry.article.pmid] = told.get(entry.article.pmid, 0) | reader.bit
        side.waiting = {
            pmid: known
            for pmid, known in side.waiting.items()
            if pmid in later or not period.has_seen(known.discovered_at)
        }
        return entries

    def _kin(self, reader: _Reader, told: dict[int, int]) -> Kin:
        versions = self.versions.get(reader.subscription.topic, frozenset())
        later = {pmid for _, pmid in versions if told.get(pmid, 0) & reader.bit}
        return Kin(versions=versions, told=later)


def _seen(entry: Classified) -> tuple[object, ...]:
    """What of an article a reader sees that labels decide."""
    found = entry.classification
    labels = frozenset((one.facet, one.id, one.name) for one in found.labels)
    return entry.article.pmid, found.scope, labels


def _places(
    subscription: Subscription, slot: datetime, entries: Sequence[Classified]
) -> dict[int, Place]:
    head = DigestHead(
        id="",
        topic=subscription.topic,
        topic_title="",
        seed=0,
        subscription_id=subscription.id,
        cadence=subscription.cadence,
        period_from=slot,
        period_to=slot,
        created_at=slot,
        max_items=subscription.max_items,
    )
    return dict(_standing(compose(entries, (), head, Coverage(polls=0, healthy=True))))


def _standing(digest: Digest) -> Iterator[tuple[int, Place]]:
    for group in digest.groups:
        yield from ((shown.pmid, (group.modality, group.name)) for shown in group.items)
    yield from ((shown.pmid, UNCLEAR) for shown in digest.other)
    yield from ((shown.pmid, BEYOND) for shown in digest.beyond)


def _shifts(
    sides: tuple[list[Classified], list[Classified]], places: Sequence[Mapping[int, Place]]
) -> Iterator[Shift]:
    old, new = ({entry.article.pmid: entry for entry in entries} for entries in sides)
    for pmid in dict.fromkeys((*new, *old)):
        was, now = places[0].get(pmid), places[1].get(pmid)
        how = _how(was, now) or ("relabelled" if _seen(old[pmid]) != _seen(new[pmid]) else None)
        if how:
            title = (new.get(pmid) or old[pmid]).article.title
            yield Shift(pmid=pmid, title=title, how=how, before=was, after=now)


def _how(was: Place | None, now: Place | None) -> How | None:
    if was is None or now is None:
        return "comes" if was is None else "goes"
    return "moves" if was != now else None
