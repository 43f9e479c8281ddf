"""From PMIDs to articles in the store and events in the outbox, chunk by chunk."""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller import parked, store
from services.poller.eutils import CHUNK, Eutils
from services.poller.eutils.budget import FAILURES
from services.poller.legs import Asked, merge
from services.poller.parse import Parsed, Refused, parse_records
from services.poller.poll import (
    Decision,
    Entry,
    Found,
    Known,
    Moment,
    Waiting,
    discover,
    linked,
    news_since,
    revisit,
)
from services.poller.settle import Tally
from services.poller.topic import Topic
from shared import tracing
from shared.article import Article, Status
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Permanent, Retryable

log = structlog.get_logger(__name__)

WITHHELD_FOR = timedelta(days=3)
"""An id that PubMed names and does not send keeps its leg open for so long; then it is parked
like a record that was not understood, and asked for at each poll all the same."""

SILENCE = 10
"""So many records asked for and none sent is an outage; fewer may all have been taken out."""

PARTS = 10
"""Into so many smaller ones a chunk is cut that failed."""


@dataclass(frozen=True)
class Outside:
    """What a poll reaches out to."""

    engine: AsyncEngine
    eutils: Eutils
    clock: Clock


@dataclass
class Run:
    """A poll under way. `again` is what is asked for though no leg names it as new.

    `linked` are PMIDs that what was announced in this poll points to: a notice to its paper.
    """

    topic: Topic
    poll_id: str
    started: datetime
    asked: tuple[Asked, ...]
    found: dict[int, Found]
    known: dict[int, Known]
    tally: Tally
    again: tuple[int, ...] = ()
    linked: set[int] = field(default_factory=set)

    def moment(self, now: datetime) -> Moment:
        """This poll at an instant."""
        return Moment(self.topic, self.poll_id, now)


