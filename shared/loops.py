"""The loop at the bottom of a process: a step, again and again, that a fault does not end."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.errors import Permanent, Retryable

log = structlog.get_logger(__name__)

LONGEST_PAUSE = 60.0
"""Seconds between two tries of a step that keeps failing."""


async def every(
    name: str,
    seconds: float,
    step: Callable[[], Awaitable[object]],
    stop: asyncio.Event,
    wake: asyncio.Event | None = None,
    longest: float = LONGEST_PAUSE,
) -> None:
    """Run `step` until `stop` is set, pausing `seconds` between two runs; setting `wake` ends it.

    A fault is logged and tried again after a pause that doubles up to `longest` seconds, and that
    nothing cuts short but `stop`; what failed is the step's own to record. Only setting `stop` or
    cancelling ends the loop.
    """
    pause, wake = seconds, wake or asyncio.Event()
    while not stop.is_set():
        wake.clear()  # before the step: what is set meanwhile is another reason to run
        if await _ran(name, step):
            pause = seconds
            await _first_of(stop, wake, within=pause)
        else:
            pause = min(max(pause, 0.5) * 2, longest)
            await _first_of(stop, within=pause)


async def _first_of(*events: asyncio.Event, within: float) -> None:
    """Wait until one of the events is set, at most so many seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _ran(name: str, step: Callable[[], Awaitable[object]]) -> bool:
    try:
        await step()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Not us: a client that gives its connection up cancels who waits for an answer.
        log.warning("step_will_be_retried", step=name, reason="an answer was given up")
        return False
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
