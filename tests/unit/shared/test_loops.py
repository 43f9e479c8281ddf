import asyncio

from shared.errors import Permanent, Retryable
from shared.loops import every


async def test_a_step_that_fails_in_any_way_is_run_again_until_the_loop_is_stopped() -> None:
    stop = asyncio.Event()
    faults: list[Exception | None] = [Retryable("away"), Permanent("no"), KeyError("bug"), None]
    ran: list[int] = []

    async def step() -> None:
        ran.append(1)
        fault = faults[len(ran) - 1]
        if fault is None:
            stop.set()
            return
        raise fault

    await asyncio.wait_for(every("step", 0.0, step, stop), timeout=10)

    assert len(ran) == len(faults)


async def test_a_loop_that_is_stopped_runs_no_further_step() -> None:
    stop = asyncio.Event()
    stop.set()
    ran: list[int] = []

    async def step() -> None:
        ran.append(1)

    await every("step", 0.0, step, stop)

    assert ran == []
