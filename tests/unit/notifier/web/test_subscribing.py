"""From the form to the confirmed subscription, and that nobody learns or floods anything by it."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import Request

from services.notifier import suppression, tables
from services.notifier.recipient import recipient
from services.notifier.vault import is_sealed
from services.notifier.web import limits
from shared.database import transaction
from shared.errors import Retryable
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.web.kit import FORM, Site, a_site, link_in, token_in

READER = recipient("email", "reader@example.org")
HOOK = {"channel": "webhook", "url": "https://hooks.example.net/in?key=abc"}


async def only(site: Site, table: sa.Table = tables.subscriptions) -> sa.Row[Any]:
    (row,) = await site.desk.rows(table)
    return row


async def test_a_reader_comes_in_by_form_letter_and_button(site: Site) -> None:
    await site.open()
    answer = await site.subscribe(modality=["caar-t", "car-treg"], words="myasthenia\nlupus")
    assert answer.status_code == 200
    assert "Please look into your mailbox" in answer.text
    kept = await only(site)
    assert (kept.confirmed_at, kept.origin, kept.topic) == (None, "web", "car-autoimmune")
    assert kept.wish["filters"]["words"] == ["myasthenia", "lupus"]
    assert (kept.wish["weekday"], kept.wish["hour"]) == ("friday", 8)

    (letter,) = await site.letters()
    assert letter["To"] == "reader@example.org"
    link = link_in(letter)
    shown = await site.client.get(link)
    assert "CAAR-T, CAR-Treg" in shown.text
    assert "every Friday at 08:00, Europe/Belgrade" in shown.text
    assert (await only(site)).confirmed_at is None

    done = await site.post("/confirm", token=token_in(link))
    assert "Confirmed" in done.text
    assert (await only(site)).confirmed_at == site.desk.clock()


async def test_the_preview_shows_what_would_have_come_and_keeps_the_form(lone: Site) -> None:
    desk = lone.desk
    await desk.receive(
        an_article_event(1, START - timedelta(days=3)),
        an_article_event(2, START - timedelta(days=10)),
        a_poll_event(START, announced=2),
    )
    form = {**FORM, "weekday": "monday", "hour": "0", "time_zone": "UTC", "email": "half@"}
    page = await lone.client.post("/subscribe/preview", data=form)
    assert page.status_code == 200
    assert "would have brought you 2 papers" in page.text
    assert "Monday, 7 September 2026, 00:00: 1 paper<" in page.text
    assert "Paper 1" in page.text
    assert 'value="half@"' in page.text
    quiet = await lone.client.post("/subscribe/preview", data={**form, "words": "nothing of that"})
    assert "brought you 0 papers" in quiet.text
    assert not await desk.rows(tables.subscriptions)
    wrong = await lone.client.post("/subscribe/preview", data={**form, "hour": "25"})
    assert 'id="hour-fault"' in wrong.text


async def test_the_form_shows_what_can_be_chosen(lone: Site) -> None:
    assert "nothing to subscribe to" in (await lone.client.get("/subscribe")).text
    await lone.open()
    text = (await lone.client.get("/subscribe")).text
    for shown in ("CAAR-T", "Europe/Belgrade", "Slack (an incoming webhook)", "discord"):
        assert shown in text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "", "Please write the address"),
        ("email", "not an address", "Not an e-mail address"),
        ("email", "a@example.org\r\nBcc: b@example.org", "Not an e-mail address"),
        ("time_zone", "Mars/Olympus", "Unknown time zone"),
        ("day", "32", "at most 31"),
        ("hour", "x", "whole number"),
        ("cadence", "yearly", "choose one of the list"),
        ("modality", "no-such-cell", "Unknown modality"),
        ("words", "\n".join(f"word {n}" for n in range(51)), "at most 50 lines"),
        ("min_relatedness", "2", "at most 1"),
        ("scope", [], "tick at least one"),
        ("topic", "another-topic", "choose one of the list"),
        ("channel", "capture", "choose one of the list"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_is_kept(
    lone: Site, field: str, value: Any, words: str
) -> None:
    await lone.open()
    answer = await lone.subscribe(**{"authors": "Keep Me", field: value})
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert words in answer.text
    assert "Keep Me" in answer.text
    assert not await lone.desk.rows(tables.subscriptions)
    assert not await lone.desk.rows(tables.letters)


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "slack", "url": "https://example.net/services/x"},
        {"channel": "webhook", "url": "http://hooks.example.net/in"},
        {"channel": "webhook", "url": "https://127.0.0.1/in"},
        {"channel": "webhook", "url": "https://10.0.0.8/in"},
        {"channel": "webhook", "url": "https://[::1]/in"},
        {"channel": "apprise", "url": "file:///etc/passwd"},
        {"channel": "webhook", "url": ""},
    ],
)
async def test_a_target_that_nothing_may_go_to_is_refused(
    lone: Site, changes: dict[str, str]
) -> None:
    await lone.open()
    answer = await lone.subscribe(**changes)
    assert answer.status_code == 422
    assert 'id="url-fault"' in answer.text


async def test_a_webhook_is_sealed_tried_and_its_key_shown_once(site: Site) -> None:
    await site.open()
    await site.subscribe(**HOOK)
    kept = await only(site)
    assert is_sealed(kept.address)
    assert is_sealed(kept.secret)
    assert kept.owner == "reader@example.org"
    link = await site.link()
    page = (await site.client.get(link)).text
    assert "to a webhook" in page
    assert not site.channels["webhook"].taken

    done = await site.post("/confirm", token=token_in(link))
    ((target, _),) = site.channels["webhook"].taken
    assert target.address == HOOK["url"]
    assert target.secret is not None
    assert target.secret in done.text
    again = await site.post("/confirm", token=token_in(link))
    assert again.status_code == 200
    assert target.secret not in again.text


async def test_a_target_that_takes_no_message_is_not_confirmed(lone: Site) -> None:
    await lone.open()
    await lone.subscribe(**HOOK)
    link = await lone.link()
    lone.channels["webhook"].faults.append(Retryable("the webhook answered 404"))
    answer = await lone.post("/confirm", token=token_in(link))
    assert answer.status_code == 422
    assert "the webhook answered 404" in answer.text
    assert (await only(lone)).confirmed_at is None
    assert (await lone.post("/confirm", token=token_in(link))).status_code == 200


async def test_nobody_learns_who_is_subscribed(site: Site) -> None:
    """New, known, waiting and suppressed: the same answer to the byte."""
    await site.open()
    await site.desk.subscribe(a_subscription(id="known"))
    async with transaction(site.desk.engine) as connection:
        never = recipient("email", "never@example.org")
        await suppression.suppress(connection, never, "asked", site.desk.clock())
    answers = [
        await site.subscribe(email=address)
        for address in ("new@example.org", "known@example.org", "new@example.org",
                        "never@example.org")
    ]  # fmt: skip
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    asked = [await site.post("/link", email=f"{who}@example.org") for who in ("known", "nobody")]
    assert len({(answer.status_code, answer.text) for answer in asked}) == 1


async def test_who_is_subscribed_already_gets_the_link_to_manage(lone: Site) -> None:
    await lone.open()
    await lone.subscribe()
    await lone.post("/confirm", token=token_in(await lone.link()))
    before = await only(lone)
    await lone.subscribe(weekday="monday", modality="caar-t")
    assert await only(lone) == before
    link = await lone.link()
    assert link.startswith("/manage?token=")
    assert "every Friday" in (await lone.client.get(link)).text


async def test_the_link_to_manage_goes_to_the_address_on_record_not_to_one_as_typed(
    lone: Site,
) -> None:
    await lone.open()
    await lone.subscribe()
    await lone.post("/confirm", token=token_in(await lone.link()))
    await lone.subscribe(email="READER@example.org")
    (letter,) = await lone.letters()
    assert letter["To"] == "reader@example.org"


async def test_nothing_at_all_goes_to_who_is_suppressed(site: Site) -> None:
    await site.open()
    async with transaction(site.desk.engine) as connection:
        await suppression.suppress(connection, READER, "asked", site.desk.clock())
    await site.subscribe()
    await site.post("/link", email="reader@example.org")
    assert await site.letters() == []


async def test_a_stranger_can_be_barred_for_good_from_the_letter(lone: Site) -> None:
    await lone.open()
    await lone.subscribe()
    link = await lone.link()
    answer = await lone.post("/confirm", token=token_in(link), action="never")
    assert "left in peace" in answer.text
    await lone.subscribe()
    assert await lone.letters() == []
    assert (await lone.client.get(link)).status_code == 410


async def test_a_link_to_confirm_ends_after_three_days(lone: Site) -> None:
    await lone.open()
    await lone.subscribe()
    link = await lone.link()
    lone.desk.clock.advance(hours=72, seconds=1)
    for answer in (await lone.client.get(link), await lone.post("/confirm", token=token_in(link))):
        assert answer.status_code == 410
    assert (await only(lone)).confirmed_at is None


async def test_the_letter_of_another_owner_confirms_nothing(lone: Site) -> None:
    """The webhook's wish was replaced by one of somebody else: the first letter is void."""
    await lone.open()
    await lone.subscribe(**HOOK, email="first@example.org")
    first = await lone.link()
    await lone.subscribe(**HOOK, email="second@example.org")
    second = await lone.link()
    assert (await lone.post("/confirm", token=token_in(first))).status_code == 410
    assert (await only(lone)).confirmed_at is None
    assert (await lone.post("/confirm", token=token_in(second))).status_code == 200


