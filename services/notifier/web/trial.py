"""One message that tries a target, before anything is sent there in earnest."""

import json
from uuid import uuid4

import structlog

from services.notifier.senders import Package, Target
from services.notifier.subscription import Subscription
from services.notifier.web.house import House
from shared.errors import CarillonError
from shared.under_replay import UnderReplay

log = structlog.get_logger(__name__)

UNDER_REPLAY = UnderReplay.LIVE_ONLY

_HELLO = "Carillon can reach you here: news that you subscribed to will come to this place."


async def trial(house: House, one: Subscription) -> str | None:
    """Send it; why it was not taken, or `None` when it was.

    Raises:
        Permanent: what is sealed cannot be opened.
    """
    sender = house.senders.get(one.channel)
    if sender is None:
        return None
    url = house.vault.open(one.address.get_secret_value())
    secret = house.vault.open(one.secret.get_secret_value()) if one.secret else None
    package = Package(f"trial-{uuid4()}", _content(one.channel, one, house))
    try:
        await sender.send(package, Target(url, secret))
    except CarillonError as fault:
        log.info("trial_failed", subscription_id=one.id, channel=one.channel, reason=str(fault))
        return str(fault)
    return None


def _content(channel: str, one: Subscription, house: House) -> bytes:
    if channel == "slack":
        return json.dumps({"text": _HELLO}).encode()
    if channel == "apprise":
        return json.dumps({"title": "Carillon", "body": _HELLO}).encode()
    data = {"subscription_id": one.id, "topic": {"id": one.topic}, "text": _HELLO}
    at = house.clock().isoformat()
    return json.dumps({"type": "carillon.trial.v1", "timestamp": at, "data": data}).encode()
