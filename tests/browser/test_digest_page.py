"""What a digest's links lead to: the digest on the web, feedback on an article, its downloads."""

import pytest

from tests.browser.looks import Looks
from tests.browser.town import Town
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

WEEKLY = "weekly@example.org"


async def test_the_digest_on_the_web_says_what_the_mail_said(
    visitor: Visitor, looks: Looks, town: Town
) -> None:
    mail = town.mails(WEEKLY)[-1]
    await visitor.open(town.link(mail, "digests"))
    page = await visitor.text()

    last = next(one for one in reversed(town.digests) if one.cadence == "weekly")
    assert all(item.title.rstrip(".") in page for item in last.everything)
    assert page.index("Notices about papers you were sent") < page.index("CD19 CAR-T (")
    assert "What was checked" in page
    await looks.check(visitor.page)


async def test_a_reader_says_that_a_label_is_wrong(
    visitor: Visitor, looks: Looks, town: Town
) -> None:
    await visitor.open(town.mailed_link(WEEKLY, "digests"))
    await visitor.follow("Wrong label? Not relevant?")
    assert await visitor.heading() == "What is wrong with it?"
    await looks.check(visitor.page)

    await visitor.choose("It is not relevant here at all")
    await visitor.write("In your own words", "About a nuclear receptor.")
    await visitor.push("Send")
    assert "Thank you, that is kept." in await visitor.text()
    await looks.check(visitor.page)
    await visitor.follow("Back to the digest")
    assert await visitor.heading() == "CAR cells in autoimmunity"


async def test_a_link_from_the_mail_leads_to_the_feedback_on_its_article(
    visitor: Visitor, town: Town
) -> None:
    html = town.mails(WEEKLY)[-1].get_body(("html",))
    assert html is not None
    await visitor.page.set_content(str(html.get_content()))
    link = visitor.page.locator("a[href*='/feedback/']").first
    await visitor.open(str(await link.get_attribute("href")))

    assert await visitor.heading() == "What is wrong with it?"
