"""What the classifier does with replayed discoveries: nothing that live work could notice.

One that was had live is known again, unless the replay is forced. What is made of the others is
published with the marks of the replay, under ids of its own (`shared.marks`). The inbox is only
read. Labels are written over those of the same revision only, and only where forced: an article
that no live event brought is not kept, so that it is found as if for the first time when one does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import store
from services.classifier.tables import outbox, outcomes
from shared.clock import Clock
from shared.database import transaction
from shared.events import ArticleClassified, ArticleDiscovered, ArticleRevised
from shared.marks import Marks
from shared.outbox import add_all
from shared.replayed import Outcome, Result, note
from shared.together import Together

Classify = Callable[[ArticleDiscovered | ArticleRevised], Awaitable[ArticleClassified]]
"""Labels an article, and asks nobody for it that costs or remembers."""


@dataclass(frozen=True)
class Brought:
    """A discovery or revision that a replay brought."""

    event: ArticleDiscovered | ArticleRevised
    marks: Marks


def replays(
    engine: AsyncEngine, clock: Clock, name: str, classify: Classify
) -> Callable[[ArticleDiscovered | ArticleRevised, Marks], Awaitable[None]]:
    """What handles replayed events in place of the handler of that `name`.

    Many go in one transaction, and none with live ones: neither waits for the other's rows.
    """
    work = _Replays(engine, clock, name, classify)
    together: Together[Brought] = Together(work.write)

    async def handle(event: ArticleDiscovered | ArticleRevised, marks: Marks) -> None:
        await together.write(Brought(event, marks))

    return handle


@dataclass(frozen=True)
class _Replays:
    engine: AsyncEngine
    clock: Clock
    name: str
    classify: Classify

    async def write(self, brought: Sequence[Brought]) -> None:
        """Note what was had, then label the others: no connection is held meanwhile."""
        wanted = await self._not_had(brought)
        made = []
        for one in wanted:
            made.append((one, await self.classify(one.event)))
            await asyncio.sleep(0)  # live events have their turn between two articles
        if made:
            await self._publish(made)

    async def _not_had(self, brought: Sequence[Brought]) -> list[Brought]:
        unforced = [one.event for one in brought if not one.marks.force]
        if not unforced:
            return list(brought)
        async with transaction(self.engine) as connection:
            had = await store.had(connection, unforced, self.name)
            known = [one for one in brought if one.event.id in had and not one.marks.force]
            await note(connection, outcomes, self._noted(known, "deduplicated"), self.clock())
        return [one for one in brought if one.event.id not in had or one.marks.force]

    async def _publish(self, made: Sequence[tuple[Brought, ArticleClassified]]) -> None:
        now = self.clock()
        noted = self._noted([one for one, _ in made], "processed")
        async with transaction(self.engine) as connection:
            first = await note(connection, outcomes, noted, now)
            told = {
                event.id: (one, event)
                for one, event in made
                if (one.marks.replay_id, one.event.id) in first
            }
            forced = [event for one, event in told.values() if one.marks.force]
            await store.relabel(connection, forced, now)
            await add_all(connection, outbox, [event for _, event in told.values()], now)

    def _noted(self, brought: Sequence[Brought], result: Result) -> list[Outcome]:
        outcome = partial(Outcome, handler=self.name, result=result)
        return [outcome(one.marks.replay_id, one.event.id, hop=one.marks.hop) for one in brought]
