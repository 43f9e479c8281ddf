"""The archive's pages, as a browser without scripts gets them."""

import re
from typing import Any

import pytest
from lxml import html

from shared.article import AbstractSection, Correction, Status
from shared.events import ArticleClassified, Reason
from tests.builders import a_classification, a_label, an_article, classified, poll_completed
from tests.unit.notifier.web.kit import Site
from tests.unit.notifier.web.selecting import select

TOPIC = "/topics/car-autoimmune"


def _event(pmid: int = 1, *labels: str, **changes: Any) -> ArticleClassified:
    about = {
        name: changes.pop(name)
        for name in ("reasons", "backfill", "revision", "relatedness")
        if name in changes
    }
    scope = changes.pop("scope", "core")
    named = tuple(a_label(id=one, name=one.upper()) for one in labels)
    return classified(
        article=an_article(pmid=pmid, **changes),
        classification=a_classification(labels=named, scope=scope),
        **about,
    )


async def _page(site: Site, path: str, status: int = 200) -> html.HtmlElement:
    answer = await site.client.get(path)
    assert answer.status_code == status, answer.text
    assert "style=" not in answer.text
    assert "<script" not in answer.text
    return html.fromstring(answer.text)


def _titles(page: html.HtmlElement) -> list[str]:
    return [" ".join(one.text_content().split()) for one in select(page, "ol.things h3")]


async def test_a_topic_shows_its_articles_the_newest_first_and_counts_beside_filters(
    site: Site,
) -> None:
    await site.desk.receive(
        poll_completed(), _event(1, "caar-t", title="One"),
        _event(2, "caar-t", "car-nk", title="Two"), _event(3, title="Cancer", scope="oncology"),
    )  # fmt: skip

    page = await _page(site, TOPIC)

    assert _titles(page) == ["Two", "One"]
    choices = {
        one.get("value"): " ".join(
            select(page, f'label[for="{one.get("id")}"]')[0].text_content().split()
        )
        for one in select(page, 'input[name="modality"]')
    }
    assert choices == {"caar-t": "CAAR-T 2", "car-nk": "CAR-NK 1"}


async def test_a_search_narrows_and_can_be_undone_by_links(lone: Site) -> None:
    await lone.desk.receive(
        poll_completed(),
        _event(1, "caar-t", title="Lupus one"),
        _event(2, "car-nk", title="Lupus two"),
    )

    page = await _page(lone, f"{TOPIC}?q=lupus&modality=car-nk")

    assert _titles(page) == ["Lupus two"]
    links = {
        " ".join(one.text_content().split()): one.get("href")
        for one in select(page, '[aria-label="Filters in force"] a')
    }
    assert links["Remove: CAR-NK \u00d7"] == f"{TOPIC}?q=lupus"
    assert select(page, "#q")[0].get("value") == "lupus"
    assert select(page, 'input[value="car-nk"]')[0].get("checked") is not None
    for form in ("ris", "nbib", "bib", "csv", "jsonl", "atom"):
        assert f"{TOPIC}.{form}?q=lupus&modality=car-nk" in [
            a.get("href") for a in select(page, "a")
        ]


async def test_pages_follow_each_other(lone: Site) -> None:
    await lone.desk.receive(poll_completed(), *(_event(n, title=f"No {n}") for n in range(1, 31)))

    first = await _page(lone, TOPIC)
    (following,) = select(first, 'a[rel="next"]')
    second = await _page(lone, following.get("href"))

    assert len(_titles(first)) == 25
    assert _titles(second) == [f"No {n}" for n in range(5, 0, -1)]
    assert select(second, "ol.things")[0].get("start") == "26"


async def test_pictures_have_a_title_a_description_and_a_table_of_the_same_numbers(
    lone: Site,
) -> None:
    await lone.desk.receive(
        poll_completed(), _event(1, "caar-t"), _event(2, "caar-t"), _event(3, "car-nk")
    )

    page = await _page(lone, TOPIC)

    (picture,) = select(page, "svg.plot")
    named = [page.get_element_by_id(one) for one in picture.get("aria-labelledby").split()]
    assert [one.tag for one in named] == ["title", "desc"]
    bars = {one.findtext("title") for one in select(picture, "rect")}
    assert bars == {"Sep 2026: CAAR-T, 2", "Sep 2026: CAR-NK, 1"}
    row = select(page, "figure table tbody tr")[0]
    assert [cell.text_content().strip() for cell in row] == ["Sep 2026", "2", "1", "3"]


async def test_a_retracted_paper_is_marked_wherever_it_is_shown(lone: Site) -> None:
    notice = Correction(ref_type="RetractionIn", pmid=9, source="J Ex. 2026 Sep")
    await lone.desk.receive(
        poll_completed(), _event(1, title="Gone", status=Status.RETRACTED, corrections=(notice,))
    )

    listed = await _page(lone, TOPIC)
    own = await _page(lone, "/articles/car-autoimmune/1")

    assert "Retracted" in select(listed, "ol.things > li")[0].text_content()
    assert "gone" in select(listed, "ol.things h3")[0].get("class")
    (alert,) = select(own, ".note.alert")
    assert "Retracted. Do not rely on this paper." in " ".join(alert.text_content().split())
    assert select(alert, "a")[0].get("href") == "https://pubmed.ncbi.nlm.nih.gov/9/"


