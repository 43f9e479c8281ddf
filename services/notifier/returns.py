"""What is done about a mail that came back: its recipient is left in peace, or it is noted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import letters_store, subscribers, suppression
from services.notifier.bounces import Bounced
from services.notifier.recipient import MAIL
from services.notifier.returned import bounce, complaint
from services.notifier.suppression import SuppressedFor
from services.notifier.tables import digests, letters, subscriptions
from services.notifier.tokens import Tokens
from shared.clock import Clock
from shared.database import transaction

log = structlog.get_logger(__name__)

Outcome = Literal["suppressed", "noted", "ignored"]

COMPLAINED = "its reader reported a message as spam"


@dataclass(frozen=True)
class Returns:
    """Where mails come back to: on which database, with which keys their marks are read."""

    engine: AsyncEngine
    tokens: Tokens
    clock: Clock


async def take_bounce(returns: Returns, raw: bytes) -> Outcome:
    """Read a bounce and act on it: 5.x.x about the mailbox ends it, anything else is noted.

    Raises:
        Retryable: the database is away; bring it again.
    """
    found = bounce(raw, returns.tokens)
    if found is None:
        log.info("bounce_ignored", octets=len(raw))
        return "ignored"
    reason = f"mail came back with {found.code}"
    async with transaction(returns.engine) as connection:
        if found.verdict == "gone":
            owners = [await _whose(connection, about) for about in found.about]
            done = await _bar(connection, owners, "bounce", reason, returns.clock())
            outcome: Outcome = "suppressed" if done else "ignored"
        else:
            await _note(connection, found.about, reason)
            outcome = "noted"
    log.info("bounce_taken", outcome=outcome, code=found.code, about=[b.id for b in found.about])
    return outcome


async def take_complaint(returns: Returns, raw: bytes) -> Outcome:
    """Read a complaint: who called a mail spam is never written to again.

    Raises:
        Retryable: the database is away; bring it again.
    """
    found = complaint(raw, returns.tokens, returns.clock)
    if found is None:
        log.info("complaint_ignored", octets=len(raw))
        return "ignored"
    async with transaction(returns.engine) as connection:
        owners = [await _whose(connection, about) for about in found.about]
        owners += [await _reader(connection, name) for name in found.subscriptions]
        done = await _bar(connection, owners, "complaint", COMPLAINED, returns.clock())
    log.info("complaint_taken", about=[one.id for one in found.about], barred=done)
    return "suppressed" if done else "ignored"


async def _whose(connection: AsyncConnection, about: Bounced) -> str | None:
    """The hash of who a message was for."""
    if about.kind == "letter":
        return await letters_store.recipient_of(connection, about.id)
    name: str | None = await connection.scalar(
        sa.select(digests.c.subscription_id).where(digests.c.id == about.id)
    )
    return await _reader(connection, name) if name else None


async def _reader(connection: AsyncConnection, name: str) -> str | None:
    """The hash of a subscription's mailbox; `None` where it has none: no mail can be about it."""
    found: str | None = await connection.scalar(
        sa.select(subscriptions.c.recipient).where(
            subscriptions.c.id == name, subscriptions.c.channel.in_(MAIL)
        )
    )
    return found


async def _bar(
    connection: AsyncConnection,
    owners: Iterable[str | None],
    why: SuppressedFor,
    reason: str,
    now: datetime,
) -> int:
    """Leave these recipients in peace from now on; how many of them are known."""
    known = {who for who in owners if who is not None}
    for who in known:
        await suppression.suppress(connection, who, why, now, reason)
    rows = await connection.scalars(
        sa.select(subscriptions.c.id).where(
            subscriptions.c.recipient.in_(sorted(known)), subscriptions.c.active
        )
    )
    for name in rows.all():
        await subscribers.deactivate(connection, name, reason)
    return len(known)


async def _note(connection: AsyncConnection, about: tuple[Bounced, ...], reason: str) -> None:
    """On the message itself, where the operator looks; what became of it stays as it is."""
    for one in about:
        table = letters if one.kind == "letter" else digests
        await connection.execute(table.update().where(table.c.id == one.id).values(error=reason))
