"""Slack and webhook endpoints that fail in each way: nothing is lost, and nothing comes twice.

After each run the endpoint's own log is compared with the ledger.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from services.notifier import subscribers, tables
from services.notifier.office import BACK_OFF
from services.notifier.packing import Means
from services.notifier.senders.outgoing import Outgoing
from services.notifier.senders.pace import Buckets, Pace
from services.notifier.senders.slack import SlackSender
from services.notifier.senders.targets import Admission
from services.notifier.senders.webhook import WebhookSender
from services.notifier.tokens import Tokens
from services.notifier.vault import Vault, webhook_key
from shared.article import Status
from shared.database import transaction
from tests.unit.notifier.hookserver import (
    CUT_ANSWER,
    CUT_EARLY,
    CUT_STATUS,
    GARBAGE,
    HANG,
    Answer,
    HookServer,
)
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.test_run import next_poll, retract

SECRET = webhook_key().get_secret_value()
VAULT = Vault([SecretStr("the key of this house, long enough")])
TOKENS = Tokens([SecretStr("the key of this house, long enough")])
GATE = Admission(frozenset({"127.0.0.1"}))

Fault = Answer | str

CLEAR: list[Fault] = [
    Answer(500, "oops"),
    Answer(503),
    Answer(429, "rate_limited", (("Retry-After", "30"),)),
    Answer(408),
    Answer(302, "", (("Location", "http://127.0.0.1:1/private"),)),
    Answer(301, "", (("Location", "https://example.org/"),)),
    Answer(500, "x" * 200_000),
]
"""Answers that say: not taken, and not for ever."""

UNHEARD: list[Fault] = [
    HANG,
    CUT_EARLY,
    CUT_ANSWER,
    CUT_STATUS,
    GARBAGE,
    Answer(502, "bad gateway"),
    Answer(504),
]
"""No answer of the endpoint itself: it may have the message."""

TAKEN: list[Fault] = [
    Answer(204),
    Answer(200, "o", promised=500),
    Answer(200, "x" * 200_000),
]
"""2xx, whatever becomes of the rest of the answer."""


async def no_sleep(_seconds: float) -> None:
    """The pace is another test's subject."""


def senders_for(desk: Desk) -> None:
    outgoing = Outgoing(GATE, seconds=4)  # a busy machine must have heard what hangs
    quick = Pace(Buckets(1000.0), lambda: desk.timer().timestamp(), no_sleep)
    desk.senders = {"slack": SlackSender(outgoing, quick), "webhook": WebhookSender(outgoing)}
    desk.means = Means(TOKENS, "https://carillon.example.org", VAULT)


async def subscribed(desk: Desk, channel: str, server: HookServer, *names: str) -> None:
    senders_for(desk)
    for name in names:
        one = a_subscription(
            id=name,
            channel=channel,
            address=SecretStr(f"{server.url}/{name}"),
            owner=SecretStr(f"{name}@example.org"),
            max_items=500,
            secret=SecretStr(SECRET) if channel == "webhook" else None,
        )
        async with transaction(desk.engine) as connection:
            await subscribers.save(connection, one, "console", desk.clock(), VAULT)
    events = [an_article_event(pmid, START) for pmid in (1, 2)]
    await desk.receive(*events, a_poll_event(START, announced=2))


async def exhaust(desk: Desk) -> None:
    await desk.at(8)
    for wait in BACK_OFF:
        desk.timer.advance(seconds=wait.total_seconds())
        await desk.deliver()


async def agree(desk: Desk, server: HookServer, channel: str) -> None:
    """Ledger and endpoint say the same: each digest whole, each part once."""
    for row in await desk.rows(tables.digests):
        calls = [call for call in server.taken if call.path == f"/{row.subscription_id}"]
        assert row.state == "sent"
        assert len(calls) == row.parts_sent == 1
        if channel == "webhook":
            assert calls[0].headers["webhook-id"] == row.id == row.message_id
    told = await desk.rows(tables.ledger)
    assert {row.subscription_id for row in told} == {"a", "b"}
    assert all(row.delivered_at is not None for row in told)
    assert all(row.active for row in await desk.rows(tables.subscriptions))
    assert len(await desk.rows(tables.outbox)) == 2


