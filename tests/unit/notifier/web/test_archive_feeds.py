"""Feeds of searches and subscriptions, a digest's own page, and what can be taken along."""

import csv
import io
import re
from datetime import datetime, timedelta
from typing import Any

import jsonschema
import pytest
from lxml import etree, html

from services.notifier import tables
from shared.article import Correction, Status
from shared.database import transaction
from shared.events import ArticleClassified
from tests.builders import NOON, a_classification, a_label, an_article, classified, poll_completed
from tests.unit.notifier.kit import a_subscription
from tests.unit.notifier.web.kit import Site
from tests.unit.notifier.web.selecting import select

TOPIC = "/topics/car-autoimmune"
ATOM = "{http://www.w3.org/2005/Atom}"
URL = {"type": "string", "pattern": "^https?://"}
TEXT = {"type": "string", "minLength": 1}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
JSON_FEED = {
    "type": "object",
    "required": ["version", "title", "items"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": TEXT, "home_page_url": URL, "feed_url": URL, "language": {"const": "en"},
        "authors": {"type": "array", "items": {"required": ["name"], "properties": {"name": TEXT}}},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "content_html"],
                "additionalProperties": False,
                "properties": {
                    "id": TEXT, "url": URL, "external_url": URL, "title": {"type": "string"},
                    "content_html": {"type": "string"}, "date_published": TIME,
                    "date_modified": TIME,
                    "tags": {"type": "array", "uniqueItems": True, "items": TEXT},
                },
            },
        },
    },
}  # fmt: skip
"""From https://www.jsonfeed.org/version/1.1/."""


def _event(
    pmid: int, *labels: str, revision: int = 1, hours: int = 0, **changes: Any
) -> ArticleClassified:
    about = {name: changes.pop(name) for name in ("backfill", "discovered_at") if name in changes}
    named = tuple(a_label(id=one, name=one.upper()) for one in labels)
    event = classified(
        article=an_article(pmid=pmid, title=f"Paper {pmid}", **changes),
        classification=a_classification(labels=named), revision=revision, **about,
    )  # fmt: skip
    return event.model_copy(update={"time": NOON + timedelta(hours=hours)})


RETRACTED = {
    "status": Status.RETRACTED,
    "corrections": (Correction(ref_type="RetractionIn", pmid=99, source="J Ex. 2026"),),
}


async def _atom(site: Site, path: str) -> etree._Element:
    answer = await site.client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = etree.fromstring(answer.content)
    _check_rfc_4287(feed)
    return feed


def _check_rfc_4287(feed: etree._Element) -> None:
    """RFC 4287, section 4.1: what a feed and each entry must have, once each."""
    assert feed.tag == f"{ATOM}feed"
    for owner in (feed, *feed.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            found = owner.findall(f"{ATOM}{name}")
            assert len(found) == 1
            assert found[0].text
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", owner.findtext(f"{ATOM}updated") or ""
        )
        assert re.match(r"(tag|https?|urn):", owner.findtext(f"{ATOM}id") or "")
        alternates = owner.findall(f"{ATOM}link[@rel='alternate']")
        assert len({(one.get("type"), one.get("hreflang")) for one in alternates}) == len(
            alternates
        )
        assert alternates or owner.find(f"{ATOM}content") is not None
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None
    assert feed.find(f"{ATOM}link[@rel='self']") is not None
    ids = [one.findtext(f"{ATOM}id") for one in feed.iter(f"{ATOM}entry")]
    assert len(set(ids)) == len(ids)


async def _json(site: Site, path: str) -> Any:
    answer = await site.client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/feed+json")
    jsonschema.validate(answer.json(), JSON_FEED)
    return answer.json()


def _titles(feed: etree._Element) -> list[str]:
    return [entry.findtext(f"{ATOM}title") or "" for entry in feed.iter(f"{ATOM}entry")]


async def test_a_search_is_a_feed_in_both_forms(site: Site) -> None:
    await site.desk.receive(
        poll_completed(), _event(1, "caar-t"), _event(2, "car-nk"), _event(3, "caar-t")
    )

    atom = await _atom(site, f"{TOPIC}.atom?modality=caar-t")
    feed = await _json(site, f"{TOPIC}.json?modality=caar-t")

    assert _titles(atom) == ["Paper 3", "Paper 1"]
    assert [item["title"] for item in feed["items"]] == ["Paper 3", "Paper 1"]
    assert [item["id"] for item in feed["items"]] == [
        "tag:carillon.example.org,2026:car-autoimmune:3",
        "tag:carillon.example.org,2026:car-autoimmune:1",
    ]
    assert feed["items"][0]["url"] == "https://carillon.example.org/articles/car-autoimmune/3"
    assert (
        feed["feed_url"]
        == "https://carillon.example.org/topics/car-autoimmune.json?modality=caar-t"
    )


