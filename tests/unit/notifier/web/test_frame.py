"""The frame of the pages: headers, whose forms are taken, sizes, and what is said of faults."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, Form, Response
from starlette.datastructures import Headers

from services.notifier.tokens import BadToken, Expired
from services.notifier.web import app, security
from services.notifier.web.faults import Refused, too_many
from services.notifier.web.house import House
from services.notifier.web.pages import STATIC, page
from shared.database import make_engine
from shared.errors import Permanent, Retryable
from tests.contrast import contrast
from tests.unit.notifier.kit import START, Desk, a_poll_event, an_article_event
from tests.unit.notifier.web.kit import Site, a_site

FAULTS: dict[str, Exception] = {
    "bug": RuntimeError("the password is hunter2"),
    "away": Retryable("database: it is locked"),
    "expired": Expired("expired"),
    "forged": BadToken("forged"),
    "permanent": Permanent("cannot hold it"),
    "often": Refused(too_many(61)),
}


class Part:
    """Pages that fail in every way."""

    def router(self, house: House) -> APIRouter:
        routes = APIRouter()

        @routes.get("/fails/{kind}")
        @routes.get("/api/fails/{kind}")
        async def fails(kind: str) -> Response:
            raise FAULTS[kind]

        @routes.post("/takes")
        async def takes(text: str = Form(...)) -> Response:
            return Response(text)

        return routes


@pytest.fixture
async def failing(one: Desk, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(app, "PARTS", (*app.PARTS, Part()))
    site = a_site(one)
    async with site.client:
        yield site


@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/carillon.css", "/api/openapi.json"])
async def test_every_answer_carries_the_security_headers(lone: Site, path: str) -> None:
    answer = await lone.client.get(path)
    assert {name: answer.headers[name] for name in security.HEADERS} == security.HEADERS
    assert answer.headers["Strict-Transport-Security"] == security.HSTS
    assert "set-cookie" not in answer.headers


async def test_without_https_no_browser_is_told_to_insist_on_it(one: Desk) -> None:
    async with a_site(one, "http://localhost:8000").client as client:
        assert "strict-transport-security" not in (await client.get("/")).headers


async def test_what_was_asked_for_with_a_token_is_kept_by_no_cache(lone: Site) -> None:
    answer = await lone.client.get("/static/carillon.css?token=x")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("bug", 500, "Something broke here"),
        ("away", 503, "Nothing is lost"),
        ("expired", 410, "This link has expired"),
        ("forged", 404, "This link is not complete"),
        ("permanent", 422, "could not be read"),
        ("often", 429, "Please come back in 2 minutes"),
    ],
)
async def test_a_fault_is_said_as_a_page_and_to_programs_as_a_problem(
    failing: Site, kind: str, status: int, words: str
) -> None:
    answer = await failing.client.get(f"/fails/{kind}")
    assert answer.status_code == status
    assert words in answer.text
    problem = await failing.client.get(f"/api/fails/{kind}")
    assert problem.status_code == problem.json()["status"] == status
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert "hunter2" not in answer.text + problem.text


async def test_who_asked_too_often_or_while_we_were_away_is_told_when_to_return(
    failing: Site,
) -> None:
    assert (await failing.client.get("/fails/often")).headers["Retry-After"] == "61"
    assert (await failing.client.get("/fails/away")).headers["Retry-After"] == "30"


async def test_a_bug_is_logged_with_its_place_and_without_its_words(failing: Site) -> None:
    with structlog.testing.capture_logs() as logs:
        await failing.client.get("/fails/bug?token=secret-token")
    assert [entry["event"] for entry in logs] == ["page_broke"]
    assert logs[0]["route"] == "/fails/{kind}"
    assert not re.search("hunter2|secret-token", str(logs))


async def test_a_page_asked_for_in_the_wrong_way_says_so(lone: Site) -> None:
    answer = await lone.client.post("/")
    assert answer.status_code == 405
    assert "Please open it by its link" in answer.text


async def test_head_is_answered_like_get_without_a_body(lone: Site) -> None:
    answer = await lone.client.head("/")
    assert answer.status_code == 200
    assert not answer.content


@pytest.mark.parametrize(
    ("headers", "is_own"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://carillon.example.org"}, False),
        ({"Origin": "https://carillon.example.org"}, True),
        ({"Origin": "http://127.0.0.1:8000", "Host": "127.0.0.1:8000"}, True),
        ({"Origin": "https://elsewhere.example.net"}, False),
        ({"Origin": "https://["}, False),
        ({"Origin": "null"}, True),
    ],
)
def test_whose_form_it_is(headers: dict[str, str], is_own: bool) -> None:
    assert security.is_own(Headers(headers), "https://carillon.example.org") is is_own


async def test_a_form_of_another_site_is_refused(failing: Site) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = await failing.client.post("/takes", data={"text": "x"}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert (await failing.client.post("/takes", data={"text": "x"})).text == "x"


def _in_pieces(size: int) -> Iterator[bytes]:
    yield b"text="
    for _ in range(size):
        yield b"x" * 1024


async def test_a_body_that_is_too_large_is_refused_also_when_it_does_not_say_so(
    failing: Site,
) -> None:
    async def chunked() -> AsyncIterator[bytes]:
        for piece in _in_pieces(100):
            yield piece

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    told = await failing.client.post("/takes", content=b"".join(_in_pieces(100)), headers=form)
    untold = await failing.client.post("/takes", content=chunked(), headers=form)
    assert [told.status_code, untold.status_code] == [413, 413]


async def test_a_database_that_is_away_is_said_and_no_error_of_ours(lone: Site) -> None:
    gone = replace(lone.house, engine=make_engine("sqlite+aiosqlite:////nowhere/at/all.db"))
    transport = httpx.ASGITransport(app.make_web(gone))
    async with httpx.AsyncClient(transport=transport, base_url="https://x.example.org") as client:
        answer = await client.get("/")
    assert answer.status_code == 503
    assert "Nothing is lost" in answer.text


async def test_the_first_page_names_the_topics_and_how_fresh_they_are(site: Site) -> None:
    assert "No topic has been checked yet" in (await site.client.get("/")).text
    await site.desk.receive(
        an_article_event(1, START), an_article_event(2, START), a_poll_event(START, announced=2)
    )
    text = (await site.client.get("/")).text
    assert "2 articles on record, 2 of them new in the last 30 days" in text
    assert "Last checked 7 September 2026, 00:00 UTC" in text
    assert 'href="/topics/car-autoimmune"' in text


async def test_pages_below_a_path_link_below_it(one: Desk) -> None:
    site = a_site(one, "https://example.org/carillon")
    shown = bytes(page(site.house, "home.html.j2", {"topics": []}).body)
    assert b'href="/carillon/subscribe"' in shown
    await site.client.aclose()


def _variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


PAIRS = [
    ("ink", "page"), ("ink", "card"), ("muted", "page"), ("muted", "card"), ("link", "card"),
    ("link", "page"), ("title", "card"), ("mark-ink", "mark"), ("accent-ink", "accent"),
    ("accent-ink", "accent-deep"), ("soft-ink", "soft"), ("violet-ink", "violet"),
    ("grey-ink", "grey"), ("alert-ink", "alert"), ("alert-ink", "card"),
    ("warning-ink", "warning"), ("good-ink", "good"),
]  # fmt: skip


@pytest.mark.parametrize("is_dark", [False, True])
def test_the_colours_of_the_style_sheet_meet_wcag_aa(is_dark: bool) -> None:
    css = (STATIC / "carillon.css").read_text(encoding="utf-8")
    light, dark = css.split("@media (prefers-color-scheme: dark)", 1)
    paint: dict[str, Any] = _variables(light) | (_variables(dark) if is_dark else {})
    assert {pair: contrast(paint[pair[0]], paint[pair[1]]) for pair in PAIRS
            if contrast(paint[pair[0]], paint[pair[1]]) < 4.5} == {}  # fmt: skip
    edges = [("field", "card"), ("accent", "card"), ("accent", "page"), ("alert-edge", "card")]
    assert [edge for edge in edges if contrast(paint[edge[0]], paint[edge[1]]) < 3] == []


async def test_a_length_that_no_number_can_hold_is_too_large(lone: Site) -> None:
    headers = {"Content-Length": "9" * 5000}
    answer = await lone.client.post("/subscribe", content=b"x", headers=headers)
    assert answer.status_code == 413