@pytest.mark.parametrize("channel", ["slack", "webhook"])
@pytest.mark.parametrize("fault", [*CLEAR, *UNHEARD, *TAKEN], ids=lambda one: str(one)[:40])
async def test_a_fault_that_passes_loses_nothing_and_repeats_nothing(
    one: Desk, channel: str, fault: Fault
) -> None:
    async with HookServer([fault] * 2).running() as server:
        await subscribed(one, channel, server, "a", "b")
        await exhaust(one)
    assert server.faults == []
    await agree(one, server, channel)
    rows = await one.rows(tables.digests)
    assert sum(row.maybe_sent for row in rows) == (2 if fault in UNHEARD else 0)
    assert all(call.headers["host"] == f"127.0.0.1:{server.port}" for call in server.calls)


async def test_an_endpoint_that_is_away_is_certainly_not_reached(one: Desk) -> None:
    async with HookServer().running() as server:
        await subscribed(one, "webhook", server, "a")
    await one.at(8)
    (row,) = await one.rows(tables.digests)
    assert (row.state, row.maybe_sent) == ("intent", False)
    assert "cannot be reached" in row.error


@pytest.mark.parametrize(
    ("channel", "fault"),
    [
        ("slack", Answer(403, "action_prohibited")),
        ("slack", Answer(404, "channel_not_found")),
        ("slack", Answer(404, "no_service")),
        ("slack", Answer(410, "channel_is_archived")),
        ("slack", Answer(400, "invalid_token")),
        ("webhook", Answer(410, "gone")),
    ],
)
async def test_a_dead_target_is_switched_off_and_its_owner_told(
    desk: Desk, channel: str, fault: Fault
) -> None:
    async with HookServer([fault]).running() as server:
        await subscribed(desk, channel, server, "a", "b")
        await desk.at(8)
        await next_poll(desk, 8, 3)
        await desk.at(8, day=8)
    rows = {row.id: row for row in await desk.rows(tables.subscriptions)}
    (off,) = [row for row in rows.values() if not row.active]
    told = {row.pmid for row in await desk.rows(tables.ledger) if row.subscription_id != off.id}
    assert (told, await desk.told(off.id)) == ({1, 2, 3}, set())
    assert server.url not in off.inactive_reason
    (letter,) = await desk.rows(tables.letters)
    assert (letter.kind, letter.state, letter.address) == (
        "dead-target", "waiting", f"{off.id}@example.org",
    )  # fmt: skip
    assert letter.told == {
        "topic": "car-autoimmune", "channel": channel, "reason": off.inactive_reason,
    }  # fmt: skip
    assert await desk.rows(tables.suppressions) == []


@pytest.mark.parametrize(
    ("channel", "fault"),
    [("slack", Answer(400, "invalid_payload")), ("slack", Answer(413, "too_large"))],
)
async def test_a_message_that_slack_cannot_read_ends_the_digest_only(
    one: Desk, channel: str, fault: Fault
) -> None:
    async with HookServer([fault]).running() as server:
        await subscribed(one, channel, server, "a")
        await one.at(8)
        assert await one.digests() == [("failed", 1)]
        assert await one.told("a") == set()
        await next_poll(one, 8, 3)
        assert await one.at(8, day=8) == 1
    assert {pmid for pmid, _ in await one.told("a")} == {1, 2, 3}


