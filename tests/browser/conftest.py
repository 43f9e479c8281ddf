"""Fixtures only; nothing is imported from here. One town and one browser for all walks."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.chromium import open_browser
from tests.browser.looks import SIZES, Looks
from tests.browser.town import Town, open_town
from tests.browser.visitor import Visitor


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with open_town(tmp_path_factory.mktemp("town")) as made:
        yield made


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


@pytest.fixture(params=list(SIZES))
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def looks(browser: Browser, size: str) -> Looks:
    return Looks(browser, size)


@pytest_asyncio.fixture(loop_scope="package")
async def visitor(town: Town, browser: Browser, size: str) -> AsyncIterator[Visitor]:
    """A browser without script, in the size of this run."""
    context = await browser.new_context(java_script_enabled=False, viewport=SIZES[size])
    page = await context.new_page()
    page.set_default_timeout(15_000)
    yield Visitor(page, town.url)
    await context.close()