async def test_a_form_is_no_way_to_write_to_strangers(lone: Site) -> None:
    """What was typed is in no letter: it would be a message of somebody else's, sent by us."""
    await lone.open()
    await lone.subscribe(
        words="Win at https://spam.example\nnow",
        authors="Call 555 0100",
        disease=["buy-our-pills"],
        modality="caar-t",
    )
    (letter,) = await lone.letters()
    for part in letter.walk():
        if not part.is_multipart():
            content = part.get_content()
            assert not re.search("spam|555|pills", content)
            assert "CAAR-T" in content
            assert "4 more, which the page shows" in content
    assert "Win at https://spam.example" in (await lone.client.get(link_in(letter))).text


async def test_a_program_that_fills_in_everything_writes_to_nobody(lone: Site) -> None:
    await lone.open()
    answer = await lone.subscribe(website="https://spam.example")
    assert "Please look into your mailbox" in answer.text
    assert not await lone.desk.rows(tables.subscriptions)
    await lone.post("/link", email="reader@example.org", website="x")
    assert await lone.letters() == []


async def test_a_mailbox_is_asked_three_times_a_day_at_most(site: Site) -> None:
    await site.open()
    answers = [await site.subscribe(weekday=day) for day in ("monday", "tuesday", "friday")]
    assert [answer.status_code for answer in answers] == [200] * 3
    barred = await site.subscribe(weekday="sunday")
    assert barred.status_code == 429
    assert 23 * 3600 < int(barred.headers["Retry-After"]) <= 24 * 3600
    site.desk.timer.advance(hours=24, seconds=1)
    assert (await site.subscribe()).status_code == 200