async def test_a_webhook_that_only_ever_fails_keeps_its_papers_for_the_next_digest(
    one: Desk,
) -> None:
    async with HookServer([Answer(404)] * (len(BACK_OFF) + 1)).running() as server:
        await subscribed(one, "webhook", server, "a")
        await exhaust(one)
        assert await one.digests() == [("failed", len(BACK_OFF) + 1)]
        assert await one.told("a") == set()
        assert (await one.rows(tables.subscriptions))[0].active


async def test_slack_says_how_long_to_wait(one: Desk) -> None:
    fault = Answer(429, "rate_limited", (("Retry-After", "7200"),))
    async with HookServer([fault]).running() as server:
        await subscribed(one, "slack", server, "a")
        await one.at(8)
    (row,) = await one.rows(tables.digests)
    assert row.next_try_at == one.timer() + timedelta(hours=2)


async def test_a_webhooks_message_is_signed_and_says_what_a_mail_says(one: Desk) -> None:
    async with HookServer().running() as server:
        await subscribed(one, "webhook", server, "a")
        await one.at(8)
    (call,) = server.calls
    told: dict[str, Any] = Webhook(SECRET).verify(call.body, call.headers)
    assert told["type"] == "carillon.digest.v1"
    assert [item["pmid"] for item in told["data"]["articles"]] == [2, 1]
    assert told["data"]["new"] == 2
    at = datetime.fromtimestamp(int(call.headers["webhook-timestamp"]), UTC)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)


async def test_a_message_that_is_repeated_carries_the_same_id_and_body(one: Desk) -> None:
    async with HookServer([CUT_ANSWER, HANG]).running() as server:
        await subscribed(one, "webhook", server, "a")
        await exhaust(one)
    assert len(server.calls) == 3
    assert len({call.body for call in server.calls}) == 1
    assert len({call.headers["webhook-id"] for call in server.calls}) == 1


async def test_a_webhook_without_a_secret_waits_and_says_why(one: Desk) -> None:
    async with HookServer().running() as server:
        await subscribed(one, "slack", server)
        hook = a_subscription(
            id="a", channel="webhook", address=SecretStr(f"{server.url}/a"), secret=None
        )
        async with transaction(one.engine) as connection:
            await subscribers.save(connection, hook, "console", one.clock(), VAULT)
        await one.at(8)
    (row,) = await one.rows(tables.digests)
    assert (row.state, server.calls) == ("intent", [])
    assert "no secret to sign with" in row.error


async def test_a_target_that_the_guard_refuses_is_never_called(one: Desk) -> None:
    async with HookServer().running() as server:
        await subscribed(one, "slack", server, "a")
        closed = Outgoing(Admission(), seconds=0.5)
        one.senders = {"slack": SlackSender(closed)}
        await one.at(8)
    (row,) = await one.rows(tables.digests)
    assert (row.state, server.connections) == ("failed", 0)
    assert (await one.rows(tables.subscriptions))[0].active
    assert await one.told("a") == set()


async def a_long_digest(desk: Desk, server: HookServer, articles: int = 120) -> None:
    await subscribed(desk, "slack", server, "a")
    events = [an_article_event(pmid, START) for pmid in range(101, 101 + articles)]
    await desk.receive(*events)


def pmids_of(call_body: bytes) -> set[int]:
    text = call_body.decode()
    return {pmid for pmid in range(1, 400) if f"pubmed.ncbi.nlm.nih.gov/{pmid}/" in text}


@pytest.mark.parametrize("fault", [Answer(429, "rate_limited"), Answer(500), CUT_EARLY])
async def test_a_long_digest_goes_on_after_the_parts_that_slack_has(
    desk: Desk, fault: Fault
) -> None:
    async with HookServer().running() as server:
        await a_long_digest(desk, server)
        server.faults = [Answer(200, "ok"), Answer(200, "ok"), fault]
        assert await desk.at(8) == 0
        (row,) = await desk.rows(tables.digests)
        assert (row.state, row.parts_sent) == ("intent", 2)
        desk.timer.advance(minutes=1)
        assert await desk.deliver() == 1
    (row,) = await desk.rows(tables.digests)
    bodies = [call.body for call in server.taken]
    assert row.parts_sent == len(bodies) == len(set(bodies)) > 3
    seen = [pmid for body in bodies for pmid in pmids_of(body)]
    assert sorted(seen) == sorted(set(seen)) == [1, 2, *range(101, 221)]
    texts = [json.loads(body)["text"] for body in bodies]
    assert [text.rpartition("(")[2] for text in texts] == [
        f"{number} of {len(texts)})" for number in range(1, len(texts) + 1)
    ]


