"""What one pass has read of articles and polls, once for all subscribers whose turn it is.

Within a pass it is kept as first read: what arrives meanwhile comes with the next one, and what
is retracted meanwhile is found before it is sent.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import store
from services.notifier.compose import Made
from services.notifier.coverage import LATE, coverage, in_processing, is_complete
from services.notifier.digest import Coverage
from services.notifier.project import Known
from services.notifier.schedule import BUNDLE
from services.notifier.select import Period
from services.notifier.surroundings import Surroundings
from shared.events import Poll

_STEP = timedelta(days=10)
"""Readings begin at multiples of this, so that subscribers of many days share a few."""

_EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Checked:
    """What is known of the polls of a period.

    `is_complete`: all that they announced has arrived. `is_settled`: what the polls of the last
    quarter of an hour announced has.
    """

    last: Poll | None
    coverage: Coverage
    is_complete: bool
    is_settled: bool


@dataclass(frozen=True)
class _Polls:
    since: datetime
    polls: list[Poll]
    arrived: dict[str, int]


@dataclass(frozen=True)
class Gathered:
    """Readings by topic; make a new one for each pass."""

    _articles: dict[str, tuple[datetime, list[Known]]] = field(default_factory=dict)
    _polls: dict[str, _Polls] = field(default_factory=dict)
    _versions: dict[str, frozenset[tuple[int, int]]] = field(default_factory=dict)
    _last: dict[tuple[str, datetime, bool], Poll | None] = field(default_factory=dict)
    _checked: dict[tuple[str, datetime, datetime], Checked] = field(default_factory=dict)
    _changed: list[frozenset[int]] = field(default_factory=list)
    surroundings: Surroundings = field(default_factory=Surroundings)
    made: Made = field(default_factory=dict)

    async def articles(
        self, connection: AsyncConnection, topic: str, since: datetime
    ) -> list[Known]:
        """The topic's articles that may be news of a period that looks back to `since`."""
        held = self._articles.get(topic)
        if held is None or since < held[0]:
            floor = _rounded(since)
            held = floor, await store.articles_between(connection, topic, floor, _EVER)
            self._articles[topic] = held
        return held[1]

    async def changed(self, connection: AsyncConnection) -> frozenset[int]:
        """Articles of all topics of which a notice may be due to somebody."""
        if not self._changed:
            self._changed.append(await store.with_standing(connection))
        return self._changed[0]

    async def versions(self, connection: AsyncConnection, topic: str) -> frozenset[tuple[int, int]]:
        """Which record is a version of which, as `store.versions` has it."""
        if topic not in self._versions:
            self._versions[topic] = await store.versions(connection, topic)
        return self._versions[topic]

    async def checked(self, connection: AsyncConnection, topic: str, period: Period) -> Checked:
        """What the polls of a period checked, and whether it has all arrived."""
        key = (topic, period.start, period.end)
        if key not in self._checked:
            self._checked[key] = await self._check(connection, topic, period)
        return self._checked[key]

    async def _check(self, connection: AsyncConnection, topic: str, period: Period) -> Checked:
        since = min(period.start, period.end - LATE)
        held = await self._held(connection, topic, since)
        recent = [poll for poll in held.polls if since < poll.finished_at <= period.end]
        polls = [poll for poll in recent if poll.finished_at > period.start]
        fresh = [poll for poll in polls if poll.finished_at > period.end - BUNDLE]
        healthy = await self._last_poll(connection, (topic, period.end, True))
        pending = in_processing(recent, held.arrived)
        told = coverage(polls, pending, healthy, period)
        if told.healthy:
            well = await store.healthy_since(connection, topic, period.end)
            told = told.model_copy(update={"healthy_since": well})
        return Checked(
            last=await self._last_poll(connection, (topic, period.end, False)),
            coverage=told,
            is_complete=is_complete(polls, held.arrived),
            is_settled=not in_processing(fresh, held.arrived),
        )

    async def _held(self, connection: AsyncConnection, topic: str, since: datetime) -> _Polls:
        held = self._polls.get(topic)
        if held is None or since < held.since:
            floor = _rounded(since)
            polls = await store.polls_between(connection, topic, floor, _EVER)
            ids = [poll.poll_id for poll in polls if poll.announced]
            held = _Polls(floor, polls, await store.received_counts(connection, topic, ids))
            self._polls[topic] = held
        return held

    async def _last_poll(
        self, connection: AsyncConnection, key: tuple[str, datetime, bool]
    ) -> Poll | None:
        topic, until, healthy = key
        if key not in self._last:
            held = (
                poll
                for poll in reversed(self._polls[topic].polls)
                if poll.finished_at <= until and (poll.healthy or not healthy)
            )
            self._last[key] = next(held, None) or await store.last_poll(
                connection, topic, until, healthy=healthy
            )
        return self._last[key]


def _rounded(at: datetime) -> datetime:
    step = _STEP.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // step * step, UTC)
