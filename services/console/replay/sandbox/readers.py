"""For whom digests are made in a sandbox: readers of a file, a deployment's own, or examples.

No address of anybody is in a sandbox: each person's is replaced by one that cannot exist
(RFC 2606), the same for the same person, so that nobody is told anything twice there either.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from services.console.archive.recorded import LONG_AGO
from services.notifier.entries import load, read_entry
from services.notifier.recipient import MAIL, recipient
from services.notifier.subscribers import Kept
from services.notifier.subscription import Subscription

HOST = "sandbox.invalid"
_KEY = SecretStr("whsec_c2lnbmVkIGluIGEgc2FuZGJveCwgZm9yIG5vYm9keQ==")
"""Signs what no webhook ever gets."""


def of_file(path: Path) -> tuple[Subscription, ...]:
    """The confirmed readers of a subscriptions file, without their addresses.

    Raises:
        ConfigurationError: the file cannot be read, or is wrong.
    """
    found = load(path, LONG_AGO)
    return nameless(
        (one, recipient(one.channel, one.address.get_secret_value()))
        for one in found
        if one.confirmed_at is not None
    )


def of_deployment(kept: Iterable[Kept]) -> tuple[Subscription, ...]:
    """Those of a deployment's readers who are sent digests, without their addresses."""
    return nameless((one.subscription, one.recipient) for one in kept if one.is_mailable)


def nameless(found: Iterable[tuple[Subscription, str]]) -> tuple[Subscription, ...]:
    """Subscriptions with the hash of who each is for, without any address, owner or key.

    A pause is left out: the one of today says nothing about the past.
    """
    ordered = sorted(found, key=lambda one: one[0].id)
    numbers = {who: n for n, who in enumerate(dict.fromkeys(who for _, who in ordered), 1)}
    return tuple(_without_address(one, numbers[who]) for one, who in ordered)


def _without_address(one: Subscription, number: int) -> Subscription:
    target = f"reader-{number}@{HOST}" if one.channel in MAIL else f"https://{HOST}/{number}"
    return one.model_copy(
        update={
            "address": SecretStr(target),
            "owner": None,
            "secret": _KEY if one.channel == "webhook" else None,
            "paused_at": None,
            "paused_until": None,
            "looked_at": None,
        }
    )


def examples(topics: Collection[str]) -> tuple[Subscription, ...]:
    """For each topic a daily and a weekly mail, and a weekly message in Slack."""
    return tuple(
        read_entry(
            {
                "id": f"{topic[:48]}-{name}",
                "topic": topic,
                "address": f"{name}-{topic}@{HOST}" if channel == "email" else f"https://{HOST}/",
                "channel": channel,
                "cadence": cadence,
                "confirmed": True,
            },
            "example",
            LONG_AGO,
        )
        for topic in sorted(topics)
        for name, channel, cadence in (
            ("daily", "email", "daily"),
            ("weekly", "email", "weekly"),
            ("slack", "slack", "weekly"),
        )
    )


def since(found: Sequence[Subscription], start: datetime) -> tuple[Subscription, ...]:
    """The same, none of which counts from before the first event: nothing was due then."""
    return tuple(
        one.model_copy(
            update={
                "created_at": max(one.created_at, start),
                "confirmed_at": one.confirmed_at and max(one.confirmed_at, start),
            }
        )
        for one in found
    )