async def test_background_and_what_is_retracted_is_no_news_and_a_retraction_is(lone: Site) -> None:
    await lone.desk.receive(
        poll_completed(),
        _event(1, "caar-t"),
        _event(2, "caar-t", backfill=True),
        _event(3, "caar-t"),
    )
    before = await _json(lone, f"{TOPIC}.json")
    await lone.desk.receive(_event(1, "caar-t", revision=2, hours=5, **RETRACTED))

    after = await _json(lone, f"{TOPIC}.json")

    assert [item["title"] for item in before["items"]] == ["Paper 3", "Paper 1"]
    assert [item["title"] for item in after["items"]] == ["Retracted: Paper 1", "Paper 3"]
    told = after["items"][0]
    assert told["id"] == "tag:carillon.example.org,2026:car-autoimmune:1:retracted"
    assert told["date_published"] == "2026-09-07T17:00:00Z"
    assert '<a href="https://pubmed.ncbi.nlm.nih.gov/99/">J Ex. 2026</a>' in told["content_html"]
    assert after["items"][1] == before["items"][0]


async def test_a_retraction_comes_to_who_follows_its_label_and_to_nobody_else(lone: Site) -> None:
    await lone.desk.receive(
        poll_completed(), _event(1, "caar-t"), _event(1, "caar-t", revision=2, hours=5, **RETRACTED)
    )

    assert _titles(await _atom(lone, f"{TOPIC}.atom?modality=caar-t&status=published")) == [
        "Retracted: Paper 1"
    ]
    assert _titles(await _atom(lone, f"{TOPIC}.atom?modality=car-nk")) == []


async def test_who_has_a_feed_is_not_sent_it_again(site: Site) -> None:
    await site.desk.receive(poll_completed(), _event(1, "caar-t"))
    first = await site.client.get(f"{TOPIC}.atom")
    tag, changed = first.headers["etag"], first.headers["last-modified"]

    async def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await site.client.get(f"{TOPIC}.atom", headers=named)).status_code

    assert await status(if_none_match=tag) == 304
    assert await status(if_none_match=f'"other", W/{tag}') == 304
    assert await status(if_none_match="*") == 304
    assert await status(if_none_match='"other"', if_modified_since=changed) == 200
    assert await status(if_modified_since=changed) == 304
    assert await status(if_modified_since="Mon, 07 Sep 1998 00:00:00 GMT") == 200
    assert await status(if_modified_since="yesterday") == 200
    again = await site.client.get(f"{TOPIC}.atom", headers={"If-None-Match": tag})
    assert (again.content, again.headers["etag"]) == (b"", tag)

    await site.desk.receive(_event(2, "caar-t"))
    assert await status(if_none_match=tag) == 200


async def _sent(site: Site, **wish: Any) -> None:
    await site.desk.subscribe(a_subscription(max_items=1, **wish))
    await site.desk.receive(
        _event(1, "caar-t"), _event(2, "car-nk"), _event(3), poll_completed(announced=3),
    )  # fmt: skip
    await site.desk.at(7, 8)


async def _digest_id(site: Site) -> str:
    rows = await site.desk.rows(tables.digests)
    return str(next(row.id for row in rows if row.state == "sent"))


async def test_a_subscription_has_its_own_feed(site: Site) -> None:
    await _sent(site)
    token = site.tokens.sign("feed", "reader")

    atom = await _atom(site, f"/feeds/{token}.atom")
    feed = await _json(site, f"/feeds/{token}.json")

    assert sorted(_titles(atom)) == ["Paper 1", "Paper 2", "Paper 3"]
    assert len(feed["items"]) == 3
    answer = await site.client.get(f"/feeds/{token}.atom")
    assert answer.headers["cache-control"].startswith("private")
    assert "noindex" in answer.headers["x-robots-tag"]


