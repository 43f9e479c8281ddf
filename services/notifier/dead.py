"""A target that will never take a message again: switched off, and who looks after it is told."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import subscribers, suppression
from services.notifier.recipient import MAIL, recipient
from services.notifier.subscription import Subscription
from services.notifier.tables import letters

LETTER = "dead-target"


async def switch_off(
    connection: AsyncConnection, one: Subscription, reason: str, now: datetime
) -> None:
    """Send it nothing more, until its owner or the operator puts it right.

    A mailbox that does not exist is never written to again, for whatever subscription.
    """
    await subscribers.deactivate(connection, one.id, reason)
    if one.channel in MAIL:
        who = recipient(one.channel, one.address.get_secret_value())
        await suppression.suppress(connection, who, "bounce", now, reason)
    elif one.owner is not None:
        await _tell(connection, one, reason, now)


async def _tell(connection: AsyncConnection, one: Subscription, reason: str, now: datetime) -> None:
    owner = one.owner.get_secret_value() if one.owner else ""
    await connection.execute(
        letters.insert().values(
            id=str(uuid4()),
            kind=LETTER,
            recipient=recipient("email", owner),
            address=owner,
            subscription_id=one.id,
            told={"topic": one.topic, "channel": one.channel, "reason": reason},
            created_at=now,
            state="waiting",
        )
    )
