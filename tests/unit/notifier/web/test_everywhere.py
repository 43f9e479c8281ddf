"""What holds for every route, those of others included: found from the application itself."""

import json
import logging
import re
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr

from services.notifier import tables
from services.notifier.recipient import recipient
from services.notifier.tokens import Purpose
from services.notifier.web import security
from services.notifier.web.app import make_web
from services.notifier.web.house import House
from shared.database import transaction
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.web.kit import BROWSER, FORM, Site, a_site, token_in

READER = recipient("email", "reader@example.org")
UNTOLD = {"attempts"}
"""Who asked how often may be counted by looking; nothing else may change."""


def routes(house: House) -> list[tuple[str, set[str]]]:
    """Every path of the application with its methods."""
    found: list[tuple[str, set[str]]] = []
    for route in make_web(house).routes:
        each = getattr(route, "effective_route_contexts", lambda: ())
        found += [(one.path, set(one.methods)) for one in each()]
    assert {"/leave", "/api/me/data", "/topics/{topic}"} <= {path for path, _ in found}
    return sorted(found)


@pytest.fixture
async def lived(one: Desk) -> AsyncIterator[Site]:
    """Pages with an article, a digest, a subscription and a letter behind them."""
    site = a_site(one, admin_password=SecretStr("a password"), hook_token=SecretStr("a secret"))
    async with site.client:
        await one.subscribe(a_subscription())
        await one.receive(an_article_event(1, START), a_poll_event(START, announced=1))
        assert await one.at(7) == 1
        await site.subscribe(email="new@example.org")
        yield site


async def tokens(site: Site) -> list[str]:
    """A good token for each purpose."""
    (digest,) = await site.desk.rows(tables.digests)
    about: tuple[tuple[Purpose, str], ...] = (
        ("manage", READER), ("confirm", f"reader {READER}"), ("leave", "reader"),
        ("ask", "reader"), ("digest", digest.id), ("feed", "reader"), ("form", "admin"),
    )  # fmt: skip
    return [site.tokens.sign(purpose, subject) for purpose, subject in about]


async def database(site: Site) -> dict[str, list[str]]:
    async with transaction(site.desk.engine) as connection:
        return {
            table.name: sorted(map(str, (await connection.execute(sa.select(table))).all()))
            for table in tables.metadata.sorted_tables
            if table.name not in UNTOLD
        }


def filled_in(path: str, token: str) -> str:
    named = {"topic": "car-autoimmune", "pmid": "1", "name": "reader", "form": "ris"}
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: named.get(found[1], token), path)


async def test_looking_never_changes_anything(lived: Site) -> None:
    """Link scanners open every link of a mail: GET and HEAD of all routes, with all tokens."""
    before = await database(lived)
    asked = 0
    for path, methods in routes(lived.house):
        if "GET" not in methods:
            continue
        for token in await tokens(lived):
            url = filled_in(path, token)
            headers = {"Authorization": f"Bearer {token}"}
            query = {"token": token, "s": token}
            answer = await lived.client.get(url, params=query, headers=headers)
            assert answer.status_code < 500, path
            asked += answer.status_code == 200
        await lived.client.head(url, params=query, headers=headers)
    assert asked > 40
    assert await database(lived) == before


async def test_every_route_answers_with_the_headers_and_without_a_cookie(lived: Site) -> None:
    (token, *_) = await tokens(lived)
    for path, methods in routes(lived.house):
        for method in sorted(methods):
            answer = await lived.client.request(method, filled_in(path, token))
            assert answer.status_code < 500, (method, path)
            told = {name: answer.headers.get(name) for name in security.HEADERS}
            assert told == dict(security.HEADERS), (method, path)
            assert "set-cookie" not in answer.headers, (method, path)


async def test_no_page_runs_a_script_or_has_a_style_of_its_own(lived: Site) -> None:
    for path, methods in routes(lived.house):
        if "GET" not in methods:
            continue
        for token in await tokens(lived):
            query = {"token": token, "s": token}
            answer = await lived.client.get(filled_in(path, token), params=query)
            if answer.headers.get("content-type", "").startswith("text/html"):
                assert not re.search(r"<script|<style|\sstyle=|\son\w+=", answer.text), path


async def test_no_token_and_no_address_is_ever_logged(
    lived: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """A whole walk through all pages, with everything that is logged looked through."""
    caplog.set_level(logging.INFO)
    told = await tokens(lived)
    with structlog.testing.capture_logs() as logs:
        link = await lived.link()
        told.append(token_in(link))
        await lived.post("/confirm", token=told[-1])
        await lived.client.post("/subscribe", data={**FORM, "hour": "99"})
        await lived.post("/link", email="reader@example.org")
        told.append(token_in(await lived.link()))
        for action in ("pause", "resume", "change", "export", "leave", "return", "forget-now"):
            await lived.post("/manage", token=told[-1], id="reader", action=action)
        for path, methods in routes(lived.house):
            for token in told:
                headers = {"Authorization": f"Bearer {token}", **BROWSER}
                for method in sorted(methods):
                    url = filled_in(path, token)
                    await lived.client.request(
                        method, url, params={"token": token, "s": token}, headers=headers
                    )
    said = json.dumps(logs, default=str) + caplog.text.replace("httpx", "")
    said = "\n".join(line for line in said.splitlines() if "HTTP Request:" not in line)
    assert logs
    for secret in (*told, "reader@example.org", "new@example.org"):
        assert secret not in said