async def fetch_all(outside: Outside, run: Run, pmids: Sequence[int]) -> None:
    """Fetch, read and write articles, new and known, a chunk a transaction.

    A chunk that fails is asked for again in smaller ones before the next: a record that PubMed
    cannot send holds up no other, and is not taken for an outage when there are several.

    Raises:
        Retryable: the database is away. PubMed's faults are noted in the run's tally.
    """
    chunks, pieces = deque(_chunks(pmids, CHUNK)), deque[Sequence[int]]()
    failures, fault = 0, ""
    while (pieces or chunks) and failures < FAILURES:
        chunk = (pieces or chunks).popleft()
        try:
            with tracing.span("fetch", topic=run.topic.id, articles=len(chunk)):
                body = await outside.eutils.fetch(chunk)
        except (Permanent, Retryable) as error:
            failures, fault = failures + 1, str(error)
            run.tally.failed.update(dict.fromkeys(chunk, fault))
            if len(chunk) > 1:
                pieces.extend(_chunks(chunk, max(len(chunk) // PARTS, 1)))
        else:
            failures = 0
            for pmid in chunk:
                run.tally.failed.pop(pmid, None)
            await _take(outside, run, chunk, parse_records(body))
    # NCBI is out of order: the rest of the list would fare no better.
    run.tally.failed.update((pmid, fault) for chunk in (*pieces, *chunks) for pmid in chunk)


def _chunks(pmids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (pmids[start : start + size] for start in range(0, len(pmids), size))


async def _take(outside: Outside, run: Run, chunk: Sequence[int], parsed: Parsed) -> None:
    if parsed == Parsed() and len(chunk) >= SILENCE:
        fault = f"efetch: PubMed sent none of {len(chunk)} records; asked again next time"
        run.tally.failed.update(dict.fromkeys(chunk, fault))
    else:
        await _write_chunk(outside, run, chunk, parsed)


async def _write_chunk(outside: Outside, run: Run, chunk: Sequence[int], parsed: Parsed) -> None:
    read = {article.pmid: article for article in sorted(parsed.articles, key=lambda a: a.version)}
    asked = set(chunk)
    refused = {record.pmid for record in parsed.refused if record.pmid in asked}
    moment = run.moment(outside.clock())
    async with transaction(outside.engine) as connection:
        await store.lock_topic(connection, run.topic.id)
        entries = await store.read_entries(connection, run.topic.id, chunk)
        deleted = _deleted(entries, set(parsed.deleted))
        records = {pmid: a for pmid, a in read.items() if pmid in asked} | deleted
        decisions = [_decide(run, entries.get(pmid), a, moment) for pmid, a in records.items()]
        await store.save(connection, run.topic.id, decisions, moment.now)
        await store.note_read(connection, run.topic.id, entries.keys() - records.keys(), moment.now)
        await parked.park(connection, run.topic.id, _waiting(run, parsed, moment), moment.now)
        await parked.unpark(connection, run.topic.id, records.keys())
        unsent = asked - records.keys() - refused - set(parsed.deleted) - entries.keys()
        since = await parked.withhold(
            connection, run.topic.id, _unsent(run, unsent, moment), moment.now
        )
    _tell(decisions)
    run.tally.understood |= records.keys() | (asked & set(parsed.deleted))
    run.tally.new |= records.keys() - entries.keys()
    run.tally.announced |= _announced(decisions)
    run.tally.parked |= {pmid for pmid in refused if pmid is not None} - records.keys()
    run.tally.parked |= {pmid for pmid, at in since.items() if moment.now - at > WITHHELD_FOR}
    run.linked |= {pmid for one in decisions if one.event for pmid in linked(one.entry.article)}


def _tell(decisions: Sequence[Decision]) -> None:
    """A line for each announced article, by which it is followed through the services' logs."""
    for event in (one.event for one in decisions):
        if event is not None and not event.data.backfill:
            pmid, topic = event.data.article.pmid, event.data.topic
            ids = {"event_id": event.id, **tracing.ids_in(event.traceparent)}
            log.info("article_announced", **ids, topic=topic, pmid=pmid)


def _announced(decisions: Sequence[Decision]) -> set[int]:
    return {decision.entry.article.pmid for decision in decisions if decision.event}


def _waiting(run: Run, parsed: Parsed, moment: Moment) -> Iterator[tuple[Refused, Waiting]]:
    for record in parsed.refused:
        found = run.found.get(record.pmid or 0, Found())
        yield record, Waiting(found.reasons, news_since(found, moment))


def _unsent(run: Run, pmids: Collection[int], moment: Moment) -> dict[int, Waiting]:
    found = {pmid: run.found.get(pmid, Found()) for pmid in pmids if pmid != run.topic.seed}
    return {pmid: Waiting(one.reasons, news_since(one, moment)) for pmid, one in found.items()}


def _deleted(entries: dict[int, Entry], deleted: set[int]) -> dict[int, Article]:
    """Known articles that PubMed has taken out: they stay, as deleted."""
    return {
        pmid: entry.article.model_copy(update={"status": Status.DELETED})
        for pmid, entry in entries.items()
        if pmid in deleted
    }


def _decide(run: Run, entry: Entry | None, article: Article, moment: Moment) -> Decision:
    found = run.found.get(article.pmid, Found())
    if entry is None:
        return discover(article, found, moment)
    return revisit(entry, article, found, moment)


async def note_reasons(outside: Outside, run: Run, read: set[int]) -> None:
    """Known articles that were not read again may have other reasons now."""
    changed = [
        pmid
        for pmid, found in run.found.items()
        if (row := run.known.get(pmid))
        and (pmid not in read or pmid in run.tally.failed)
        and merge(row.reasons, found.reasons) != row.reasons
    ]
    for start in range(0, len(changed), CHUNK):
        chunk = changed[start : start + CHUNK]
        moment = run.moment(outside.clock())
        async with transaction(outside.engine) as connection:
            await store.lock_topic(connection, run.topic.id)
            entries = await store.read_entries(connection, run.topic.id, chunk)
            decisions = [
                revisit(entry, None, run.found[pmid], moment) for pmid, entry in entries.items()
            ]
            await store.save(connection, run.topic.id, decisions, moment.now)
        _tell(decisions)
        run.tally.announced |= _announced(decisions)
