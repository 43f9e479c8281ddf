"""One file taken in: applied, noted in the ledger and announced, or refused and noted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller import store
from services.poller.ingest import ledger
from services.poller.ingest.announce import as_poll, ingest_id
from services.poller.ingest.apply import Applied, Target, apply
from services.poller.ingest.decide import News
from services.poller.ingest.ledger import FileRow
from services.poller.ingest.plan import Planned
from services.poller.ingest.readers import Readers, Reading
from services.poller.ingest.report import NOTHING, Report, counts_of
from services.poller.ingest.sieve import Criteria, definition_of
from services.poller.ledger import completed
from services.poller.poll import Moment
from services.poller.tables import outbox
from services.poller.topic import Topic
from shared.clock import Clock
from shared.database import transaction
from shared.outbox import add

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Intake:
    """What files are taken in with. `base_url` is the E-utilities that fill the same store.

    `tell` is told what is being done, in a few words, while there is nothing to report yet.
    """

    engine: AsyncEngine
    clock: Clock
    base_url: str
    readers: Readers
    tell: Callable[[str], None]


@dataclass
class Run:
    """Files on their way into a topic. `criteria.known` grows with what is taken in."""

    topic: Topic
    criteria: Criteria
    news: News
    planned: Sequence[Planned]
    cited: Mapping[Path, tuple[int, ...]] = field(default_factory=dict)


async def take_in(intake: Intake, run: Run, planned: Planned, reading: Reading) -> Report:
    """Apply what was read of a file, and note it when all of it is written.

    Raises:
        Retryable: the database is away.
    """
    started, sifted = intake.clock(), reading.sifted
    poll_id = await _poll_id(intake, run, planned)
    target = Target(intake.engine, intake.clock, run.topic, poll_id, run.news, sifted.newest)
    applied = await apply(target, reading.spool)
    run.criteria = replace(run.criteria, known=run.criteria.known | applied.learned)
    row = replace(
        _row(run, planned, error=_broken(planned, reading)),
        state="broken" if sifted.broken else "applied",
        counts=counts_of(sifted, applied),
        cited=run.cited.get(planned.path),
    )
    await _note(intake, run, row, (poll_id, started))
    return report_of(planned, reading, row)


def look_at(planned: Planned, reading: Reading) -> Report:
    """The report of a file that is read and not taken in."""
    known = reading.sifted.known
    counts = {**counts_of(reading.sifted, Applied()), "new": reading.sifted.matched - known}
    report = report_of(planned, reading, None)
    return replace(report, counts=counts, error=_broken(planned, reading))


def report_of(planned: Planned, reading: Reading, row: FileRow | None) -> Report:
    """What to tell of a file that was read; `row` is what the ledger says of it."""
    return Report(
        name=planned.path.name,
        size=planned.checked.sums.size,
        state=row.state if row else "read",
        counts=row.counts if row else NOTHING,
        warnings=planned.warnings,
        complaints=reading.sifted.complaints,
        error=row.error if row else None,
    )


def left_out(planned: Planned, error: str | None) -> Report:
    """The report of a file that is not read."""
    return Report(
        name=planned.path.name,
        size=planned.checked.sums.size,
        state="skipped" if planned.step == "apply" else planned.step,
        error=error,
    )


async def note_refused(intake: Intake, run: Run, planned: Planned) -> None:
    """Tell that a file could not be taken in: what is in it may be missed.

    Raises:
        Retryable: the database is away.
    """
    poll_id = await _poll_id(intake, run, planned)
    row = _row(run, planned, error=planned.error)
    await _note(intake, run, row, (poll_id, intake.clock()))


def _broken(planned: Planned, reading: Reading) -> str | None:
    fault = reading.sifted.broken
    return f"{planned.path.name}: {fault}; download it again" if fault else None


def _row(run: Run, planned: Planned, error: str | None) -> FileRow:
    return FileRow(
        name=planned.path.name,
        sha256=planned.checked.sums.sha256,
        md5=planned.checked.sums.md5,
        definition=definition_of(run.topic),
        state="refused",
        counts=NOTHING,
        error=error,
    )


async def _poll_id(intake: Intake, run: Run, planned: Planned) -> str:
    sha256 = planned.checked.sums.sha256
    async with transaction(intake.engine) as connection:
        times = await ledger.times_taken(connection, run.topic.id, sha256)
    return ingest_id(run.topic, sha256, times)


async def _note(intake: Intake, run: Run, row: FileRow, poll: tuple[str, datetime]) -> None:
    """The ledger row, and the event that tells of it, in one transaction."""
    topic, (poll_id, started) = run.topic, poll
    async with transaction(intake.engine) as connection:
        await store.lock_topic(connection, topic.id)
        now = max(intake.clock(), started)
        last = await ledger.last_legs(connection, topic.id, now)
        announced = await store.count_announced(connection, topic.id, poll_id)
        told = as_poll(Moment(topic, poll_id, now), started, row, last)
        told = told.model_copy(update={"announced": announced})
        await ledger.write_file(connection, topic.id, row, now)
        await add(connection, outbox, completed(topic, told, now), now)
    _log(topic, row, announced)


def _log(topic: Topic, row: FileRow, announced: int) -> None:
    if row.error:
        log.warning("file_not_whole", topic=topic.id, file=row.name, error=row.error)
    else:
        log.info("file_taken_in", topic=topic.id, file=row.name, announced=announced)
