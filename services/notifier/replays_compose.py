"""What a digest of a replay brings. Pure.

It is no news: neither what was told before nor when it was found counts, only the reader's filters
and what has become of the papers. A paper that is retracted by now is left out as ever.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notifier.compose import Beside, compose
from services.notifier.digest import Coverage, Digest, DigestHead
from services.notifier.match import Features, admits
from services.notifier.subscription import Subscription
from shared.events import Classified, Poll

MOST = 500
"""Articles in the digest of a replay, the most related; the others are counted."""


@dataclass(frozen=True)
class Collected:
    """Which revision of an article an event brought, how many steps after the replay, and when."""

    event_id: str
    pmid: int
    revision: int
    hop: int
    at: datetime


def latest(found: Iterable[Collected]) -> list[Collected]:
    """One for each article: its last revision, and of that what today's classifier says."""
    best: dict[int, Collected] = {}
    for one in found:
        known = best.get(one.pmid)
        if known is None or _rank(one) > _rank(known):
            best[one.pmid] = one
    return list(best.values())


def _rank(one: Collected) -> tuple[int, int, datetime, str]:
    return one.revision, one.hop, one.at, one.event_id


def wanted(subscription: Subscription, entries: Iterable[Classified]) -> list[Classified]:
    """What passes the reader's filters; background where they want it."""
    return [
        entry
        for entry in entries
        if (subscription.background or not entry.backfill)
        and admits(subscription.filters, Features(entry))
    ]


def most_related(entries: Sequence[Classified]) -> list[Classified]:
    """As many as a digest takes."""
    return heapq.nlargest(MOST, entries, key=lambda one: (one.relatedness, one.article.pmid))


def head_of(
    subscription: Subscription,
    digest_id: str,
    poll: Poll,
    span: tuple[datetime, datetime],
    now: datetime,
) -> DigestHead:
    """What identifies it; `span` is from the first event that it is of to the last."""
    return DigestHead(
        id=digest_id,
        kind="replay",
        topic=subscription.topic,
        topic_title=poll.topic_title,
        seed=poll.seed,
        subscription_id=subscription.id,
        cadence=subscription.cadence,
        period_from=span[0],
        period_to=span[1],
        created_at=now,
        time_zone=subscription.time_zone,
        max_items=subscription.max_items,
    )


def digest_of(head: DigestHead, entries: Sequence[Classified], left_out: int) -> Digest:
    """The digest of these entries; so many more passed the filters and had no room."""
    news = [entry for entry in entries if not entry.backfill]
    old = [entry for entry in entries if entry.backfill]
    made = compose(news, (), head, Coverage(polls=0, healthy=True), Beside(background=old))
    return made.model_copy(update={"waiting": left_out})
