"""The shelves of all topics, kept in memory and put up again when the database has changed."""

import asyncio
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.archive import store
from services.notifier.archive.asked import Answer, Asked, answer
from services.notifier.archive.shelf import Shelf, shelf
from shared.database import transaction


@dataclass(frozen=True)
class _Kept:
    checksum: tuple[int, int]
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
                cards = await store.all_cards(connection, topic)
                labelled = await store.labelled(connection, topic)
            # Not on the loop: the deliveries of this process would wait for it.
            made = await asyncio.to_thread(shelf, cards, labelled)
            if cards:
                self._kept[topic] = _Kept(checksum, made)
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
