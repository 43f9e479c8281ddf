"""The mails of the demo's fortnight as a mail client shows them."""

import pytest

from tests.browser.looks import Looks
from tests.browser.town import Town, page_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


@pytest.mark.parametrize("reader", ["weekly@example.org", "daily@example.org"])
async def test_a_digest_mail_has_no_serious_finding_and_fits(
    town: Town, looks: Looks, reader: str
) -> None:
    fullest = max(town.mails(reader), key=lambda mail: len(page_of(mail)))

    await looks.check_html(page_of(fullest), f"{town.url}/mail.html")
