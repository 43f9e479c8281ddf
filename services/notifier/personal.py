"""What is on record about a person, to hand out or to forget: SQL only.

A person is a recipient: the hash of channel and target. Theirs are the subscriptions that go to
it, and those to other targets that they look after.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.recipient import MAIL
from services.notifier.subscribers import is_of
from services.notifier.suppression import suppress
from services.notifier.tables import (
    attempts,
    digests,
    feedback,
    ledger,
    letters,
    replay_digests,
    subscriptions,
    suppressions,
)

LISTED = "listed in the subscriptions file, and forgotten at their own wish"

_OWN = ("id", "topic", "channel", "address", "owner", "wish", "origin", "created_at",
        "confirmed_at", "active", "inactive_reason", "paused_at", "paused_until")  # fmt: skip
_DIGEST = ("subscription_id", "kind", "period_from", "period_to", "state", "created_at", "sent_at")
_REPLAY = ("subscription_id", "replay_id", "state", "created_at", "sent_at")
_LETTER = ("kind", "subscription_id", "created_at", "state", "sent_at")
_FEEDBACK = ("topic", "pmid", "kind", "facet", "label", "wanted", "remark", "at")


async def export(connection: AsyncConnection, who: str) -> dict[str, object]:
    """Everything on record about a recipient, as JSON can have it.

    The target of a channel that is no mailbox is a secret and stays sealed.
    """
    own = await _rows(connection, _OWN, subscriptions, is_of(who))
    ids = [one["id"] for one in own]
    return {
        "recipient": who,
        "suppressed": await _rows(
            connection, ("reason", "at"), suppressions, suppressions.c.recipient == who
        ),
        "subscriptions": [_without_target(one) for one in own],
        "digests": await _digests(connection, ids),
        "replays": await _rows(connection, _REPLAY, replay_digests, _owned(replay_digests, ids)),
        "letters": await _rows(connection, _LETTER, letters, _letters_of(who, ids)),
        "feedback": await _rows(connection, _FEEDBACK, feedback, _owned(feedback, ids)),
    }


def _without_target(one: dict[str, Any]) -> dict[str, Any]:
    return one if one["channel"] in MAIL else {**one, "address": "(sealed)"}


async def _digests(connection: AsyncConnection, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Digests, each with the papers it told of, and those it brought a notice of."""
    found = await _rows(connection, ("id", *_DIGEST), digests, _owned(digests, ids))
    columns = ("digest_id", "pmid", "kind", "delivered_at")
    told: dict[str, list[dict[str, Any]]] = {}
    for row in await _rows(connection, columns, ledger, _owned(ledger, ids)):
        told.setdefault(row.pop("digest_id"), []).append(row)
    return [{**one, "told": told.get(one["id"], [])} for one in found]


async def _rows(
    connection: AsyncConnection,
    names: Sequence[str],
    table: sa.Table,
    condition: sa.ColumnElement[bool],
) -> list[dict[str, Any]]:
    columns = [table.c[name] for name in names]
    rows = await connection.execute(sa.select(*columns).where(condition).order_by(*columns[:2]))
    return [{name: _plain(value) for name, value in row._mapping.items()} for row in rows]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


async def forget(
    connection: AsyncConnection, who: str, now: datetime, *, suppressed: bool = False
) -> int:
    """Delete all of that; how many subscriptions there were.

    Where `suppressed` is asked for, the hash stays, so that nobody can subscribe them again. It
    stays too when the operator's file lists them: else that would bring them back.
    """
    columns = (subscriptions.c.id, subscriptions.c.recipient, subscriptions.c.origin)
    rows = (await connection.execute(sa.select(*columns).where(is_of(who)).with_for_update())).all()
    own = [row.id for row in rows]
    for table in (ledger, digests, replay_digests, feedback):
        await connection.execute(table.delete().where(_owned(table, own)))
    await connection.execute(letters.delete().where(_letters_of(who, own)))
    await connection.execute(attempts.delete().where(attempts.c.who == who))
    await connection.execute(subscriptions.delete().where(is_of(who)))
    for listed in sorted({row.recipient for row in rows if row.origin == "file"}):
        await suppress(connection, listed, "asked", now, LISTED)
    if suppressed:
        await suppress(connection, who, "asked", now)
    return len(own)


def _owned(table: sa.Table, ids: Collection[str]) -> sa.ColumnElement[bool]:
    return table.c.subscription_id.in_(sorted(ids))


def _letters_of(who: str, ids: Collection[str]) -> sa.ColumnElement[bool]:
    return sa.or_(letters.c.recipient == who, _owned(letters, ids))
