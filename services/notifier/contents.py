"""Digests as they are stored: each article as shown is kept once, whoever is sent it.

A digest's JSON has the SHA-256 of an item in the item's place. What was stored before that has
the item itself there, and is read all the same.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.digest import Digest
from services.notifier.item import Item
from services.notifier.tables import items
from shared.database import insert

CHUNK = 500
"""Items in one query: databases take only so many parameters."""

SHELF = 4_000
"""Items held in memory: all of some hundred topics' weeks, about 20 MB."""

_LISTS = ("other", "beyond", "background", "background_beyond")

Content = dict[str, Any]
"""A digest as stored: JSON."""


class Shelf:
    """Items that were read lately, by hash; the oldest go when it is full."""

    def __init__(self, room: int = SHELF) -> None:
        self._room = room
        self._items: dict[str, Item] = {}

    def missing(self, hashes: Collection[str]) -> list[str]:
        """Those that are not here."""
        return [one for one in hashes if one not in self._items]

    def put(self, found: dict[str, Item]) -> None:
        """Take these in, for those that have been here longest."""
        self._items |= found
        for oldest in list(self._items)[: max(0, len(self._items) - self._room)]:
            del self._items[oldest]

    def taken(self, hashes: Collection[str]) -> dict[str, Item]:
        """Those of these that are here."""
        return {one: self._items[one] for one in hashes if one in self._items}


async def keep(connection: AsyncConnection, digest: Digest) -> Content:
    """What to store as the content of this digest; its items are written down, each once."""
    content = _emptied(digest).model_dump(mode="json")
    kept: dict[str, dict[str, Any]] = {}

    def keys(shown: Sequence[Item]) -> list[str]:
        pressed = [_pressed(item) for item in shown]
        kept.update(pressed)
        return [key for key, _ in pressed]

    for part, group in zip(content["groups"], digest.groups, strict=True):
        part["items"] = keys(group.items)
    for name in _LISTS:
        content[name] = keys(getattr(digest, name))
    await _write(connection, kept)
    return content


def _emptied(digest: Digest) -> Digest:
    groups = tuple(group.model_copy(update={"items": ()}) for group in digest.groups)
    return digest.model_copy(update={"groups": groups, **dict.fromkeys(_LISTS, ())})


@lru_cache(maxsize=SHELF)
def _pressed(item: Item) -> tuple[str, dict[str, Any]]:
    """An item as JSON, and its key: made once, for it goes to thousands."""
    shown = item.model_dump(mode="json")
    return _hash(shown), shown


async def _write(connection: AsyncConnection, kept: dict[str, dict[str, Any]]) -> None:
    """Write down those items that nobody wrote before."""
    known: set[str] = set()
    wanted = sorted(kept)
    for start in range(0, len(wanted), CHUNK):
        chunk = items.c.hash.in_(wanted[start : start + CHUNK])
        known.update(await connection.scalars(sa.select(items.c.hash).where(chunk)))
    rows = [{"hash": key, "item": kept[key]} for key in wanted if key not in known]
    if rows:  # in one order: no deadlock
        await connection.execute(insert(connection, items).on_conflict_do_nothing(), rows)


async def load(connection: AsyncConnection, content: Content, shelf: Shelf | None = None) -> Digest:
    """A digest from what is stored; items that are on the `shelf` are not read again.

    Raises:
        pydantic.ValidationError: it cannot be read, as after a downgrade.
        LookupError: an item of it is not there.
    """
    return (await load_many(connection, [content], shelf))[0]


async def load_many(
    connection: AsyncConnection, contents: Sequence[Content], shelf: Shelf | None = None
) -> list[Digest]:
    """Many digests, with one look for all items that are not on the shelf; raises as `load`."""
    wanted = {key for content in contents for key in _hashes(content)}
    shelf = shelf or Shelf()
    found = shelf.taken(wanted)
    read = await _read(connection, [key for key in wanted if key not in found])
    shelf.put(read)
    found |= read
    return [_digest(content, found) for content in contents]


def _digest(content: Content, found: dict[str, Item]) -> Digest:
    whole = {**content, "groups": [dict(group) for group in content.get("groups", ())]}
    for part, name in _places(whole):
        part[name] = [found[one] if isinstance(one, str) else one for one in part[name]]
    return Digest.model_validate(whole)


async def _read(connection: AsyncConnection, hashes: Sequence[str]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for start in range(0, len(hashes), CHUNK):
        chunk = hashes[start : start + CHUNK]
        rows = await connection.execute(sa.select(items).where(items.c.hash.in_(chunk)))
        found |= {row.hash: Item.model_validate(row.item) for row in rows}
    return found


def _places(content: Content) -> Iterable[tuple[Content, str]]:
    """Where lists of items are: the dictionary and its key."""
    yield from ((group, "items") for group in content.get("groups", ()))
    yield from ((content, name) for name in _LISTS if name in content)


def _item_lists(content: Content) -> Iterable[list[Any]]:
    return (part[name] for part, name in _places(content))


def _hashes(content: Content) -> Iterable[str]:
    return (one for shown in _item_lists(content) for one in shown if isinstance(one, str))


def _hash(item: dict[str, Any]) -> str:
    canonical = json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