async def test_a_paper_that_fell_after_its_digest_is_marked_in_feed_and_digest(lone: Site) -> None:
    await _sent(lone)
    await lone.desk.receive(_event(1, "caar-t", revision=2, hours=30, **RETRACTED))

    feed = await _json(lone, f"/feeds/{lone.tokens.sign('feed', 'reader')}.json")
    page = await lone.client.get(f"/digests/{lone.tokens.sign('digest', await _digest_id(lone))}")

    (told,) = [item for item in feed["items"] if item["title"] == "Retracted: Paper 1"]
    assert told["date_modified"] == "2026-09-08T18:00:00Z"
    things = select(html.fromstring(page.text), "ul.things > li")
    (fallen,) = [one for one in things if "Paper 1" in one.text_content()]
    assert "Retracted" in fallen.text_content()


@pytest.mark.parametrize("state", [{"active": False}, {"confirmed_at": None}])
async def test_a_feed_ends_with_its_subscription(lone: Site, state: dict[str, Any]) -> None:
    await _sent(lone)
    async with transaction(lone.desk.engine) as connection:
        await connection.execute(tables.subscriptions.update().values(**state))

    token = lone.tokens.sign("feed", "reader")

    assert (await lone.client.get(f"/feeds/{token}.atom")).status_code == 410
    gone = lone.tokens.sign("feed", "nobody")
    assert (await lone.client.get(f"/feeds/{gone}.json")).status_code == 410


async def test_a_digest_page_shows_what_had_no_room_too_and_asks_not_to_be_found(
    site: Site,
) -> None:
    await _sent(site)
    token = site.tokens.sign("digest", await _digest_id(site))

    answer = await site.client.get(f"/digests/{token}")

    assert answer.status_code == 200
    page = html.fromstring(answer.text)
    titles = [one.text_content().strip() for one in select(page, "ul.things h3")]
    assert sorted(titles) == ["Paper 1", "Paper 2", "Paper 3"]
    assert "noindex" in answer.headers["x-robots-tag"]
    feedback = [a.get("href") for a in select(page, "a") if "/feedback/" in (a.get("href") or "")]
    assert sorted(feedback) == [f"/digests/{token}/feedback/{pmid}" for pmid in (1, 2, 3)]


async def test_tokens_open_only_what_they_are_for(lone: Site) -> None:
    await _sent(lone)
    digest_id = await _digest_id(lone)

    async def status(path: str) -> int:
        return (await lone.client.get(path)).status_code

    assert await status(f"/digests/{lone.tokens.sign('feed', digest_id)}") == 404
    assert await status(f"/feeds/{lone.tokens.sign('digest', 'reader')}.atom") == 404
    assert await status(f"/digests/{digest_id}") == 404
    assert await status(f"/digests/{lone.tokens.sign('digest', 'not-there')}") == 410
    assert await status(f"/feeds/{lone.tokens.sign('feed', 'reader')}.html") == 404


async def test_a_search_and_a_digest_can_be_taken_along(site: Site) -> None:
    await _sent(site)
    token = site.tokens.sign("digest", await _digest_id(site))

    search = await site.client.get(f"{TOPIC}.csv?modality=caar-t")
    digest = await site.client.get(f"/digests/{token}.ris")
    article = await site.client.get("/articles/car-autoimmune/2.nbib")

    (row,) = csv.DictReader(io.StringIO(search.content.decode("utf-8-sig"), newline=""))
    assert row["title"] == "Paper 1"
    assert search.headers["content-type"] == "text/csv; charset=utf-8"
    assert search.headers["content-disposition"] == 'attachment; filename="car-autoimmune.csv"'
    assert sorted(re.findall(r"TI  - (.*)\r", digest.text)) == ["Paper 1", "Paper 2", "Paper 3"]
    assert digest.headers["content-disposition"] == 'attachment; filename="digest-2026-09-08.ris"'
    assert "PMID- 2\n" in article.text
    for path in (f"{TOPIC}.exe", "/articles/car-autoimmune/2.exe", "/topics/nothing.ris",
                 "/articles/car-autoimmune/7.ris"):  # fmt: skip
        assert (await site.client.get(path)).status_code == 404


async def test_an_export_of_many_is_whole_and_in_order(lone: Site) -> None:
    await lone.desk.receive(poll_completed(), *(_event(n) for n in range(1, 451)))

    lines = (await lone.client.get(f"{TOPIC}.jsonl")).text.splitlines()

    assert [int(re.findall(r'"pmid":(\d+)', line)[0]) for line in lines] == list(range(450, 0, -1))


async def test_times_of_a_feed_are_those_of_its_entries(lone: Site) -> None:
    await lone.desk.receive(poll_completed())
    empty = await _atom(lone, f"{TOPIC}.atom")

    assert datetime.fromisoformat(empty.findtext(f"{ATOM}updated") or "").year == 1970
