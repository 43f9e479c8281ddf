"""A small message to a target that somebody has just typed: a target is not kept untried."""

import json

from services.notifier.packing import Means, target
from services.notifier.recipient import MAIL
from services.notifier.senders import Package, Senders
from services.notifier.subscription import Subscription
from shared.errors import Retryable

TYPE = "carillon.test.v1"

_SAID = "Carillon can reach this place. Digests about {topic} will come here."


async def try_target(senders: Senders, one: Subscription, means: Means) -> None:
    """Send a Slack, webhook or Apprise target a line that says what will come; a mailbox nothing.

    Its address and secret may be sealed or in plain.

    Raises:
        BadTarget: nothing may be sent there; the words are for who typed it.
        RecipientRejected: the channel says that there is no such target.
        Permanent: it does not take the message.
        Retryable: it cannot be reached now, or did not answer.
    """
    if one.channel in MAIL:
        return
    if one.channel not in senders:
        raise Retryable(f"no sender for channel {one.channel!r}")
    content = _content(one.channel, _SAID.format(topic=one.topic), one.id)
    package = Package(f"test-{one.id}", json.dumps(content).encode())
    await senders[one.channel].send(package, target(one, one.id, means))


def _content(channel: str, said: str, subscription_id: str) -> dict[str, object]:
    if channel == "slack":
        return {"text": said}
    if channel == "webhook":
        return {"type": TYPE, "data": {"subscription_id": subscription_id, "text": said}}
    return {"title": "Carillon", "body": said}
