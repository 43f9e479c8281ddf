"""The loop at the bottom of a process: a step, again and again, that a fault does not end."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.errors import Permanent, Retryable

log = structlog.get_logger(__name__)

LONGEST_PAUSE = 60.0
"""Seconds between two tries of a step that keeps failing."""


async def every(
    name: str, seconds: float, step: Callable[[], Awaitable[object]], stop: asyncio.Event
) -> None:
    """Run `step` until `stop` is set, pausing `seconds` between two runs.

    A fault is logged and tried again after a pause that doubles up to a minute; what failed is
    the step's own to record. Only setting `stop` or cancelling ends the loop.
    """
    pause = seconds
    while not stop.is_set():
        pause = seconds if await _ran(name, step) else min(max(pause, 0.5) * 2, LONGEST_PAUSE)
        try:
            await asyncio.wait_for(stop.wait(), timeout=pause)
        except TimeoutError:
            continue


async def _ran(name: str, step: Callable[[], Awaitable[object]]) -> bool:
    try:
        await step()
    except Retryable as fault:
        log.warning("step_will_be_retried", step=name, reason=str(fault))
        return False
    except Permanent as fault:
        log.error("step_needs_attention", step=name, reason=str(fault))  # noqa: TRY400  said whole
        return False
    except Exception:  # a bug in one step must not end the service; here it is seen
        log.exception("step_failed", step=name)
        return False
    return True
