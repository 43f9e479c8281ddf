"""The page of `carillon diff`, as its reader's browser shows it."""

import pytest

from tests.browser.compared import compared_page
from tests.browser.looks import Looks

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_the_page_of_a_comparison_has_no_serious_finding_and_fits(looks: Looks) -> None:
    html = await compared_page()

    assert "<mark>pemphigus</mark>" in html
    assert "Subscription pemphigus-weekly" in html
    await looks.check_html(html, "http://localhost/diff.html")
