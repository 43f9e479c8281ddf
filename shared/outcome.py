"""What becomes of a message whose handler failed: one rule for the broker and the embedded bus."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from shared.errors import Away, Permanent, Retryable

ParkReason = Literal["permanent", "exhausted", "bug", "killer"]
"""Why a message is parked; a public contract, since operators group by it.

`killer`: the process died each time it handled this message, with nothing else in hand.
"""

AWAY_STEP = 3
"""The longest wait, as a step of the delays, for an engine that is away: back soon after it is."""


@dataclass(frozen=True)
class Retry:
    """Try again; `step` counts the delays from 1."""

    step: int
    delay: timedelta


@dataclass(frozen=True)
class Park:
    """Give it to a person, with the reason."""

    reason: ParkReason
    error: str
    traceback: str


def after_failure(error: Exception, attempt: int, delays: Sequence[timedelta]) -> Retry | Park:
    """Retry a fault that may pass, park anything else.

    `attempt` counts the attempts made, from 1. A wait that the other side named (`retry_after`)
    moves to the first delay that is long enough. An exception that is neither `Retryable` nor
    `Permanent` is a bug: trying again would only repeat it. While an engine is `Away` nothing is
    given up, however long that is: the message would only be tried elsewhere by hand.
    """
    if isinstance(error, Away):
        soon = min(attempt, AWAY_STEP, len(delays))
        return Retry(soon, delays[soon - 1])
    if isinstance(error, Retryable):
        step = _step(error, attempt, delays)
        if step is not None:
            return Retry(step, delays[step - 1])
    return Park(_reason(error), f"{type(error).__name__}: {error}", _trace(error))


def _step(error: Retryable, attempt: int, delays: Sequence[timedelta]) -> int | None:
    wanted = error.retry_after or timedelta()
    for step, delay in enumerate(delays, start=1):
        if step >= attempt and delay >= wanted:
            return step
    return len(delays) if attempt <= len(delays) else None


def _reason(error: Exception) -> ParkReason:
    if isinstance(error, Retryable):
        return "exhausted"
    return "permanent" if isinstance(error, Permanent) else "bug"


def _trace(error: Exception) -> str:
    return "".join(traceback.format_exception(error))[-8_000:]
