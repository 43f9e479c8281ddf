"""What the notifier does with replayed events: nothing that a live digest could notice.

A digest is made of articles, versions, polls, what was received, cards and labels: all of them are
written by live events alone, and the inbox is only read. What a forced replay brings is worked
through as a rehearsal, noted, and let go. What somebody may be sent of it is collected apart, until
the replay is finished (`replays_delivery`).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import replays_store
from services.notifier.archive.index import card
from services.notifier.item import item
from services.notifier.project import project
from services.notifier.tables import outcomes
from shared.clock import Clock
from shared.database import transaction
from shared.events import ArticleClassified, PollCompleted, ReplayFinished
from shared.marks import Marks
from shared.replayed import Outcome, Result, note
from shared.together import Together

Ours = ArticleClassified | PollCompleted | ReplayFinished


@dataclass(frozen=True)
class Brought:
    """An event that a replay brought."""

    event: Ours
    marks: Marks


def replays(
    engine: AsyncEngine, clock: Clock, name: str
) -> Callable[[Ours, Marks], Awaitable[None]]:
    """What handles replayed events in place of the handler of that `name`.

    Many go in one transaction, and none with live ones: neither waits for the other's rows.
    """
    together: Together[Brought] = Together(partial(_write, engine, clock, name))

    async def handle(event: Ours, marks: Marks) -> None:
        if marks.force or marks.to:
            rehearse(event, clock)
        await together.write(Brought(event, marks))

    return handle


def rehearse(event: Ours, clock: Clock) -> None:
    """Work an event through as if it were live, and keep nothing of it; raises what that raises."""
    if isinstance(event, ArticleClassified):
        card(project(None, event.data, event.time, clock()))
        item(event.data)


def result_of(event: Ours, marks: Marks, *, had: bool) -> Result:
    """What becomes of a replayed event; `had` says whether it was there live. Pure.

    A poll is what was checked then: no replay checks anything. Nor is another replay's end this
    one's. An article that was never there live is no news by a replay, so it is passed over unless
    somebody asked for it.
    """
    if isinstance(event, ArticleClassified) and (marks.force or marks.to):
        return "processed"
    if had and not marks.force:
        return "deduplicated"
    return "skipped"


async def _write(engine: AsyncEngine, clock: Clock, name: str, brought: Sequence[Brought]) -> None:
    async with transaction(engine) as connection:
        await _note(connection, clock, name, brought)


async def _note(
    connection: AsyncConnection, clock: Clock, name: str, brought: Sequence[Brought]
) -> None:
    now = clock()
    had = await replays_store.had(connection, [one.event for one in brought], name)
    noted = [
        Outcome(
            one.marks.replay_id,
            one.event.id,
            name,
            result_of(one.event, one.marks, had=one.event.id in had),
            one.marks.hop,
        )
        for one in brought
    ]
    first = await note(connection, outcomes, noted, now)
    allowed = [
        (one.event, one.marks)
        for one in brought
        if isinstance(one.event, ArticleClassified)
        and one.marks.to
        and (one.marks.replay_id, one.event.id) in first
    ]
    await replays_store.keep(connection, allowed, now)
