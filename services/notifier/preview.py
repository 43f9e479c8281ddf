"""What a subscription would have brought in the last weeks: for who is about to choose.

From stored articles only; nothing is asked of PubMed, and nothing is written. An article stands in
the first digest that was due after it was found. What somebody was told already is not looked at:
the wish may be anybody's.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import store
from services.notifier.item import Item, item
from services.notifier.match import admits
from services.notifier.project import Known
from services.notifier.schedule import BUNDLE, Rhythm, latest_due, next_due
from services.notifier.subscription import Wish
from services.notifier.ties import Kin, told_once
from shared.database import transaction
from shared.events import Classified

MOST_WEEKS = 12
MOST_ARTICLES = 1000
"""Articles looked at, the most related first: a preview is asked for by anybody, and often."""

SHOWN = 10
"""Articles of one digest that a preview has in full."""


@dataclass(frozen=True)
class Issue:
    """A digest as it would have been: how many articles, and the most related of them."""

    due: datetime
    total: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Preview:
    """The issues of some weeks, the latest first.

    Empty ones are among them, but for immediate digests, which nobody would have got. With
    `is_cut_off` there were more articles than are looked at, so that counts are at least so many.
    """

    since: datetime
    issues: tuple[Issue, ...]
    is_cut_off: bool = False

    @property
    def total(self) -> int:
        """How many articles in all."""
        return sum(issue.total for issue in self.issues)


async def over_weeks(engine: AsyncEngine, wish: Wish, now: datetime, weeks: int = 4) -> Preview:
    """What this wish would have brought in the last `weeks`, 12 at most.

    Raises:
        Retryable: the database is away.
    """
    since = now - timedelta(weeks=min(weeks, MOST_WEEKS))
    async with transaction(engine) as connection:
        known = await store.recent(connection, wish, since, MOST_ARTICLES)
        versions = await store.versions(connection, wish.topic)
    return laid_out(wish, known, Kin(versions=versions), (since, now))


def laid_out(
    wish: Wish, known: Sequence[Known], kin: Kin, span: tuple[datetime, datetime]
) -> Preview:
    """The articles that pass the filters, in the digests that were due in that span."""
    since, now = span
    wanted = [
        one
        for one in known
        if since < one.is_new_since <= now and admits(wish.filters, one.features)
    ]
    slots = _slots(wish.rhythm, [one.is_new_since for one in wanted], span)
    found: dict[datetime, list[Classified]] = {slot: [] for slot in slots}
    for one in wanted:
        place = bisect_left(slots, one.is_new_since)
        if place < len(slots):
            found[slots[place]].append(one.entry)
    issues, told = [], set[int]()
    for slot, entries in found.items():
        kept = (
            entries
            if wish.preprints == "both"
            else told_once(entries, Kin(kin.versions, told=told))
        )
        told |= {entry.article.pmid for entry in entries}
        issues.append(_issue(slot, kept))
    return Preview(since, tuple(reversed(issues)), is_cut_off=len(known) >= MOST_ARTICLES)


def _issue(slot: datetime, entries: Sequence[Classified]) -> Issue:
    ranked = sorted(entries, key=lambda entry: (-entry.relatedness, -entry.article.pmid))
    return Issue(slot, len(ranked), tuple(item(entry) for entry in ranked[:SHOWN]))


def _slots(
    rhythm: Rhythm, found_at: Sequence[datetime], span: tuple[datetime, datetime]
) -> list[datetime]:
    """Due instants in the span, the earliest first; of immediate digests those with an article."""
    since, now = span
    if rhythm.cadence == "immediate":
        bundles = {latest_due(rhythm, at - timedelta.resolution) + BUNDLE for at in found_at}
        return sorted(slot for slot in bundles if slot <= now)
    slots: list[datetime] = []
    slot = next_due(rhythm, since)
    while slot <= now:
        slots.append(slot)
        slot = next_due(rhythm, slot)
    return slots
