"""The shelves of all topics, kept in memory, and brought up to date when something changed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.archive import store
from services.notifier.archive.asked import Answer, Asked, answer
from services.notifier.archive.shelf import Shelf, changed, shelf
from shared.database import transaction

MOST_CHANGES = store.CHUNK
"""Articles whose change is put into the shelf that is there; for more it is put up anew."""


@dataclass(frozen=True)
class _Kept:
    checksum: tuple[int, int]
    stamps: Mapping[int, int]
    shelf: Shelf


class Shelves:
    """Answers searches. Several processes may each have their own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._kept: dict[str, _Kept] = {}
        self._lock = asyncio.Lock()

    async def shelf(self, topic: str) -> Shelf:
        """The topic's articles as they are now; an empty shelf for a topic without any.

        Raises:
            Retryable: the database is away.
        """
        async with self._lock:
            async with transaction(self._engine) as connection:
                checksum = await store.checksum(connection, topic)
                known = self._kept.get(topic)
                if known and known.checksum == checksum:
                    return known.shelf
                # Read before the cards: what changes meanwhile is then read again.
                stamps = await store.stamps(connection, topic)
                some = _changed(known, stamps)
                cards = await store.some_cards(connection, topic, some)
                labelled = await store.labelled(connection, topic, some)
            # Not on the loop: the deliveries of this process would wait for it.
            if known is None or some is None:
                made = await asyncio.to_thread(shelf, cards, labelled)
            else:
                made = await asyncio.to_thread(changed, known.shelf, cards, labelled)
            if stamps:
                self._kept[topic] = _Kept(checksum, stamps, made)
            return made

    async def answer(self, topic: str, asked: Asked) -> Answer:
        """What a search finds now.

        Raises:
            Retryable: the database is away.
        """
        found = await self.shelf(topic)
        if not asked.terms:
            return answer(found, asked)
        async with transaction(self._engine) as connection:
            pmids = await store.with_words(connection, topic, asked.terms)
        return answer(found, asked, pmids)


def _changed(known: _Kept | None, stamps: Mapping[int, int]) -> list[int] | None:
    """The articles that are not as they were, if they are few and none is gone; else `None`."""
    if known is None or not known.stamps.keys() <= stamps.keys():
        return None
    some = [pmid for pmid, stamp in stamps.items() if known.stamps.get(pmid) != stamp]
    return some if len(some) <= MOST_CHANGES else None
