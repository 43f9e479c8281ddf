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


async def test_a_loop_that_is_woken_runs_at_once_also_for_what_came_while_it_ran() -> None:
    stop, wake = asyncio.Event(), asyncio.Event()
    ran: list[int] = []

    async def step() -> None:
        ran.append(1)
        (stop if len(ran) == 3 else wake).set()

    await asyncio.wait_for(every("step", 3600.0, step, stop, wake), timeout=10)

    assert len(ran) == 3


async def test_a_step_that_failed_is_not_woken_out_of_its_pause() -> None:
    stop, wake = asyncio.Event(), asyncio.Event()
    ran: list[int] = []

    async def step() -> None:
        ran.append(1)
        raise Retryable("the broker is away")

    loop = asyncio.create_task(every("step", 3600.0, step, stop, wake))
    for _ in range(100):
        wake.set()
        await asyncio.sleep(0)
    stop.set()
    await loop

    assert ran == [1]


async def test_a_step_that_fails_for_long_is_tried_again_within_its_own_longest_pause() -> None:
    stop = asyncio.Event()
    ran: list[int] = []

    async def step() -> None:
        ran.append(1)
        if len(ran) == 20:
            stop.set()
        raise Retryable("the broker is away")

    # Doubling up to a minute it would take ten.
    await asyncio.wait_for(every("step", 0.0, step, stop, longest=0.01), timeout=10)


async def test_what_ends_a_pause_leaves_no_task_behind() -> None:
    stop, wake = asyncio.Event(), asyncio.Event()
    ran: list[int] = []

    async def step() -> None:
        ran.append(len(asyncio.all_tasks()))
        (stop if len(ran) == 50 else wake).set()
        await asyncio.sleep(0)

    await every("step", 3600.0, step, stop, wake)

    assert max(ran) <= 3  # this test, and the two waits that were just ended


async def test_an_answer_that_a_library_gave_up_does_not_end_the_loop() -> None:
    stop, runs = asyncio.Event(), 0

    async def step() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            answer = asyncio.get_running_loop().create_future()
            answer.cancel()
            await answer
        stop.set()

    await asyncio.wait_for(every("asks", 0.01, step, stop, longest=0.01), 10)

    assert runs == 2
