"""The first page."""

import pytest

from tests.browser.looks import Looks
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_the_first_page_tells_the_topic_and_its_skip_link_is_reached_first(
    visitor: Visitor, looks: Looks
) -> None:
    await visitor.open("/")

    assert "Last checked 21 September 2026" in await visitor.text()
    await visitor.page.keyboard.press("Tab")
    assert await visitor.page.evaluate("document.activeElement.className") == "skip"
    await looks.check(visitor.page)
