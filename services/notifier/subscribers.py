"""Subscriptions in the database: SQL only, in the caller's transaction.

How they change afterwards is in `changes`; what the file says, in `listing`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.history import last_slot
from services.notifier.rows import Unreadable, row_of, subscription_of
from services.notifier.subscription import Subscription
from services.notifier.suppression import may_be_mailed, not_suppressed
from services.notifier.tables import subscriptions
from services.notifier.vault import Vault
from shared.database import insert

__all__ = [
    "AS_WANTED", "LEFT", "REMOVED", "SWITCHED_OFF", "Kept", "Origin", "Unreadable", "activate",
    "awaited", "deactivate",
    "everybody", "find", "is_of", "lock", "lock_person", "mailable", "of_ids", "readable", "save",
    "select_one",
]  # fmt: skip

log = structlog.get_logger(__name__)

Origin = Literal["file", "console", "web"]

REMOVED = "removed from the subscriptions file"
"""The one reason for being inactive that the file itself takes back."""

LEFT = "its reader has left"
"""The reason that only the reader takes back, or the operator's new statement for them."""

SWITCHED_OFF = "switched off by the operator"

AS_WANTED = (REMOVED, LEFT, SWITCHED_OFF)
"""Reasons that somebody gave, and no fault."""


@dataclass(frozen=True)
class Kept:
    """A subscription on record and how it stands; `recipient` is the hash of who it is for."""

    subscription: Subscription
    recipient: str
    origin: str
    active: bool
    inactive_reason: str | None = None
    suppressed: bool = False

    @property
    def is_mailable(self) -> bool:
        """Whether digests are sent for it, when they are due."""
        return self.active and not self.suppressed and self.subscription.confirmed_at is not None


async def save(
    connection: AsyncConnection,
    wanted: Subscription,
    origin: Origin,
    now: datetime,
    vault: Vault | None = None,
) -> None:
    """Add a subscription, or update the one with its id; the `vault` seals what is no mailbox.

    A known one keeps the time it counts from and that of its confirmation; one confirmed only
    now counts as confirmed `now`. One that delivery switched off stays off until its address
    changes or `activate` is called.

    Raises:
        Permanent: its target has to be sealed, and there is no vault.
    """
    known = await _locked(connection, wanted.id)
    while known is None:
        if await _added(connection, row_of(wanted, origin, None, vault)):
            return
        # Another notifier that starts reads the same file, and has just added it.
        known = await _locked(connection, wanted.id)
    row = row_of(wanted, origin, known, vault)
    row |= {"created_at": known.created_at, **_revived(known, row, origin, now)}
    if wanted.confirmed_at is not None:
        row["confirmed_at"] = known.confirmed_at or now
    if known.inactive_reason == LEFT and row.get("inactive_reason", LEFT) == LEFT:
        row["confirmed_at"] = known.confirmed_at  # whatever the file says: they have left
    await connection.execute(
        subscriptions.update().where(subscriptions.c.id == wanted.id).values(**row)
    )


async def _locked(connection: AsyncConnection, subscription_id: str) -> sa.Row[Any] | None:
    query = select_one(subscription_id).with_for_update()
    found: sa.Row[Any] | None = (await connection.execute(query)).one_or_none()
    return found


async def _added(connection: AsyncConnection, row: dict[str, object]) -> bool:
    """Whether a new row was written; False when there is one by now."""
    new = insert(connection, subscriptions).values(**row, active=True)
    result = await connection.execute(new.on_conflict_do_nothing(index_elements=["id"]))
    return result.rowcount == 1


def _revived(
    known: sa.Row[Any], row: dict[str, object], origin: Origin, now: datetime
) -> dict[str, object]:
    revived: dict[str, object] = {"active": True, "inactive_reason": None}
    if known.recipient != row["recipient"] or known.inactive_reason == REMOVED:
        return revived
    if known.inactive_reason == LEFT:
        is_said = origin == "console" and row["confirmed_at"]
        return {**revived, "created_at": now} if is_said else {}
    return {"inactive_reason": None} if known.active else {}


async def find(connection: AsyncConnection, subscription_id: str) -> Kept | None:
    """One subscription, whatever its state; its row is locked.

    Raises:
        Unreadable: what is on record of it does not fit this version.
    """
    query = _kept().where(subscriptions.c.id == subscription_id)
    row = (await connection.execute(query.with_for_update(of=subscriptions))).one_or_none()
    return _as_kept(row) if row else None


async def everybody(connection: AsyncConnection, who: str | None = None) -> list[Kept]:
    """All subscriptions, or those of a person: to this recipient, or looked after by it.

    Those that cannot be read are passed over; `mailable` says so on their rows.
    """
    query = _kept()
    if who is not None:
        query = query.where(is_of(who))
    rows = (await connection.execute(query.order_by(subscriptions.c.id))).all()
    return [one for row in rows if (one := _kept_or_none(row))]


