"""The HTTP API: the same rules and limits as the pages, and no answer that is a fault of ours."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.notifier import tables
from services.notifier.recipient import recipient
from tests.unit.notifier.kit import START, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.web.kit import Site, token_in

WISH = {"topic": "car-autoimmune", "address": "reader@example.org", "hour": 8,
        "filters": {"modality": ["caar-t"], "words": ["lupus"]}}  # fmt: skip


def bearer(site: Site, who: str = "reader@example.org") -> dict[str, str]:
    until = site.desk.clock() + timedelta(hours=1)
    token = site.tokens.sign("manage", recipient("email", who), until)
    return {"Authorization": f"Bearer {token}"}


async def ask(site: Site, **changes: Any) -> httpx.Response:
    return await site.client.post("/api/subscriptions", json={**WISH, **changes})


async def test_what_there_is_can_be_read_by_anybody(site: Site) -> None:
    await site.open()
    (topic,) = (await site.client.get("/api/topics")).json()
    assert (topic["id"], topic["is_complete"]) == ("car-autoimmune", True)
    coverage = (await site.client.get("/api/topics/car-autoimmune/coverage")).json()
    assert coverage["relations"][0].keys() >= {"relation", "counted", "held", "state"}
    assert (await site.client.get("/api/health")).json()["topics"] == 1
    assert (await site.client.get("/api/topics/other/coverage")).status_code == 404


async def test_a_subscription_is_asked_for_and_confirmed_by_mail(site: Site) -> None:
    await site.open()
    answer = await ask(site)
    assert answer.status_code == 202
    (row,) = await site.desk.rows(tables.subscriptions)
    assert row.confirmed_at is None
    await site.post("/confirm", token=token_in(await site.link()))
    (one,) = (await site.client.get("/api/me/subscriptions", headers=bearer(site))).json()
    assert (one["state"], one["choices"]["hour"]) == ("On", 8)
    assert one["choices"]["filters"]["words"] == ["lupus"]
    assert (await ask(site)).json() == answer.json()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"topic": "other"}, "topic"),
        ({"address": "no address"}, "address"),
        ({"hour": 24}, "body.hour"),
        ({"filters": {"modality": ["x"]}}, "body.filters.modality.0"),
        ({"filters": {"words": ["\ud800x"]}}, "body.filters.words.0"),
        ({"channel": "slack", "address": "https://example.org/x"}, "owner"),
        ({"channel": "slack", "address": "https://x.org/x", "owner": "a@b.org"}, "address"),
        ({"channel": "webhook", "address": "https://127.0.0.1/", "owner": "a@b.org"}, "address"),
        ({"channel": "webhook", "address": "https://x.org/", "owner": "a"}, "owner"),
        ({"channel": "capture"}, "body.channel"),
        ({"owner": "a@b.org"}, "owner"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"unknown": 1}, "body.unknown"),
    ],
)
async def test_what_is_wrong_is_said_by_field(
    lone: Site, changes: dict[str, Any], field: str
) -> None:
    await lone.open()
    body = json.dumps({**WISH, **changes})
    headers = {"Content-Type": "application/json"}
    answer = await lone.client.post("/api/subscriptions", content=body, headers=headers)
    assert answer.status_code == 422
    assert field in [one["field"] for one in answer.json()["errors"]]
    assert not await lone.desk.rows(tables.subscriptions)


async def test_one_s_own_is_changed_paused_resumed_left_and_deleted(site: Site) -> None:
    await site.desk.subscribe(a_subscription())
    base, mine = "/api/me/subscriptions/reader", bearer(site)

    async def call(method: str, path: str, **more: Any) -> Any:
        answer = await site.client.request(method, path, headers=mine, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    changed = await call("PUT", base, json={"cadence": "monthly", "day": 31})
    assert changed["choices"]["day"] == 31
    paused = await call("POST", f"{base}/pause", json={"until": "2026-10-01T00:00:00+02:00"})
    assert paused["paused_until"] == "2026-09-30T22:00:00Z"
    assert (await call("POST", f"{base}/resume"))["state"] == "On"
    assert (await call("POST", f"{base}/leave"))["active"] is False
    assert (await call("POST", f"{base}/leave"))["active"] is False
    assert (await call("GET", "/api/me/data"))["subscriptions"][0]["id"] == "reader"
    assert await call("DELETE", "/api/me/data") == {"subscriptions": 1}
    assert await site.desk.rows(tables.subscriptions) == []


async def test_choices_are_tried_out(lone: Site) -> None:
    await lone.desk.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    lone.desk.clock.advance(days=2)
    wanted = {"topic": "car-autoimmune", "cadence": "daily"}
    shown = (await lone.client.post("/api/preview", json=wanted)).json()
    assert shown["total"] == 1
    assert [1] in [issue["pmids"] for issue in shown["issues"]]
    wrong = await lone.client.post("/api/preview", json={**wanted, "time_zone": "x"})
    assert wrong.json()["errors"][0]["field"] == "time_zone"


async def test_nobody_reaches_what_is_not_theirs(lone: Site) -> None:
    await lone.desk.subscribe(a_subscription(), a_subscription(id="other"))
    mine = bearer(lone)
    for method, path in (("GET", ""), ("PUT", ""), ("POST", "/leave"), ("POST", "/resume")):
        url = f"/api/me/subscriptions/other{path}"
        answer = await lone.client.request(method, url, headers=mine, json={})
        assert answer.status_code == 404
    rows = {row.id: row for row in await lone.desk.rows(tables.subscriptions)}
    assert rows["other"].active


async def test_without_a_good_token_nothing_is_told(lone: Site) -> None:
    await lone.desk.subscribe(a_subscription())
    good = bearer(lone)["Authorization"]
    wrong = lone.tokens.sign("leave", "reader")
    for given in ("", "Bearer x", f"Bearer {wrong}", good[:-1], good.replace("Bearer", "Basic")):
        headers = {"Authorization": given} if given else {}
        answer = await lone.client.get("/api/me/subscriptions", headers=headers)
        assert answer.status_code == 401
    lone.desk.clock.advance(hours=1, seconds=1)
    late = await lone.client.get("/api/me/subscriptions", headers={"Authorization": good})
    assert late.status_code == 401


@pytest.mark.parametrize(
    "until", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-09-06T00:00:00Z"]
)
async def test_a_pause_ends_in_a_time_that_there_is(lone: Site, until: str) -> None:
    await lone.desk.subscribe(a_subscription())
    answer = await lone.client.post(
        "/api/me/subscriptions/reader/pause", json={"until": until}, headers=bearer(lone)
    )
    assert answer.status_code == 422


async def test_the_limits_of_the_pages_hold_here_too(lone: Site) -> None:
    await lone.open()
    assert [(await ask(lone, hour=n)).status_code for n in range(4)] == [202, 202, 202, 429]
    answers = [
        await lone.client.post("/api/links", json={"email": "x@example.org"}) for _ in range(4)
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]


@pytest.mark.parametrize("body", [b"[" * 50_000, b"{", b"\xff", b"null", b'"\\ud800"', b"1e999"])
async def test_any_bytes_for_json_are_answered(lone: Site, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await lone.client.post("/api/subscriptions", content=body, headers=headers)
    assert answer.status_code in {400, 422}
