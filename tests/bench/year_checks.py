"""What must be true when the year is over: each rule gives complaints, and none is allowed."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from services.ncbi_sim.generate import Expected, Generated
from services.poller import tables
from shared.database import make_engine, transaction
from shared.events import ArticleDiscovered, ArticleRevised, PollCompleted, decode
from tests.bench.year_poller import EVENTS

LOOKBACK = 30
SLACK = 10
"""Days by which the first complete poll may be late."""


@dataclass(frozen=True)
class Left:
    """What the poller left behind: its tables, and every event it gave away."""

    articles: Mapping[int, Any]
    polls: Sequence[Any]
    legs: Sequence[Any]
    cursors: Mapping[str, datetime]
    parked: Sequence[Any]
    waiting: int
    discovered: Sequence[ArticleDiscovered]
    revised: Sequence[ArticleRevised]
    completed: frozenset[str]


async def read_left(database_url: str, folder: Path) -> Left:
    """Read the poller's store and the collector's file."""
    engine = make_engine(database_url)
    async with transaction(engine) as connection:

        async def rows(table: sa.Table) -> Sequence[Any]:
            return (await connection.execute(sa.select(table))).all()

        articles, polls = await rows(tables.articles), await rows(tables.polls)
        legs, cursors = await rows(tables.legs), await rows(tables.cursors)
        parked, outbox = await rows(tables.parked_records), await rows(tables.outbox)
    await engine.dispose()
    events = [decode(line) for line in (folder / EVENTS).read_bytes().splitlines()]
    polls = sorted(polls, key=lambda row: row.started_at)
    return Left(
        articles={row.pmid: row for row in articles},
        polls=polls,
        legs=[leg for leg in legs if leg.poll_id == polls[-1].poll_id],
        cursors={row.leg: row.moved_to for row in cursors},
        parked=parked,
        waiting=len(outbox),
        discovered=[event for event in events if isinstance(event, ArticleDiscovered)],
        revised=[event for event in events if isinstance(event, ArticleRevised)],
        completed=frozenset(e.data.poll_id for e in events if isinstance(e, PollCompleted)),
    )


def _found(left: Left, pubmed: Generated) -> Iterator[str]:
    missed = pubmed.truth.keys() - left.articles.keys()
    if missed:
        told = [(pmid, pubmed.truth[pmid]) for pmid in sorted(missed)[:3]]
        yield f"{len(missed)} articles were missed: {told}"
    extra = left.articles.keys() - pubmed.truth.keys()
    if extra:
        told = [(pmid, left.articles[pmid].reasons) for pmid in sorted(extra)[:3]]
        yield f"{len(extra)} articles are none of the topic's: {told}"


def _announced_once(left: Left, _pubmed: Generated) -> Iterator[str]:
    ids = {event.id: int(event.subject) for event in left.discovered}
    times = Counter(ids.values())
    twice = {pmid: count for pmid, count in times.items() if count > 1}
    if twice:
        yield f"{len(twice)} articles were announced more than once: {sorted(twice.items())[:5]}"
    if silent := left.articles.keys() - times.keys():
        yield f"{len(silent)} articles were never announced: {sorted(silent)[:5]}"
    if ghosts := times.keys() - left.articles.keys():
        yield f"{len(ghosts)} articles were announced and are not kept: {sorted(ghosts)[:5]}"


def _revisions_told(left: Left, _pubmed: Generated) -> Iterator[str]:
    told: dict[int, set[int]] = {}
    for event in left.revised:
        told.setdefault(int(event.subject), set()).add(event.data.revision)
    for pmid, row in left.articles.items():
        if told.get(pmid, set()) != set(range(2, row.revision + 1)):
            yield f"article {pmid} is at revision {row.revision}, told were {told.get(pmid)}"


def _final_state(left: Left, pubmed: Generated) -> Iterator[str]:
    for pmid, expected in pubmed.truth.items():
        row = left.articles.get(pmid)
        if row is None:
            continue
        if row.status != expected.status:
            yield f"article {pmid} is {row.status} here and {expected.status} in truth"
        if row.article["title"] != expected.title:
            yield f"article {pmid} is called {row.article['title']!r}, not {expected.title!r}"
        if expected.indexed is not bool(row.article.get("mesh")):
            yield f"article {pmid}: indexed is {expected.indexed}, and its headings say otherwise"
        relations = {reason["relation"] for reason in row.reasons}
        if relations != expected.relations:
            yield f"article {pmid} is here for {relations}, in truth for {expected.relations}"
        if (news := _is_news(expected)) is not None and row.backfill is news:
            yield f"article {pmid} of day {expected.entered_day}: backfill is {row.backfill}"


def _is_news(expected: Expected) -> bool | None:
    """Whether readers must be told; None where it depends on when the first poll was complete."""
    if expected.entered_day < -LOOKBACK:
        return False
    certain = expected.entered_day >= SLACK - LOOKBACK and expected.relations != {"references"}
    return True if certain else None


def _ledger_closed(left: Left, _pubmed: Generated) -> Iterator[str]:
    last = left.polls[-1]
    for leg in left.legs:
        if leg.state not in {"closed", "unknown"}:
            yield f"the last poll left {leg.leg} {leg.state}: {leg.error}"
        if leg.state == "closed" and left.cursors.get(leg.leg, last.started_at) != last.started_at:
            yield f"the cursor of {leg.leg} stands at {left.cursors[leg.leg]}"
    if not left.legs or not last.healthy:
        yield f"the last poll, of {last.started_at}, was not healthy"


def _polls_in_order(left: Left, _pubmed: Generated) -> Iterator[str]:
    for before, after in zip(left.polls, left.polls[1:], strict=False):
        if not before.started_at <= before.finished_at <= after.finished_at:
            yield f"poll {after.poll_id} ended before poll {before.poll_id}"
    if silent := {poll.poll_id for poll in left.polls} - left.completed:
        yield f"{len(silent)} polls ended without an event"


def _nothing_waits(left: Left, pubmed: Generated) -> Iterator[str]:
    if left.waiting:
        yield f"{left.waiting} events are still in the outbox"
    for row in left.parked:
        if row.pmid in pubmed.truth:
            yield f"record {row.pmid} is parked and could be read: {row.reason}"


RULES: tuple[Callable[[Left, Generated], Iterator[str]], ...] = (
    _found,
    _announced_once,
    _revisions_told,
    _final_state,
    _ledger_closed,
    _polls_in_order,
    _nothing_waits,
)


def complaints(left: Left, pubmed: Generated) -> list[str]:
    """Everything that is not as it must be."""
    return [complaint for rule in RULES for complaint in rule(left, pubmed)]
