"""How a subscription changes once it is on record: SQL only, in the caller's transaction.

The ledger is never touched: whatever is changed here, no paper is lost or comes twice.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.rows import wish_of
from services.notifier.subscribers import LEFT, find, save
from services.notifier.subscription import Subscription, Wish, faults
from services.notifier.tables import digests, subscriptions
from services.notifier.vault import Vault
from shared.errors import Permanent

CHOICES = frozenset(Wish.model_fields) - {"topic", "channel", "address", "owner", "secret"}
"""What a reader may change of a subscription and it stays the same one."""


_ENDED = {
    "active": False,
    "inactive_reason": sa.func.coalesce(subscriptions.c.inactive_reason, LEFT),
}


class Refused(Permanent):
    """A choice that cannot be: which field, and what is wrong with it."""


async def ask(
    connection: AsyncConnection, wanted: Subscription, now: datetime, vault: Vault | None = None
) -> Literal["asked", "known"]:
    """Put on record what somebody wishes for an address, to be confirmed by who reads it.

    `known`: there is such a subscription, confirmed and active, and nothing is changed: who may
    change it holds a link to manage it. An earlier wish that was never confirmed is replaced, and
    one that has ended begins anew, without anything from before it. Until it is confirmed its row
    keeps why it has ended: neither the file nor time may take that away.
    """
    before = await find(connection, wanted.id)
    if before and before.active and before.subscription.confirmed_at is not None:
        return "known"
    fresh = wanted.model_copy(update={"created_at": now, "confirmed_at": None})
    await save(connection, fresh, "web", now, vault)
    await _set(
        connection,
        wanted.id,
        active=True,
        inactive_reason=before.inactive_reason if before else None,
        confirmed_at=None,
        created_at=now,
        paused_at=None,
        paused_until=None,
    )
    return "asked"


async def confirm(connection: AsyncConnection, subscription_id: str, now: datetime) -> bool:
    """Its reader has confirmed it, `now` or before; False when there is none, or it has ended."""
    await connection.execute(
        subscriptions.update()
        .where(_is(subscription_id), subscriptions.c.active, subscriptions.c.confirmed_at.is_(None))
        .values(confirmed_at=now, inactive_reason=None)
    )
    found = await connection.scalar(sa.select(subscriptions.c.active).where(_is(subscription_id)))
    return bool(found)


async def begin_by(connection: AsyncConnection, now: datetime) -> None:
    """Let what begins more than a day from `now` begin now.

    Only a clock that has been put back since can have written that, and its reader would be sent
    nothing until then.
    """
    ahead = now + timedelta(days=1)
    for moment in (subscriptions.c.created_at, subscriptions.c.confirmed_at):
        await connection.execute(
            subscriptions.update().where(moment > ahead).values({moment.name: now})
        )


async def pause(
    connection: AsyncConnection, subscription_id: str, until: datetime | None, now: datetime
) -> bool:
    """Let nothing be due until then, or until it is resumed; False when there is none.

    A pause that follows one that no digest has caught up with yet continues it.
    """
    return await _set(
        connection,
        subscription_id,
        paused_at=sa.func.coalesce(subscriptions.c.paused_at, now),
        paused_until=until,
    )


async def resume(connection: AsyncConnection, subscription_id: str, now: datetime) -> bool:
    """End a pause now; the next digest catches up with it. False when none is in force."""
    result = await connection.execute(
        subscriptions.update()
        .where(
            _is(subscription_id),
            subscriptions.c.paused_at.is_not(None),
            sa.or_(subscriptions.c.paused_until.is_(None), subscriptions.c.paused_until > now),
        )
        .values(paused_until=now)
    )
    return result.rowcount == 1


async def change(
    connection: AsyncConnection, subscription_id: str, choices: Mapping[str, object]
) -> Subscription | None:
    """Change some of `CHOICES`; the subscription as it is then, `None` when there is none.

    Raises:
        Refused: a field that cannot be changed, or a value that cannot be.
        Unreadable: what is on record of it does not fit this version.
    """
    before = await find(connection, subscription_id)
    if before is None:
        return None
    after = changed(before.subscription, choices)
    await _set(connection, subscription_id, wish=wish_of(after))
    return after


def changed(before: Subscription, choices: Mapping[str, object]) -> Subscription:
    """A subscription with other choices.

    Raises:
        Refused: a field that cannot be changed, or a value that cannot be.
    """
    if unknown := sorted(choices.keys() - CHOICES):
        raise Refused(f"{', '.join(unknown)}: cannot be changed; leave, and subscribe anew")
    kept = {name: getattr(before, name) for name in Subscription.model_fields}
    try:
        return Subscription.model_validate({**kept, **choices})
    except ValidationError as error:
        raise Refused(faults(error)) from error


async def leave(connection: AsyncConnection, subscription_id: str) -> bool:
    """Its reader is sent nothing more, from now on; False when there is none.

    What waits to be sent is given up when its turn comes.
    """
    return await _set(connection, subscription_id, active=False, inactive_reason=LEFT)


async def purge_unconfirmed(connection: AsyncConnection, before: datetime) -> int:
    """Forget who was asked by a page before then and never confirmed; how many they were.

    What had ended before it was asked for anew ends again, for its reader has left, and so does
    what had digests: its ledger is still somebody's.
    """
    stale = (
        subscriptions.c.origin == "web",
        subscriptions.c.confirmed_at.is_(None),
        subscriptions.c.created_at < before,
    )
    had_digests = sa.exists().where(digests.c.subscription_id == subscriptions.c.id)
    is_known = sa.or_(subscriptions.c.inactive_reason.is_not(None), had_digests)
    ended = await connection.execute(
        subscriptions.update().where(*stale, subscriptions.c.active, is_known).values(_ENDED)
    )
    gone = await connection.execute(subscriptions.delete().where(*stale, ~is_known))
    return ended.rowcount + gone.rowcount


async def _set(connection: AsyncConnection, subscription_id: str, **values: object) -> bool:
    result = await connection.execute(
        subscriptions.update().where(_is(subscription_id)).values(**values)
    )
    return result.rowcount == 1


def _is(subscription_id: str) -> sa.ColumnElement[bool]:
    return subscriptions.c.id == subscription_id