async def test_a_record_that_pubmed_took_out_is_said_to_be_out(lone: Site) -> None:
    await lone.desk.receive(poll_completed(), _event(1, status=Status.DELETED))

    own = await _page(lone, "/articles/car-autoimmune/1")

    assert "PubMed has taken this record out." in select(own, ".note.alert")[0].text_content()


async def test_an_article_shows_its_words_marked_and_each_label_leads_to_them(site: Site) -> None:
    await site.desk.receive(poll_completed(), _event(1, "cd19-car-t"))

    page = await _page(site, "/articles/car-autoimmune/1")

    (mark,) = select(page, ".abstract mark")
    assert mark.text_content() == "CD19 CAR-T cel"[:14]
    (chip,) = select(page, "a.chip.modality")
    assert page.get_element_by_id(chip.get("href")[1:]).getnext() is mark
    assert "confidence 90 %" in page.get_element_by_id("label-modality-cd19-car-t").text_content()


async def test_markup_of_titles_is_kept_and_anything_else_is_harmless(lone: Site) -> None:
    await lone.desk.receive(
        poll_completed(),
        _event(
            1, title="CD4+ <script>",
            title_html="CD4<sup>+</sup><img src=x onerror=y><script>z</script>",
            abstract=(AbstractSection(text="<script>alert(1)</script> & more"),),
            copyright="<b>© us</b>",
        ),
    )  # fmt: skip

    for path in (TOPIC, "/articles/car-autoimmune/1"):
        text = (await lone.client.get(path)).text
        assert "CD4<sup>+</sup>" in text
        assert not re.search(r"<script|<img|onerror|<b>©", text)


async def test_a_page_tells_why_and_the_history(lone: Site) -> None:
    reasons = (Reason(relation="query", name="core"), Reason(relation="similar", rank=3, of=90))
    await lone.desk.receive(
        poll_completed(), _event(1, "caar-t"),
        _event(1, "car-nk", revision=2, reasons=reasons, status=Status.CORRECTED),
    )  # fmt: skip

    text = (await _page(lone, "/articles/car-autoimmune/1")).text_content()

    assert "Similar, rank 3 of 90; matches query 'core'." in text
    assert "Labels gained: CAR-NK" in text
    assert "Labels lost: CAAR-T" in text


@pytest.mark.parametrize(
    "path",
    [
        "/topics/nothing", "/articles/nothing/1", "/articles/car-autoimmune/2",
        "/articles/car-autoimmune/x", "/articles/car-autoimmune/99999999999999999999",
        "/articles/car-autoimmune/-1",
    ],
)  # fmt: skip
async def test_what_is_not_there_is_said(lone: Site, path: str) -> None:
    await lone.desk.receive(poll_completed(), _event(1))

    await _page(lone, path, 404)


@pytest.mark.parametrize(
    "query",
    ["page=999999", "page=0", "modality=nope", "month=2026-99", "year=x", "since=2026-13-01",
     "q=%00", "q=%F0%9F%98%80", "scope=all&scope=core", "sort=related&sort=newest",
     "modality=" + "x" * 300],
)  # fmt: skip
async def test_any_address_is_answered(site: Site, query: str) -> None:
    await site.desk.receive(poll_completed(), _event(1, "caar-t"))

    await _page(site, f"{TOPIC}?{query}")


async def test_a_topic_that_was_polled_and_found_nothing_has_a_page(lone: Site) -> None:
    await lone.desk.receive(poll_completed())

    assert "No article here answers that" in (await _page(lone, TOPIC)).text_content()


async def test_it_says_until_when_everything_is_here(lone: Site) -> None:
    await lone.desk.receive(poll_completed(healthy=False))

    assert "not everything could be checked" in (await _page(lone, TOPIC)).text_content()


async def test_the_first_page_names_what_was_found_last_and_nothing_that_fell(site: Site) -> None:
    await site.desk.receive(
        poll_completed(), _event(1, title="Stands"),
        _event(2, title="Fell", status=Status.RETRACTED), _event(3, title="Old", backfill=True),
        _event(4, title="Cancer", scope="oncology"),
    )  # fmt: skip

    page = await _page(site, "/")

    (found,) = select(page, "ul.latest-found")
    assert [one.text_content() for one in select(found, "a")] == ["Stands"]


async def test_a_search_can_be_subscribed_to_with_its_filters(lone: Site) -> None:
    await lone.desk.receive(poll_completed(), _event(1, "caar-t"))
    search = await _page(lone, f"{TOPIC}?modality=caar-t&scope=core")
    (link,) = [a for a in select(search, "a") if a.text_content() == "have what is new sent to you"]

    form = await _page(lone, link.get("href"))

    ticked = {
        (one.get("name"), one.get("value"))
        for one in select(form, 'input[type="checkbox"]')
        if one.get("checked") is not None
    }
    assert {("modality", "caar-t"), ("scope", "core")} <= ticked
    assert ("scope", "adjacent") not in ticked
