"""Whose digests a replay would touch: nobody's, but for those that are named and confirmed."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import subscribers
from services.notifier.subscribers import Kept
from shared.database import transaction
from shared.errors import ConfigurationError


@dataclass(frozen=True)
class Touched:
    """Ids of subscriptions: `named` may be sent a digest of it, `others` of its topics may not."""

    named: tuple[str, ...]
    others: tuple[str, ...]


async def touched(engine: AsyncEngine, named: Collection[str], topics: Collection[str]) -> Touched:
    """Look at the notifier's store.

    Raises:
        ConfigurationError: one that is named is not there, or may not be written to.
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        found = await subscribers.of_ids(connection, named)
        everybody = await subscribers.everybody(connection)
    for one in named:
        _checked(one, found.get(one))
    others = (
        kept.subscription.id
        for kept in everybody
        if kept.is_mailable and kept.subscription.topic in topics
    )
    return Touched(tuple(named), tuple(one for one in others if one not in named))


def _checked(name: str, found: object) -> None:
    if not isinstance(found, Kept):
        raise ConfigurationError(
            f"--to: there is no subscription {name!r} that can be read: see "
            "`carillon subscribers list`"
        )
    if not found.is_mailable:
        why = "not confirmed" if found.subscription.confirmed_at is None else (
            "suppressed" if found.suppressed else f"off: {found.inactive_reason}"
        )  # fmt: skip
        raise ConfigurationError(f"--to: {name} is never written to ({why})")
