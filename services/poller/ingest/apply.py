"""What was taken from one file, into the store and the outbox, in the order of the file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.poller import parked, store
from services.poller.backfill_store import waiting_among
from services.poller.ingest.decide import (
    Edition,
    News,
    decide,
    delete,
    found_for,
    is_older,
    last_versions,
)
from services.poller.ingest.spool import Gone, Item, Spoiled, Taken, read_spool
from services.poller.parse import Refused
from services.poller.poll import Decision, Entry, Moment, Waiting, news_since
from services.poller.topic import Topic
from shared.clock import Clock
from shared.database import transaction

CHUNK = 200
"""Records written in one transaction."""

_DELETED_AT_ONCE = 5000


@dataclass(frozen=True)
class Target:
    """Where a file's records go: the topic, the poll that announces them, what of them is news."""

    engine: AsyncEngine
    clock: Clock
    topic: Topic
    poll_id: str
    news: News
    newest: date | None

    def edition(self) -> Edition:
        """The file, judged at this instant."""
        moment = Moment(self.topic, self.poll_id, self.clock())
        return Edition(moment, self.news, self.newest)


@dataclass
class Applied:
    """What became of a file's records. `learned` are PMIDs that the topic did not know before."""

    learned: set[int] = field(default_factory=set)
    new: int = 0
    revised: int = 0
    deleted: int = 0


async def apply(target: Target, spool: Path) -> Applied:
    """Write everything in the spool, a chunk a transaction; done twice it changes nothing more.

    Raises:
        Retryable: the database is away. What was committed stays; take the file in again.
    """
    applied = Applied()
    for chunk in _chunks(read_spool(spool)):
        if isinstance(chunk, Gone):
            await _take_out(target, chunk.pmids, applied)
        else:
            await _write(target, chunk, applied)
    return applied


_Records = list[Taken | Spoiled]


def _chunks(items: Iterator[Item]) -> Iterator[_Records | Gone]:
    """Records in chunks, and deletions where they stand between them."""
    records: _Records = []
    for item in items:
        if isinstance(item, Gone):
            if records:
                yield records
            yield item
            records = []
        else:
            records.append(item)
            if len(records) == CHUNK:
                yield records
                records = []
    if records:
        yield records


async def _write(target: Target, records: _Records, applied: Applied) -> None:
    taken = last_versions(one for one in records if isinstance(one, Taken))
    spoiled = [one for one in records if isinstance(one, Spoiled)]
    edition, topic = target.edition(), target.topic.id
    async with transaction(target.engine) as connection:
        await store.lock_topic(connection, topic)
        entries = await store.read_entries(connection, topic, tuple(taken))
        waiting = await waiting_among(connection, topic, taken.keys() - entries.keys())
        decisions = [
            decide(one, entries.get(pmid), waiting.get(pmid), edition)
            for pmid, one in taken.items()
        ]
        await store.save(connection, topic, decisions, edition.moment.now)
        await parked.park(connection, topic, _refused(spoiled, edition), edition.moment.now)
        await parked.unpark(connection, topic, _understood(taken, entries, target.newest))
    new = taken.keys() - entries.keys()
    applied.learned |= {*new, *(one.pmid for one in spoiled if one.pmid)}
    applied.new += len(new)
    applied.revised += _announced(decisions) - len(new)


def _understood(
    taken: Mapping[int, Taken], entries: Mapping[int, Entry], newest: date | None
) -> set[int]:
    """An older record is no answer to a newer one that could not be understood."""
    return {
        pmid
        for pmid, one in taken.items()
        if (entry := entries.get(pmid)) is None or not is_older(one.article, entry, newest)
    }


def _refused(spoiled: Sequence[Spoiled], edition: Edition) -> Iterator[tuple[Refused, Waiting]]:
    for one in spoiled:
        found = found_for(one.reasons, None, edition)
        waiting = Waiting(found.reasons, news_since(found, edition.moment))
        yield Refused(one.pmid, one.reason, one.raw), waiting


def _announced(decisions: Sequence[Decision]) -> int:
    return sum(1 for decision in decisions if decision.event)


async def _take_out(target: Target, pmids: Sequence[int], applied: Applied) -> None:
    for start in range(0, len(pmids), _DELETED_AT_ONCE):
        some = pmids[start : start + _DELETED_AT_ONCE]
        edition = target.edition()
        async with transaction(target.engine) as connection:
            await store.lock_topic(connection, target.topic.id)
            decisions = await _deletions(connection, target.topic.id, some, edition)
            await store.save(connection, target.topic.id, decisions, edition.moment.now)
        applied.deleted += _announced(decisions)


async def _deletions(
    connection: AsyncConnection, topic: str, pmids: Sequence[int], edition: Edition
) -> list[Decision]:
    entries = await store.read_entries(connection, topic, pmids)
    found = (delete(entry, edition) for entry in entries.values())
    return [decision for decision in found if decision]
