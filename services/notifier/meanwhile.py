"""What a digest that nobody here knows of may have told: due after a backup, before its restore."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import history, store
from services.notifier.gathered import Gathered
from services.notifier.project import Known
from services.notifier.schedule import latest_due
from services.notifier.select import Period, is_background, is_news
from services.notifier.subscription import Subscription

_A_MOMENT = timedelta(seconds=1)
MOST_TURNS = 400
"""Of an immediate subscription, four days of them: what brings background is looked at so far."""


@dataclass(frozen=True)
class Lost:
    """A subscription's last turn in the unknown time, and until when is known what was sent.

    `background` is how many background articles one digest brings.
    """

    subscription: Subscription
    slot: datetime
    known_until: datetime
    background: int


async def may_have_told(
    connection: AsyncConnection, lost: Lost, gathered: Gathered, now: datetime
) -> list[int]:
    """PMIDs of what this subscription may have been told by its turn, and was not before."""
    one, slot = lost.subscription, lost.slot
    last = await history.last(connection, one.id, slot)
    left = await history.left(connection, one.id, slot)
    start = Period.of(one, last.end, slot).start
    period = Period(start, slot, left.carried, cut_at=slot)  # which has seen all that is known
    known = await gathered.articles(connection, one.topic, period.floor(one))
    had = await history.told(connection, one.id)
    wanted = [
        article.pmid
        for article in known
        if article.pmid not in had
        and was_there(article, slot, lost.known_until)
        and is_news(article, one, period)
    ]
    if one.background:
        turns = turns_between(one, last.slot or one.confirmed_at or one.created_at, slot)
        rows = await store.background(connection, one, now, (0, lost.background * turns))
        wanted += [row.pmid for row in rows if is_background(row, one, period)]
    return sorted(set(wanted) - had)


def was_there(article: Known, slot: datetime, known_until: datetime) -> bool:
    """Whether a paper may have been told at `slot`: it was known before, or PubMed had it then."""
    entered = article.entry.article.entered_at
    return article.discovered_at <= known_until or entered is None or entered <= slot


def turns_between(one: Subscription, after: datetime, slot: datetime) -> int:
    """How many due instants there were up to `slot`, itself one of them."""
    count = 0
    while slot > after and count < MOST_TURNS:
        count, slot = count + 1, latest_due(one.rhythm, slot - _A_MOMENT)
    return max(count, 1)