async def of_ids(connection: AsyncConnection, ids: Collection[str]) -> dict[str, Kept | Unreadable]:
    """These subscriptions by id, whatever their state; those that do not exist are left out."""
    rows = (await connection.execute(_kept().where(subscriptions.c.id.in_(ids)))).all()
    found: dict[str, Kept | Unreadable] = {}
    for row in rows:
        try:
            found[row.id] = _as_kept(row)
        except Unreadable as fault:
            found[row.id] = fault
    return found


def is_of(who: str) -> sa.ColumnElement[bool]:
    """Rows of `subscriptions` that are a person's own."""
    return sa.or_(subscriptions.c.recipient == who, subscriptions.c.owner_recipient == who)


async def mailable(connection: AsyncConnection) -> list[Subscription]:
    """The subscriptions that may be mailed: active, confirmed and not suppressed; by id.

    One that cannot be read is passed over, logged once, and its row says why. It stays active: it
    is mailed again as soon as it can be read, after it was saved anew or after an upgrade.
    """
    rows = await connection.execute(
        sa.select(subscriptions).where(*may_be_mailed()).order_by(subscriptions.c.id)
    )
    return [one for row in rows.all() if (one := await readable(connection, row))]


async def awaited(connection: AsyncConnection, now: datetime) -> Sequence[sa.Row[Any]]:
    """The rows of those that may be mailed and do not pause, each with its `last` due instant."""
    pauses = sa.and_(
        subscriptions.c.paused_at.is_not(None),
        sa.or_(subscriptions.c.paused_until.is_(None), subscriptions.c.paused_until > now),
    )
    rows = await connection.execute(
        sa.select(subscriptions, last_slot(now).label("last"))
        .where(*may_be_mailed(), sa.not_(pauses))
        .order_by(subscriptions.c.id)
    )
    return rows.all()


async def readable(connection: AsyncConnection, row: sa.Row[Any]) -> Subscription | None:
    """The subscription of a row; its row says when it cannot be read, and when it can again."""
    try:
        one = subscription_of(row)
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
    query = select_one(subscription_id).where(*may_be_mailed()).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    return subscription_of(row) if row else None


async def lock_person(connection: AsyncConnection, subscription_id: str) -> Subscription | None:
    """As `lock`, with all rows of the same recipient: no two digests are cut for one at once.

    Raises:
        Unreadable: what is on record of it does not fit this version.
    """
    rows = await connection.execute(_PERSON, {"me": subscription_id})
    row = next((row for row in rows.all() if row.id == subscription_id), None)
    return subscription_of(row) if row and row.mailable else None


async def deactivate(connection: AsyncConnection, subscription_id: str, reason: str) -> None:
    """Switch a subscription off; `reason` is for its owner and the operator, without address.

    Of one that its reader has left, that stays the reason.
    """
    has_left = subscriptions.c.inactive_reason == LEFT
    await connection.execute(
        subscriptions.update()
        .where(subscriptions.c.id == subscription_id)
        .values(active=False, inactive_reason=sa.case((has_left, LEFT), else_=reason))
    )


async def activate(connection: AsyncConnection, subscription_id: str) -> bool:
    """Switch a subscription on again; False when there is none with this id."""
    result = await connection.execute(
        subscriptions.update()
        .where(subscriptions.c.id == subscription_id)
        .values(active=True, inactive_reason=None)
    )
    return result.rowcount == 1


def select_one(subscription_id: str) -> sa.Select[Any]:
    """The row of a subscription."""
    return sa.select(subscriptions).where(subscriptions.c.id == subscription_id)


def _kept() -> sa.Select[Any]:
    return sa.select(subscriptions, (~not_suppressed()).label("suppressed"))


def _as_kept(row: sa.Row[Any]) -> Kept:
    return Kept(
        subscription=subscription_of(row),
        recipient=row.recipient,
        origin=row.origin,
        active=row.active,
        inactive_reason=row.inactive_reason,
        suppressed=row.suppressed,
    )


def _kept_or_none(row: sa.Row[Any]) -> Kept | None:
    try:
        return _as_kept(row)
    except Unreadable:
        return None


_WHO = sa.select(subscriptions.c.recipient).where(subscriptions.c.id == sa.bindparam("me"))

_PERSON = (
    sa.select(subscriptions, sa.and_(*may_be_mailed()).label("mailable"))
    .where(subscriptions.c.recipient == _WHO.scalar_subquery())
    .order_by(subscriptions.c.id)
    .with_for_update(of=subscriptions)
)
"""All rows of the recipient of a subscription; made once, as it is asked for each digest."""
