"""What was between the services when a backup was made, by the archive and the restored stores.

Every event that has left an outbox is in the archive. One is on its way to a consumer when its
producer had told it by the instant of the backup, and the consumer had not had it. What was told
after that instant is none: the restored producer does not know of it, and will tell it again when
it finds it again, as something else perhaps under the same revision.

A message that was parked comes again and is parked again, or not if its cause was mended. What an
operator discarded stays away. What a replay brought is not brought again: its operator repeats it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.classifier import tables as classifier
from services.console.archive.recorded import Recorded
from services.notifier import tables as notifier
from services.poller import tables as poller
from shared.events import (
    ArticleClassified,
    ArticleDiscovered,
    ArticleRevised,
    Event,
    ParkedResolved,
    PollCompleted,
    Undecodable,
)
from shared.topology import CONSUMERS

INBOXES = {"classifier": classifier.inbox, "notifier": notifier.inbox}

Article = ArticleDiscovered | ArticleRevised | ArticleClassified
Key = tuple[str, int]


@dataclass(frozen=True)
class OnTheWay:
    """An archived event for a consumer that has yet to get it."""

    consumer: str
    entry: Recorded


def dropped(entries: Sequence[Recorded]) -> set[tuple[str, str]]:
    """Consumer and id of what an operator took out of a parking for good, itself or as it was."""
    found: set[tuple[str, str]] = set()
    for entry in entries:
        event = event_of(entry)
        if isinstance(event, ParkedResolved) and event.data.resolution != "redriven":
            found |= {(event.data.consumer, name) for name in event.data.messages}
    return found


def event_of(entry: Recorded) -> Event | None:
    """The event; None for what is none that is known."""
    try:
        return entry.event()
    except Undecodable:
        return None


async def on_the_way(
    connection: AsyncConnection,
    entries: Sequence[Recorded],
    gone: Collection[tuple[str, str]],
) -> list[OnTheWay]:
    """Those of these entries that a consumer has yet to get, in their order."""
    live = [entry for entry in entries if entry.marks is None]
    found = []
    for queue in CONSUMERS:
        wanted = [
            entry
            for entry in live
            if entry.routing_key in queue.bindings and (queue.name, entry.event_id) not in gone
        ]
        had = await _had(connection, INBOXES[queue.name], [entry.event_id for entry in wanted])
        fresh = [(entry, event_of(entry)) for entry in wanted if entry.event_id not in had]
        told = await _Producers(connection).told([event for _, event in fresh if event])
        forgotten = await _forgotten(connection, queue.name, [event for _, event in fresh if event])
        found += [
            OnTheWay(queue.name, entry)
            for entry, event in fresh
            if event is None or (event.id in told and event.id not in forgotten)
        ]
    return found


async def _had(connection: AsyncConnection, inbox: sa.Table, ids: Sequence[str]) -> set[str]:
    if not ids:
        return set()
    rows = await connection.scalars(sa.select(inbox.c.event_id).where(inbox.c.event_id.in_(ids)))
    return set(rows)


@dataclass(frozen=True)
class _Producers:
    """The restored stores of those who told the events."""

    connection: AsyncConnection

    async def told(self, events: Sequence[Event]) -> set[str]:
        """Ids of those that had been told by the instant of the backup."""
        found = [one for one in events if isinstance(one, ArticleDiscovered | ArticleRevised)]
        labelled = [one for one in events if isinstance(one, ArticleClassified)]
        polls = [one for one in events if isinstance(one, PollCompleted)]
        by_poller = await revisions(self.connection, poller.articles, found)
        by_classifier = await revisions(self.connection, classifier.classifications, labelled)
        return {
            *(one.id for one in found if _revision(one) <= by_poller.get(_key(one), 0)),
            *(one.id for one in labelled if _revision(one) <= by_classifier.get(_key(one), 0)),
            *await self._polls(polls),
        }

    async def _polls(self, polls: Sequence[PollCompleted]) -> set[str]:
        ids = {one.data.poll_id for one in polls}
        if not ids:
            return set()
        known = poller.polls.c.poll_id
        rows = set(await self.connection.scalars(sa.select(known).where(known.in_(ids))))
        return {one.id for one in polls if one.data.poll_id in rows}


async def _forgotten(
    connection: AsyncConnection, consumer: str, events: Sequence[Event]
) -> set[str]:
    """Ids of those that the consumer has had, though its inbox has forgotten it since.

    An inbox knows some months. What is older than its oldest row was had if its effect is there.
    """
    inbox = INBOXES[consumer]
    oldest = await connection.scalar(sa.select(sa.func.min(inbox.c.received_at)))
    old = [one for one in events if oldest is None or one.time < oldest]
    table = classifier.classifications if consumer == "classifier" else notifier.articles
    found = [one for one in old if isinstance(one, Article)]
    known = await revisions(connection, table, found)
    polls = {one.data.poll_id: one.id for one in old if isinstance(one, PollCompleted)}
    kept = notifier.polls.c.poll_id
    rows = await connection.scalars(sa.select(kept).where(kept.in_(polls))) if polls else ()
    return {
        *(one.id for one in found if _revision(one) <= known.get(_key(one), 0)),
        *(polls[poll] for poll in rows),
    }


async def revisions(
    connection: AsyncConnection, table: sa.Table, events: Sequence[Article]
) -> dict[Key, int]:
    """The revision in which a store has each of these articles, where it has it."""
    pmids = sorted({one.data.article.pmid for one in events})
    if not pmids:
        return {}
    columns: list[sa.Column[Any]] = [table.c.topic, table.c.pmid, table.c.revision]
    rows = await connection.execute(sa.select(*columns).where(table.c.pmid.in_(pmids)))
    return {(row.topic, row.pmid): row.revision for row in rows}


def _key(event: Article) -> Key:
    return event.data.topic, event.data.article.pmid


def _revision(event: Article) -> int:
    return event.data.revision
