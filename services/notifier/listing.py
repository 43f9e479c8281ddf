"""What the subscriptions file says, in the database: SQL only, in the caller's transaction."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.recipient import MAIL
from services.notifier.subscribers import REMOVED, save, select_one
from services.notifier.subscription import Subscription, subscription_id
from services.notifier.tables import digests, ledger, subscriptions
from services.notifier.vault import Vault


async def sync_file(
    connection: AsyncConnection,
    wanted: Collection[Subscription],
    now: datetime,
    vault: Vault | None = None,
) -> int:
    """Make the table say what the file says: add, update, and switch off what is gone from it.

    Nothing is deleted: the ledger of a subscription that returns must still know what was sent.
    How many were switched off.
    """
    kept = [one.id for one in wanted]
    for one in wanted:
        await _take_over(connection, one, kept)
        if one.confirmed_at is not None or not await _is_confirmed_by_page(connection, one.id):
            await save(connection, one, "file", now, vault)
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


async def _is_confirmed_by_page(connection: AsyncConnection, name: str) -> bool:
    """Whether its reader has come in by themselves: a file that is silent on it ends nothing."""
    row = (await connection.execute(select_one(name))).one_or_none()
    return row is not None and row.origin == "web" and row.confirmed_at is not None


async def _take_over(connection: AsyncConnection, one: Subscription, kept: Collection[str]) -> None:
    """An entry that was given an `id` is still the same one: its row and ledger go with it."""
    before = subscription_id(one.topic, one.channel, one.address)
    if before in kept or (await connection.execute(select_one(one.id))).one_or_none():
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


async def present_id(connection: AsyncConnection, name: str) -> str:
    """The id that a subscription has now: links in mails from before keep the earlier one."""
    if (await connection.execute(select_one(name))).one_or_none():
        return name
    columns = (subscriptions.c[column] for column in ("id", "topic", "channel", "address"))
    rows = await connection.execute(
        sa.select(*columns).where(
            subscriptions.c.origin == "file", subscriptions.c.channel.in_(MAIL)
        )
    )
    before: dict[str, str] = {
        subscription_id(r.topic, r.channel, SecretStr(r.address)): r.id for r in rows
    }
    return before.get(name, name)
