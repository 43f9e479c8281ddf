"""Whose turn it is: for which due instant a subscription's digest is to be cut.

Pure. In a pause nothing is due, and its due instants are not made up for one by one: the first
digest that is due after it covers the whole of it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.notifier.schedule import Rhythm, is_due, latest_due
from services.notifier.subscription import Subscription

_WRONG = (AttributeError, KeyError, LookupError, OSError, TypeError, ValueError)
"""What comes of a rhythm that cannot be read: unknown words, hours and zones."""


def due_slot(subscription: Subscription, last: datetime | None, now: datetime) -> datetime | None:
    """The due instant for which a digest is to be cut now; `last` is that of the last digest."""
    wish = subscription
    if wish.is_paused(now):
        return None
    slot = latest_due(wish.rhythm, now)
    if wish.paused_until is not None and slot < wish.paused_until:
        return None
    since = max(wish.created_at, wish.confirmed_at or wish.created_at)
    before = max((at for at in (last, _looked(wish, now)) if at), default=None)
    return slot if is_due(wish.cadence, slot, since, before) else None


def _looked(subscription: Subscription, now: datetime) -> datetime | None:
    """When an immediate one was last looked at in vain; to another cadence that is no digest."""
    at = subscription.looked_at if subscription.cadence == "immediate" else None
    return at if at and at <= now else None


class Turns:
    """A quick look at many subscriptions: which of them cannot be due now.

    Of ten thousand few are due at a time, and reading each whole takes longer than all the rest.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._latest: dict[Rhythm, datetime] = {}

    def may_come(self, wish: Mapping[str, Any], last: datetime | None) -> bool:
        """Whether a due instant lies behind the `last` one; also of a wish that cannot be read."""
        try:
            slot = self._slot(Rhythm.of(wish))
        except _WRONG:
            return True
        return last is None or slot > last

    def _slot(self, rhythm: Rhythm) -> datetime:
        if rhythm not in self._latest:
            self._latest[rhythm] = latest_due(rhythm, self._now)
        return self._latest[rhythm]
