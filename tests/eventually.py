"""Wait for what must come true, with a deadline instead of a hopeful sleep."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], within: float = 10.0, pause: float = 0.05
) -> None:
    """Return once `condition` holds; fail after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        answer = condition()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {within} s: {inspect.getsource(condition)}")
        await asyncio.sleep(pause)