async def test_what_was_retracted_after_the_first_part_is_not_in_those_that_follow(
    desk: Desk,
) -> None:
    async with HookServer().running() as server:
        await a_long_digest(desk, server)
        server.faults = [Answer(200, "ok"), Answer(500)]
        await desk.at(8)
        first = pmids_of(server.taken[0].body)
        early, late = min(first), min(set(range(101, 221)) - first)
        await retract(desk, early, day=8)
        await desk.receive(an_article_event(late, START, revision=9, status=Status.RETRACTED))
        desk.timer.advance(minutes=1)
        assert await desk.deliver() == 1
    rest = [pmid for call in server.taken[1:] for pmid in pmids_of(call.body)]
    assert late not in rest
    assert sorted([*first, *rest]) == sorted({1, 2, *range(101, 221)} - {late})
    told = {pmid for pmid, _ in await desk.told("a")}
    assert (early in told, late in told) == (True, False)


async def test_a_long_digest_that_is_given_up_half_way_frees_what_was_not_sent(desk: Desk) -> None:
    async with HookServer().running() as server:
        await a_long_digest(desk, server)
        server.faults = [Answer(200, "ok"), Answer(400, "invalid_payload")]
        assert await desk.at(8) == 0
        sent = pmids_of(server.taken[0].body)
        assert {pmid for pmid, _ in await desk.told("a")} == sent
        await next_poll(desk, 8, 300)
        assert await desk.at(8, day=8) == 1
    seen = [pmid for call in server.taken for pmid in pmids_of(call.body)]
    assert sorted(seen) == sorted({1, 2, 300, *range(101, 221)})


async def test_a_part_whose_answer_was_lost_counts_as_told_when_it_is_given_up(desk: Desk) -> None:
    async with HookServer().running() as server:
        await a_long_digest(desk, server)
        server.faults = [Answer(200, "ok"), CUT_ANSWER, Answer(400, "invalid_payload")]
        await desk.at(8)
        desk.timer.advance(minutes=1)
        await desk.deliver()
    known = [call.body for call in server.calls[:2]]
    assert {pmid for pmid, _ in await desk.told("a")} == set().union(*map(pmids_of, known))
    (row,) = await desk.rows(tables.digests)
    assert (row.state, row.maybe_sent, row.parts_sent) == ("failed", True, 1)


async def test_a_last_part_whose_answer_was_lost_tells_also_of_what_it_only_leads_to(
    one: Desk,
) -> None:
    async with HookServer().running() as server:
        await subscribed(one, "slack", server, "a")
        short = a_subscription(
            id="a", channel="slack", address=SecretStr(f"{server.url}/a"), max_items=30
        )
        async with transaction(one.engine) as connection:
            await subscribers.save(connection, short, "console", one.clock(), VAULT)
        await one.receive(*(an_article_event(pmid, START) for pmid in range(101, 161)))
        server.faults = [Answer(200, "ok"), CUT_ANSWER, Answer(400, "invalid_payload")]
        await one.at(8)
        one.timer.advance(minutes=1)
        await one.deliver()
    assert len(server.taken) == 1
    assert len(server.calls) == 3
    everything = {1, 2, *range(101, 161)}
    assert set().union(*(pmids_of(call.body) for call in server.calls)) < everything
    assert {pmid for pmid, _ in await one.told("a")} == everything
