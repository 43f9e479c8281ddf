"""A subscription as a row of the database, and back; what has to be sealed is sealed here."""

from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr, ValidationError

from services.notifier.recipient import MAIL, recipient
from services.notifier.subscription import Subscription, Wish, faults
from services.notifier.vault import Vault, is_sealed
from shared.errors import Permanent

UNREADABLE = "its wish cannot be read: "
"""How the reason begins on a row that is passed over, still active, until it can be read again."""

COLUMNS = frozenset({"topic", "channel", "address", "owner", "secret"})
"""What of a wish has a column of its own."""

_STATE = ("created_at", "confirmed_at", "paused_at", "paused_until", "looked_at")


class Unreadable(Permanent):
    """What is on record of a subscription does not fit this version; saving it again mends it."""


def row_of(
    one: Subscription, origin: str, known: sa.Row[Any] | None, vault: Vault | None
) -> dict[str, object]:
    """The columns of a subscription; `known` is its row as it was.

    Raises:
        Permanent: its target has to be sealed, and there is no vault.
    """
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


def subscription_of(row: sa.Row[Any]) -> Subscription:
    """The subscription of a row.

    Raises:
        Unreadable: it does not fit this version.
    """
    named = {name: getattr(row, name) for name in ("id", *COLUMNS, *_STATE)}
    try:
        return Subscription.model_validate({**row.wish, **named})
    except ValidationError as error:
        raise Unreadable(UNREADABLE + faults(error)) from error