async def test_one_asker_is_stopped_and_another_one_is_not(lone: Site) -> None:
    await lone.open()
    for n in range(20):
        assert (await lone.subscribe(email=f"victim{n}@example.org")).status_code == 200
    assert (await lone.subscribe(email="one-more@example.org")).status_code == 429
    # The test's client is 127.0.0.1, which is no trusted proxy here: the header is not believed.
    headers = {"X-Forwarded-For": "203.0.113.9"}
    form = {**FORM, "email": "one-more@example.org"}
    forged = await lone.client.post("/subscribe", data=form, headers=headers)
    assert forged.status_code == 429


async def test_behind_a_trusted_proxy_readers_are_told_apart(one: Desk) -> None:
    site = a_site(one, proxies=frozenset({"127.0.0.1"}))
    await site.open()
    for n in range(21):
        form = {**FORM, "email": f"reader{n}@example.org"}
        headers = {"X-Forwarded-For": f"198.51.100.1, 203.0.113.{n}"}
        answer = await site.client.post("/subscribe", data=form, headers=headers)
        assert answer.status_code == 200
    await site.client.aclose()


@pytest.mark.parametrize(
    ("peer", "forwarded", "asker"),
    [
        ("198.51.100.7", "203.0.113.1", "198.51.100.7"),
        ("172.18.0.1", "203.0.113.1", "203.0.113.1"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.1, 172.18.0.1", "203.0.113.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "forged nonsense", "forged nonsense"),
        ("testclient", "203.0.113.1", "testclient"),
    ],
)
def test_who_asks_is_told_from_our_own_proxies(peer: str, forwarded: str, asker: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Request({"type": "http", "client": (peer, 1), "headers": headers})
    assert limits.address(request, frozenset({"127.0.0.1", "172.16.0.0/12"})) == asker


async def test_a_hundred_forms_at_once_are_no_way_around_the_limits(site: Site) -> None:
    await site.open()
    answers = await asyncio.gather(*(site.subscribe(hour=str(n % 24)) for n in range(15)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 12
    assert len(await site.letters()) == 1


async def test_where_the_door_is_closed_only_the_operator_adds_readers(one: Desk) -> None:
    site = a_site(one, is_open=False)
    await site.open()
    for answer in (await site.client.get("/subscribe"), await site.subscribe()):
        assert answer.status_code == 403
        assert "by themselves" in answer.text
    assert "/subscribe" not in (await site.client.get("/")).text
    await site.client.aclose()


async def test_while_one_question_waits_no_second_one_is_written(lone: Site) -> None:
    await lone.open()
    await lone.subscribe()
    await lone.subscribe(weekday="monday")
    link = await lone.link()
    assert "every Monday" in (await lone.client.get(link)).text
    lone.desk.clock.now += timedelta(minutes=1)
    await lone.subscribe()
    assert len(await lone.letters()) == 1
