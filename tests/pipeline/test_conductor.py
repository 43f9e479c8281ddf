"""The demo in Docker comes to its end, whatever has delayed a step of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.console.commands.demo import packaged_demo
from services.console.conductor import conduct
from services.console.demo import World, opened
from services.console.scenario import CLOCK, write_scenario
from services.ncbi_sim.catalogue import Catalogue
from services.poller.eutils import Access, Conduct, Eutils, Limiter, Patience, Timing
from services.poller.eutils.client import Client
from shared.clock import file_clock

pytestmark = pytest.mark.timeout(120)


def _first_days(catalogue: Catalogue, days: int) -> Catalogue:
    return catalogue.model_copy(update={"head": catalogue.head.model_copy(update={"days": days})})


def _away(base_url: str) -> Eutils:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody is there")

    timing, patience = Timing(), Patience(attempts=1)
    conduct_of_calls = Conduct(Limiter(1_000, timing=timing), patience, timing)
    http = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
    return Eutils(Client(http, Access(base_url), conduct_of_calls))


async def _live_by(world: World, folder: Path) -> None:
    """What the services do by the clock; PubMed is away when the second day is polled."""
    clock = file_clock(folder / CLOCK)
    away = replace(world, eutils=_away(world.eutils.base_url))
    second_day = world.hand.now + timedelta(days=1)
    while True:
        now = clock()
        await (away if now == second_day else world).live_through(now)
        await asyncio.sleep(0.1)


async def test_a_poll_that_was_late_on_one_day_is_awaited_on_the_next_one_too(
    tmp_path: Path,
) -> None:
    """It is due a day after it was, past the hour; a digest that waits for it holds the time."""
    told: list[str] = []
    packaged = packaged_demo(tmp_path / "out", lambda _instant, _moved: None, "http://localhost")
    demo = replace(packaged, catalogue=_first_days(packaged.catalogue, 3))
    folder = tmp_path / "scenario"
    write_scenario(folder, demo.catalogue, "")
    async with opened(demo) as world:
        services = asyncio.create_task(_live_by(world, folder))
        conducted = asyncio.create_task(
            conduct(world.line.stores, folder, demo.catalogue, demo.topic, told.append)
        )
        both = {services, conducted}
        done, _ = await asyncio.wait(both, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        ended = await asyncio.gather(*both, return_exceptions=True)
    assert done == {conducted}, f"it stands still: {told[-2:]}, {ended}"
    assert len([line for line in told if line.endswith("done")]) == 2 * 4
