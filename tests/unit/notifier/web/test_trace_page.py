"""The operator's page about one article's life: behind the password, and without an address."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.web.kit import Site, a_site

ENTER = httpx.BasicAuth("admin", "a password of tests")


@pytest.fixture
async def site(one: Desk) -> AsyncIterator[Site]:
    made = a_site(one, admin_password=SecretStr("a password of tests"))
    async with made.client:
        await one.subscribe(a_subscription(id="sent"), a_subscription(id="muted", filters={
            "muted_journals": ["J Ex"]}))  # fmt: skip
        await one.receive(an_article_event(1, START), a_poll_event(START, announced=1))
        assert await one.at(7) == 1
        yield made


async def test_it_shows_whom_it_went_to_and_why_not_to_others(site: Site) -> None:
    answer = await site.client.get("/admin/articles?pmid=1", auth=ENTER)

    assert answer.status_code == 200
    for shown in ("Paper 1", "Found", "accepted for 1 subscription", "<code>muted</code>",
                  "of a journal or author that is muted"):  # fmt: skip
        assert shown in answer.text
    assert "example.org" not in answer.text.replace("carillon.example.org", "")


async def test_readers_see_nothing_of_it(site: Site) -> None:
    assert (await site.client.get("/admin/articles?pmid=1")).status_code == 401
    page = await site.client.get("/articles/car-autoimmune/1")
    assert page.status_code == 200
    assert "accepted" not in page.text
    assert "sent</code>" not in page.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [("77", "has no article of PMID 77"), ("12345678901234567890", "no PMID"), ("x", "no PMID"),
     ("0", "no PMID"), ("%C2%B2", "no PMID"), ("4000000000", "no PMID")],
)  # fmt: skip
async def test_what_is_not_known_is_said(site: Site, asked: str, said: str) -> None:
    answer = await site.client.get(f"/admin/articles?pmid={asked}", auth=ENTER)

    assert answer.status_code == 404
    assert said in answer.text
