"""Subscriptions in the database: SQL only, in the caller's transaction.

How they change afterwards is in `changes`; what the file says, in `listing`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
import structlog
from pydantic import SecretStr, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.recipient import MAIL, recipient
from services.notifier.subscription import Subscription, Wish, faults
from services.notifier.suppression import not_suppressed
from services.notifier.tables import subscriptions
from services.notifier.vault import Vault, is_sealed
from shared.errors import Permanent

log = structlog.get_logger(__name__)

Origin = Literal["file", "console", "web"]

REMOVED = "removed from the subscriptions file"
"""The one reason for being inactive that the file itself takes back."""

LEFT = "its reader has left"
"""The reason that only the reader takes back, or the operator's new statement for them."""

UNREADABLE = "its wish cannot be read: "
"""How the reason begins on a row that is passed over, still active, until it can be read again."""

COLUMNS = frozenset({"topic", "channel", "address", "owner", "secret"})
"""What of a wish has a column of its own."""

_STATE = ("created_at", "confirmed_at", "paused_at", "paused_until", "looked_at")


class Unreadable(Permanent):
    """What is on record of a subscription does not fit this version; saving it again mends it."""


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
    known = (await connection.execute(select_one(wanted.id).with_for_update())).one_or_none()
    row = _row(wanted, origin, known, vault)
    if known is None:
        await connection.execute(subscriptions.insert().values(**row, active=True))
        return
    row |= {"created_at": known.created_at, **_revived(known, row, origin, now)}
    if wanted.confirmed_at is not None:
        row["confirmed_at"] = known.confirmed_at or now
    await connection.execute(
        subscriptions.update().where(subscriptions.c.id == wanted.id).values(**row)
    )


def _revived(
    known: sa.Row[Any], row: dict[str, object], origin: Origin, now: datetime
) -> dict[str, object]:
    revived: dict[str, object] = {"active": True, "inactive_reason": None}
    if known.recipient != row["recipient"] or known.inactive_reason == REMOVED:
        return revived
    if known.inactive_reason == LEFT and origin == "console" and row["confirmed_at"]:
        return {**revived, "created_at": now}
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
    query = select_one(subscription_id).where(*may_be_mailed()).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    return _subscription(row) if row else None


async def lock_person(connection: AsyncConnection, subscription_id: str) -> Subscription | None:
    """As `lock`, with all rows of the same recipient: no two digests are cut for one at once.

    Raises:
        Unreadable: what is on record of it does not fit this version.
    """
    who = sa.select(subscriptions.c.recipient).where(subscriptions.c.id == subscription_id)
    await connection.execute(
        sa.select(subscriptions.c.id)
        .where(subscriptions.c.recipient == who.scalar_subquery())
        .order_by(subscriptions.c.id)
        .with_for_update()
    )
    return await lock(connection, subscription_id)


def may_be_mailed() -> tuple[sa.ColumnElement[bool], ...]:
    """True of rows of `subscriptions` whose reader asked for digests, and still wants them."""
    return subscriptions.c.active, subscriptions.c.confirmed_at.is_not(None), not_suppressed()


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


def select_one(subscription_id: str) -> sa.Select[Any]:
    """The row of a subscription."""
    return sa.select(subscriptions).where(subscriptions.c.id == subscription_id)


def _row(
    one: Subscription, origin: Origin, known: sa.Row[Any] | None, vault: Vault | None
) -> dict[str, object]:
    owner = one.owner.get_secret_value() if one.owner else None
    return {
        "id": one.id,
        "topic": one.topic,
        "channel": one.channel,
        **_target(one, known, vault),
        "owner": owner,
        "owner_recipient": recipient("email", owner) if owner else None,
        "wish": wish_of(one),
        "origin": origin,
        "created_at": one.created_at,
        "confirmed_at": one.confirmed_at,
    }


def wish_of(one: Wish) -> dict[str, object]:
    """What of a wish has no column of its own, as JSON."""
    return one.model_dump(mode="json", include=set(Wish.model_fields) - COLUMNS)


def _target(one: Subscription, known: sa.Row[Any] | None, vault: Vault | None) -> dict[str, object]:
    """Where it goes. A target that is the known one is not sealed again, nor is a secret lost."""
    target = one.address.get_secret_value()
    if one.channel in MAIL:
        return {"address": target, "recipient": recipient(one.channel, target), "secret": None}
    secret = _sealed(one.secret, vault) if one.secret else known.secret if known else None
    who = recipient(one.channel, target)
    if known and (who == known.recipient or target == known.address):
        return {"address": known.address, "recipient": known.recipient, "secret": secret}
    return {"address": _sealed(one.address, vault), "recipient": who, "secret": secret}


def _sealed(text: SecretStr, vault: Vault | None) -> str:
    plain = text.get_secret_value()
    if is_sealed(plain):
        return plain
    if vault is None:
        raise Permanent("only mail addresses are kept in plain: set NOTIFIER_SECRET_KEY")
    return vault.seal(plain)


def _kept() -> sa.Select[Any]:
    return sa.select(subscriptions, (~not_suppressed()).label("suppressed"))


def _as_kept(row: sa.Row[Any]) -> Kept:
    return Kept(
        subscription=_subscription(row),
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


def _subscription(row: sa.Row[Any]) -> Subscription:
    named = {name: getattr(row, name) for name in ("id", *COLUMNS, *_STATE)}
    try:
        return Subscription.model_validate({**row.wish, **named})
    except ValidationError as error:
        raise Unreadable(UNREADABLE + faults(error)) from error
