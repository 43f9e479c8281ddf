"""The archive for programs."""

import pytest

from shared.article import Status
from tests.builders import a_classification, a_label, an_article, classified, poll_completed
from tests.unit.notifier.web.kit import Site

ARTICLES = "/api/topics/car-autoimmune/articles"


async def _filled(site: Site, articles: int = 3) -> None:
    await site.desk.receive(poll_completed(), *(
        classified(
            article=an_article(pmid=n, title=f"Paper {n}"),
            classification=a_classification(labels=(a_label(id="caar-t" if n % 2 else "car-nk"),)),
        )
        for n in range(1, articles + 1)
    ))  # fmt: skip


async def test_a_search_has_articles_counts_and_pages(site: Site) -> None:
    await _filled(site, 60)

    first = (await site.client.get(f"{ARTICLES}?modality=caar-t")).json()
    second = (await site.client.get(first["next"])).json()

    assert (first["total"], first["page"], first["pages"]) == (30, 1, 2)
    assert first["counts"]["modality"] == {"caar-t": 30, "car-nk": 30}
    assert len(first["articles"]) == 25
    assert [one["pmid"] for one in second["articles"]] == [9, 7, 5, 3, 1]
    assert second["next"] is None
    one = first["articles"][0]
    assert one["url"] == "https://carillon.example.org/articles/car-autoimmune/59"
    assert one["labels"] == [
        {"facet": "modality", "id": "caar-t", "name": "CD19 CAR-T", "confidence": 0.9}
    ]


async def test_an_article_has_its_evidence_and_history(site: Site) -> None:
    await _filled(site)
    await site.desk.receive(
        classified(
            article=an_article(pmid=1, status=Status.RETRACTED), revision=2, changed=("status",)
        )
    )

    found = (await site.client.get("/api/articles/car-autoimmune/1")).json()

    assert (found["status"], found["is_gone"]) == ("retracted", True)
    assert found["evidence"][0]["evidence"][0]["matched"] == "CD19 CAR-T cells"[:14]
    assert [(step["revision"], step["status"]) for step in found["history"]] == [
        (1, "published"), (2, "retracted"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/topics/nothing/articles", 404), ("/api/articles/car-autoimmune/77", 404),
        ("/api/articles/car-autoimmune/x", 404), (f"{ARTICLES}?page=0", 422),
        (f"{ARTICLES}?since=yesterday", 422), (f"{ARTICLES}?sort=best", 422),
        (f"{ARTICLES}?page=99999", 200), (f"{ARTICLES}?modality=%00&q=%00", 200),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_as_json(lone: Site, path: str, status: int) -> None:
    await _filled(lone)

    answer = await lone.client.get(path)

    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_filters_are_in_the_documentation(lone: Site) -> None:
    document = (await lone.client.get("/api/openapi.json")).json()

    named = {
        one["name"]
        for one in document["paths"]["/api/topics/{topic}/articles"]["get"]["parameters"]
    }

    assert {"topic", "q", "modality", "disease", "status", "relation", "since", "page"} <= named
