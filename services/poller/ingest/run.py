"""Taking in files from end to end: check all, read several at once, apply one after the other."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from services.poller import store
from services.poller.alone import only_poller
from services.poller.backfill_windows import news_begins
from services.poller.ingest import ledger
from services.poller.ingest.checksum import Checked
from services.poller.ingest.decide import News
from services.poller.ingest.files import in_order
from services.poller.ingest.plan import Planned, Wishes, plan, skipped_after
from services.poller.ingest.readers import Reading
from services.poller.ingest.report import Report
from services.poller.ingest.sieve import criteria_of, definition_of
from services.poller.ingest.take import Intake, Run, left_out, look_at, note_refused, take_in
from services.poller.ledger import read_standing
from services.poller.legs import Cursor, is_first, plans
from services.poller.topic import Topic
from shared.database import transaction
from shared.errors import ConfigurationError, Retryable


async def ingest(
    intake: Intake, topic: Topic, paths: Sequence[Path], wishes: Wishes
) -> AsyncGenerator[Report, None]:
    """Take in files, in the order of NLM's numbers, and report each.

    What is written is written as by a poll, a chunk a transaction; the file is noted when all of
    it is. After a crash it is taken in again, and what is known by then is not told twice. After
    a file that is refused or breaks off no further one is taken in.

    Raises:
        ConfigurationError: a query cannot be used without PubMed, a file is not there, or the
            store was filled from elsewhere.
        Permanent: a file cannot be read at all.
        Retryable: the database is away, a reading process died, or another ingest of the topic
            is under way.
    """
    criteria = criteria_of(topic, intake.clock().date())
    files = in_order(paths)
    if missing := [str(path) for path in files if not path.is_file()]:
        raise ConfigurationError(f"no such file: {', '.join(missing[:5])}; correct the name")
    async with only_poller(intake.engine, f"{topic.id}.ingest") as alone:
        if not alone:
            raise Retryable(f"another ingest of {topic.id} is under way: wait for its end")
        intake.tell(f"Adding up {len(files)} files")
        checked = await intake.readers.check_all(files)
        run = await _begin(intake, Run(topic, criteria, News(intake.clock()), ()), checked, wishes)
        async for report in _go_through(intake, run, wishes):
            yield report


async def _begin(
    intake: Intake, run: Run, checked: Sequence[tuple[Path, Checked]], wishes: Wishes
) -> Run:
    topic, now = run.topic, intake.clock()
    async with transaction(intake.engine) as connection:
        if not wishes.dry_run:
            await store.claim_source(connection, intake.base_url, now)
        past = await ledger.read_past(connection, topic.id, definition_of(topic))
        known = await ledger.known_pmids(connection, topic.id)
        cited = await ledger.cited_by(connection, topic.id, topic.seed)
        cursors = await read_standing(connection, topic)
        until = await ledger.taken_until(connection, topic.id)
    run.planned = plan(checked, past, wishes)
    run.news = _news(topic, cursors, until, now)
    if topic.references and cited is None:
        cited = await _look_for_seed(intake, run)
    run.criteria = replace(
        run.criteria,
        known=frozenset(known),
        cited=(cited or frozenset()) if topic.references else frozenset(),
    )
    return run


def _news(
    topic: Topic, cursors: Mapping[str, Cursor], until: datetime | None, now: datetime
) -> News:
    """What is news; to a topic followed by files alone, also what came since the last of them."""
    since, complete = news_begins(topic, cursors, now), _complete(topic, cursors)
    if until and not complete:
        since = min(since, until - topic.overlap)
    return News(since, complete)


def _complete(topic: Topic, cursors: Mapping[str, Cursor]) -> frozenset[str]:
    """The queries and the citations of which a poll had all, as they are now."""
    return frozenset(
        plan.key
        for plan in plans(topic)
        if (plan.datetype == "crdt" or plan.relation == "cited-by")
        and not is_first(plan, cursors.get(plan.key))
    )


async def _look_for_seed(intake: Intake, run: Run) -> frozenset[int]:
    """What the seed cites is in its record, which may stand in a later file than what it cites."""
    intake.tell(f"Looking for the record of {run.topic.seed}, for what it cites")
    found = await intake.readers.seed_references(_to_read(run), run.topic.seed)
    if found is None:
        return frozenset()
    run.cited = dict([found])
    return frozenset(found[1])


def _to_read(run: Run) -> list[Path]:
    return [planned.path for planned in run.planned if planned.step == "apply"]


async def _go_through(intake: Intake, run: Run, wishes: Wishes) -> AsyncGenerator[Report, None]:
    readings = intake.readers.sift_all(_to_read(run), lambda: run.criteria)
    broken: str | None = None
    async with aclosing(readings):
        for planned in run.planned:
            intake.tell(planned.path.name)
            if planned.step == "apply" and not broken:
                reading = await anext(readings)
                broken = planned.path.name if reading.sifted.broken else None
                yield await _one(intake, run, (planned, reading), wishes)
            elif planned.step == "apply":
                yield left_out(planned, skipped_after(str(broken)))
            else:
                if planned.step == "refused" and not wishes.dry_run:
                    await note_refused(intake, run, planned)
                yield left_out(planned, planned.error)


async def _one(intake: Intake, run: Run, file: tuple[Planned, Reading], wishes: Wishes) -> Report:
    if wishes.dry_run:
        return look_at(*file)
    return await take_in(intake, run, *file)
