"""A reader's whole way: come in, confirm, change, pause, leave; by keyboard, without script."""

from email.message import EmailMessage

import httpx
import pytest

from tests.browser.looks import Looks
from tests.browser.readers import confirmed, managing, subscribe
from tests.browser.town import Town, page_of
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


def _digests(town: Town, address: str) -> list[EmailMessage]:
    return [mail for mail in town.mails(address) if mail["List-Id"]]


async def test_a_reader_subscribes_confirms_and_gets_the_digest_that_was_chosen(
    visitor: Visitor, looks: Looks, town: Town, size: str
) -> None:
    address = f"new-{size}@example.org"
    await visitor.open("/")
    await visitor.follow("Subscribe")
    await looks.check(visitor.page)
    await visitor.tick("CAAR-T")
    await visitor.tick("CAR-Treg")
    await visitor.choose("Every day")
    await visitor.write("Time zone", "Europe/Belgrade")
    await visitor.write("Your e-mail address", address)
    await visitor.push("Subscribe")
    assert await visitor.heading() == "Please look into your mailbox"
    await looks.check(visitor.page)

    await town.moment()
    (letter,) = town.mails(address)
    await looks.check_html(page_of(letter), f"{town.url}/letter.html")
    link = town.link(letter, "confirm")
    await visitor.open(link)  # as scanners of links do: nothing may come of it
    await looks.check(visitor.page)
    await town.tomorrow()
    assert _digests(town, address) == []

    await visitor.open(link)
    await visitor.push("Yes, send me this")
    assert await visitor.heading() == "Confirmed"
    await looks.check(visitor.page)
    await town.tomorrow()
    (digest,) = _digests(town, address)
    text = str(digest.get_body(("plain",)))
    assert "CAR-Treg" in text
    assert "CAR-NK (" not in text


async def test_a_preview_shows_what_the_last_weeks_would_have_brought_and_keeps_the_form(
    visitor: Visitor, looks: Looks
) -> None:
    await visitor.open("/subscribe")
    await visitor.tick("CAR-Treg")
    await visitor.choose("Every week")
    await visitor.push("Show what the last weeks would have brought")

    preview = visitor.page.locator("#preview")
    assert await preview.locator("h3 a").count()
    assert "CAR-Treg" in await preview.inner_text()
    assert await visitor.page.get_by_role("checkbox", name="CAR-Treg").is_checked()
    await looks.check(visitor.page)


async def test_a_form_with_faults_says_which_and_keeps_what_was_filled_in(
    visitor: Visitor, looks: Looks
) -> None:
    await visitor.open("/subscribe")
    await visitor.choose("Every month")
    await visitor.write("Time zone", "Atlantis")
    await visitor.write("Your e-mail address", "not an address")
    await visitor.push("Subscribe")

    alert = visitor.page.get_by_role("alert")
    assert await alert.get_by_role("link").count() == 2
    assert await visitor.page.get_by_role("radio", name="Every month").is_checked()
    await looks.check(visitor.page)
    await visitor.reach(alert.get_by_role("link").last)
    await visitor.page.keyboard.press("Enter")
    assert await visitor.page.evaluate("location.hash") == "#time_zone"


async def test_a_reader_changes_and_pauses_by_a_mailed_link(
    visitor: Visitor, looks: Looks, town: Town, size: str
) -> None:
    address = f"pauses-{size}@example.org"
    await confirmed(visitor, town, address)
    await visitor.open("/link")
    await looks.check(visitor.page)
    await managing(visitor, town, address)
    await looks.check(visitor.page)

    await visitor.push("Change")
    await looks.check(visitor.page)
    await visitor.tick("CAR-NK")
    await visitor.push("Save")
    assert "CAR-NK" in await visitor.page.locator("dl.facts").inner_text()

    await visitor.unfold("Pause")
    day = visitor.page.get_by_label("Until")
    await visitor.reach(day)
    await visitor.page.keyboard.type("12242026")
    await visitor.push("Pause")
    assert "Paused until 24 December 2026" in await visitor.text()
    await looks.check(visitor.page)
    before = len(_digests(town, address))
    await town.tomorrow()
    assert len(_digests(town, address)) == before

    await managing(visitor, town, address)  # the link of yesterday has ended
    await visitor.push("Go on now")
    assert "It goes on" in await visitor.text()
    await town.tomorrow()
    assert len(_digests(town, address)) == before + 1


async def test_the_link_at_a_digests_top_leads_out_in_two_presses_and_back_in_one(
    visitor: Visitor, looks: Looks, town: Town, size: str
) -> None:
    address = f"leaves-{size}@example.org"
    await confirmed(visitor, town, address)
    await town.tomorrow()
    (digest,) = _digests(town, address)

    await visitor.open(town.link(digest, "leave"))
    await looks.check(visitor.page)
    await visitor.push("Leave")
    assert await visitor.heading() == "You have left"
    await looks.check(visitor.page)
    await visitor.push("It was a mistake")
    assert await visitor.heading() == "Welcome back"

    await visitor.open(town.link(digest, "leave"))
    await visitor.push("Leave")
    await town.tomorrow()
    assert len(_digests(town, address)) == 1


async def test_one_click_of_a_mail_program_ends_it_without_a_page(
    visitor: Visitor, town: Town, size: str
) -> None:
    address = f"one-click-{size}@example.org"
    await confirmed(visitor, town, address)
    await town.tomorrow()
    (digest,) = _digests(town, address)

    async with httpx.AsyncClient(trust_env=False) as program:
        body = {"List-Unsubscribe": "One-Click"}
        answer = await program.post(town.link(digest, "leave"), data=body)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers

    await managing(visitor, town, address)
    assert "You have left" in await visitor.page.locator("main .chips").first.inner_text()


async def test_a_reader_takes_the_data_along_and_has_it_all_deleted(
    visitor: Visitor, looks: Looks, town: Town, size: str
) -> None:
    address = f"forgotten-{size}@example.org"
    await confirmed(visitor, town, address)
    await managing(visitor, town, address)
    await visitor.reach(visitor.page.get_by_role("button", name="Download my data"))
    async with visitor.page.expect_download() as download:
        await visitor.page.keyboard.press("Enter")
    path = await (await download.value).path()
    assert address in path.read_text(encoding="utf-8")

    await visitor.push("Delete everything about me")
    await looks.check(visitor.page)
    await visitor.enter(visitor.page.get_by_role("main").get_by_role("button").first)
    assert await visitor.heading() == "Everything is deleted"
    await town.tomorrow()
    assert _digests(town, address) == []


async def test_a_link_that_was_cut_off_says_so_and_how_to_go_on(
    visitor: Visitor, looks: Looks
) -> None:
    await visitor.page.goto(f"{visitor.url}/manage?token=cut")

    assert await visitor.heading() == "This link is not complete"
    await looks.check(visitor.page)
    await visitor.follow("Ask for a new link")
    assert await visitor.heading() == "My subscriptions"


async def test_who_never_asked_is_left_in_peace(visitor: Visitor, town: Town, size: str) -> None:
    address = f"peace-{size}@example.org"
    await subscribe(visitor, address)
    await town.moment()
    await visitor.open(town.mailed_link(address, "confirm"))
    await visitor.push("It was not me")
    assert await visitor.heading() == "You are left in peace"

    await subscribe(visitor, address)
    await town.moment()
    assert len(town.mails(address)) == 1
