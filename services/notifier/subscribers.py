"""Subscriptions in the database: SQL only, in the caller's transaction."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.recipient import recipient
from services.notifier.subscription import Subscription, Wish, faults, subscription_id
from services.notifier.tables import digests, ledger, subscriptions
from shared.errors import Permanent

log = structlog.get_logger(__name__)

Origin = Literal["file", "console", "web"]

REMOVED = "removed from the subscriptions file"
"""The one reason for being inactive that the file itself takes back."""

UNREADABLE = "its wish cannot be read: "
"""How the reason begins on a row that is passed over, still active, until it can be read again."""

_COLUMNS = {"topic", "channel", "address", "owner"}
_STATE = ("created_at", "confirmed_at", "paused_at", "paused_until", "looked_at")


class Unreadable(Permanent):
    """What is on record of a subscription does not fit this version; saving it again mends it."""


async def save(
    connection: AsyncConnection, wanted: Subscription, origin: Origin, now: datetime
) -> None:
    """Add a subscription, or update the one with its id.

    A known one keeps the time it counts from and that of its confirmation; one confirmed only
    now counts as confirmed `now`. One that delivery switched off stays off until its address
    changes or `activate` is called.
    """
    known = (await connection.execute(_select(wanted.id).with_for_update())).one_or_none()
    if known is None:
        await connection.execute(subscriptions.insert().values(**_row(wanted, origin), active=True))
        return
    row = _row(wanted, origin) | {"created_at": known.created_at, **_reactivated(known, wanted)}
    if wanted.confirmed_at is not None:
        row["confirmed_at"] = known.confirmed_at or now
    await connection.execute(
        subscriptions.update().where(subscriptions.c.id == wanted.id).values(**row)
    )


def _reactivated(known: sa.Row[Any], wanted: Subscription) -> dict[str, object]:
    new_address = known.address != wanted.address.get_secret_value()
    if new_address or known.inactive_reason == REMOVED:
        return {"active": True, "inactive_reason": None}
    if known.active:
        return {"inactive_reason": None}
    return {}


async def sync_file(
    connection: AsyncConnection, wanted: Collection[Subscription], now: datetime
) -> int:
    """Make the table say what the file says: add, update, and switch off what is gone from it.

    Nothing is deleted: the ledger of a subscription that returns must still know what was sent.
    How many were switched off.
    """
    kept = [one.id for one in wanted]
    for one in wanted:
        await _take_over(connection, one, kept)
        await save(connection, one, "file", now)
    result = await connection.execute(
        subscriptions.update()
        .where(
            subscriptions.c.origin == "file",
            subscriptions.c.active,
            subscriptions.c.id.not_in(kept),
        )
        .values(active=False, inactive_reason=REMOVED)
    )
    return result.rowcount


async def _take_over(connection: AsyncConnection, one: Subscription, kept: Collection[str]) -> None:
    """An entry that was given an `id` is still the same one: its row and ledger go with it."""
    before = subscription_id(one.topic, one.channel, one.address)
    if before in kept or (await connection.execute(_select(one.id))).one_or_none():
        return
    result = await connection.execute(
        subscriptions.update()
        .where(subscriptions.c.id == before, subscriptions.c.origin == "file")
        .values(id=one.id)
    )
    if result.rowcount == 1:
        for table in (digests, ledger):
            owned = table.c.subscription_id == before
            await connection.execute(table.update().where(owned).values(subscription_id=one.id))


async def mailable(connection: AsyncConnection) -> list[Subscription]:
    """The subscriptions that may be mailed: active and confirmed; by id.

    One that cannot be read is passed over, logged once, and its row says why. It stays active: it
    is mailed again as soon as it can be read, after it was saved anew or after an upgrade.
    """
    rows = await connection.execute(
        sa.select(subscriptions)
        .where(subscriptions.c.active, subscriptions.c.confirmed_at.is_not(None))
        .order_by(subscriptions.c.id)
    )
    return [one for row in rows.all() if (one := await _readable(connection, row))]


async def _readable(connection: AsyncConnection, row: sa.Row[Any]) -> Subscription | None:
    try:
        one = _subscription(row)
    except Unreadable as fault:
        if row.inactive_reason != str(fault):
            log.warning("subscription_unreadable", subscription_id=row.id, reason=str(fault))
            await _explain(connection, row.id, str(fault))
        return None
    if row.inactive_reason is not None:
        await _explain(connection, row.id, None)
    return one


async def _explain(connection: AsyncConnection, subscription_id: str, reason: str | None) -> None:
    await connection.execute(
        subscriptions.update()
        .where(subscriptions.c.id == subscription_id, subscriptions.c.active)
        .values(inactive_reason=reason)
    )


async def lock(connection: AsyncConnection, subscription_id: str) -> Subscription | None:
    """One subscription as it is now, its row locked; `None` when it may not be mailed.

    Raises:
        Unreadable: what is on record of it does not fit this version.
    """
    row = (
        await connection.execute(
            _select(subscription_id)
            .where(subscriptions.c.active, subscriptions.c.confirmed_at.is_not(None))
            .with_for_update()
        )
    ).one_or_none()
    return _subscription(row) if row else None


async def deactivate(connection: AsyncConnection, subscription_id: str, reason: str) -> None:
    """Switch a subscription off; `reason` is for its owner and the operator, without address."""
    await connection.execute(
        subscriptions.update()
        .where(subscriptions.c.id == subscription_id)
        .values(active=False, inactive_reason=reason)
    )


async def activate(connection: AsyncConnection, subscription_id: str) -> bool:
    """Switch a subscription on again; False when there is none with this id."""
    result = await connection.execute(
        subscriptions.update()
        .where(subscriptions.c.id == subscription_id)
        .values(active=True, inactive_reason=None)
    )
    return result.rowcount == 1


def _select(subscription_id: str) -> sa.Select[Any]:
    return sa.select(subscriptions).where(subscriptions.c.id == subscription_id)


def _row(one: Subscription, origin: Origin) -> dict[str, object]:
    wish = one.model_dump(mode="json", include=set(Wish.model_fields) - _COLUMNS)
    return {
        "id": one.id,
        "topic": one.topic,
        "channel": one.channel,
        "address": one.address.get_secret_value(),
        "recipient": recipient(one.channel, one.address.get_secret_value()),
        "owner": one.owner.get_secret_value() if one.owner else None,
        "wish": wish,
        "origin": origin,
        "created_at": one.created_at,
        "confirmed_at": one.confirmed_at,
    }


def _subscription(row: sa.Row[Any]) -> Subscription:
    named = {name: getattr(row, name) for name in ("id", *_COLUMNS, *_STATE)}
    try:
        return Subscription.model_validate({**row.wish, **named})
    except ValidationError as error:
        raise Unreadable(UNREADABLE + faults(error)) from error
