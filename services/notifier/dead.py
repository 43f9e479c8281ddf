"""A target that will never take a message again: switched off, and who looks after it is told."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import letters_store, subscribers, suppression
from services.notifier.recipient import MAIL, recipient
from services.notifier.subscription import Subscription


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
        told = {"topic": one.topic, "channel": one.channel, "reason": reason}
        owner = one.owner.get_secret_value()
        await letters_store.queue(connection, "dead-target", owner, now, one.id, told)
