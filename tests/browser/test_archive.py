"""Finding papers: search, filters, pictures, an article's page, downloads and feeds."""

import re

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.looks import Looks
from tests.browser.town import Town
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

TOPIC = "/topics/car-autoimmune"


async def _total(visitor: Visitor) -> int:
    return int((await visitor.page.locator("#found").inner_text()).split()[0])


async def test_a_reader_searches_filters_reads_an_article_and_finds_its_evidence_marked(
    visitor: Visitor, looks: Looks
) -> None:
    await visitor.open("/")
    await visitor.follow("CAR cells in autoimmunity")
    everything = await _total(visitor)
    await looks.check(visitor.page)

    await visitor.write("Search titles", "lupus")
    await visitor.push("Search")
    found = await _total(visitor)
    assert 0 < found < everything
    assert await visitor.page.get_by_label("Search titles").input_value() == "lupus"
    await looks.check(visitor.page)

    await visitor.tick("CD19 CAR-T")
    await visitor.push("Apply")
    assert 0 < await _total(visitor) < found
    assert "“lupus”" in await visitor.page.locator(".chips").first.inner_text()

    await visitor.enter(visitor.page.locator("ol.things h3 a").first)
    assert await visitor.page.locator(".abstract mark").count()
    assert "Labels, and what carries them" in await visitor.text()
    await looks.check(visitor.page)

    await visitor.enter(visitor.page.locator("ul.chips a.chip").first)
    target = visitor.page.locator(f"[id='{visitor.page.url.rpartition('#')[2]}']")
    await expect(target).to_be_in_viewport()


async def test_a_filter_is_taken_back_and_a_search_without_result_says_how_to_go_on(
    visitor: Visitor, looks: Looks
) -> None:
    await visitor.open(f"{TOPIC}?q=lupus&modality=car-treg")
    narrow = await _total(visitor)
    await visitor.enter(visitor.page.locator(".chips a").first)
    assert await _total(visitor) > narrow

    await visitor.open(f"{TOPIC}?q=zebrafish")
    assert await _total(visitor) == 0
    assert "Fewer words or filters find more" in await visitor.text()
    await looks.check(visitor.page)


async def test_pictures_follow_the_filters_and_have_their_numbers_as_tables(
    visitor: Visitor,
) -> None:
    await visitor.open(TOPIC)
    whole = await visitor.page.locator("svg.plot").first.inner_html()
    await visitor.open(f"{TOPIC}?modality=car-nk")
    part = await visitor.page.locator("svg.plot").first.inner_html()

    assert whole != part
    await visitor.unfold("The numbers of this picture")
    await expect(visitor.page.locator("table").first).to_be_visible()


async def test_a_retracted_article_says_so_before_anything_else(
    visitor: Visitor, looks: Looks
) -> None:
    await visitor.open("/articles/car-autoimmune/99000001")

    assert (await visitor.text()).index("Retracted") < (await visitor.text()).index("[Simulated]")
    assert "Do not rely on this paper" in await visitor.text()
    await looks.check(visitor.page)


async def test_what_is_found_can_be_taken_along_in_every_form(visitor: Visitor, town: Town) -> None:
    await visitor.open(f"{TOPIC}?modality=car-nk")
    links = await visitor.page.locator("main a[href*='car-autoimmune.']").all()
    hrefs = {str(await link.get_attribute("href")) for link in links}
    forms = {found[1] for href in hrefs if (found := re.search(r"\.(\w+)\?", href))}

    assert forms == {"ris", "nbib", "bib", "csv", "atom", "json", "jsonl"}
    async with httpx.AsyncClient(base_url=town.url, trust_env=False) as http:
        for href in hrefs:
            answer = await http.get(href)
            assert answer.status_code == 200, href
            assert answer.content.strip(), href
