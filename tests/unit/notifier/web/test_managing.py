"""One's own subscriptions: the way there, what can be done, and that nobody else can do it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from services.notifier import subscribers, tables
from services.notifier.recipient import recipient
from shared.database import transaction
from tests.unit.notifier.kit import START, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.web.kit import Site, token_in

READER = recipient("email", "reader@example.org")


async def enter(site: Site, address: str = "reader@example.org") -> str:
    """A token to manage, as its reader gets it."""
    await site.post("/link", email=address)
    return token_in(await site.link())


async def row(site: Site, name: str = "reader") -> sa.Row[Any]:
    return next(row for row in await site.desk.rows(tables.subscriptions) if row.id == name)


async def test_the_link_is_mailed_to_who_has_something_on_record_only(site: Site) -> None:
    await site.open()
    await site.desk.subscribe(a_subscription())
    await site.post("/link", email="nobody@example.org")
    assert await site.letters() == []
    token = await enter(site, "READER@example.org")
    page = await site.client.get("/manage", params={"token": token})
    assert "every day at 07:00, UTC" in page.text
    assert "r…@example.org" in page.text
    assert "reader@example.org" not in page.text


async def test_a_link_to_manage_ends_after_an_hour(lone: Site) -> None:
    await lone.desk.subscribe(a_subscription())
    token = await enter(lone)
    lone.desk.clock.advance(hours=1, seconds=1)
    assert (await lone.client.get("/manage", params={"token": token})).status_code == 410
    answer = await lone.post("/manage", token=token, id="reader", action="leave")
    assert answer.status_code == 410
    assert (await row(lone)).active


async def test_who_looks_after_a_channel_manages_it(lone: Site) -> None:
    hook = a_subscription(
        id="hook",
        channel="slack",
        address=SecretStr("https://hooks.slack.com/services/T/B/x"),
        owner=SecretStr("reader@example.org"),
    )
    async with transaction(lone.desk.engine) as connection:
        await subscribers.save(connection, hook, "web", START, lone.house.vault)
    token = await enter(lone)
    page = await lone.client.get("/manage", params={"token": token})
    assert "to a Slack channel" in page.text
    assert "hooks.slack.com/services" not in page.text


async def test_a_subscription_is_changed(site: Site) -> None:
    await site.open()
    await site.desk.subscribe(a_subscription())
    token = await enter(site)
    form = await site.post("/manage", token=token, id="reader", action="change")
    assert 'name="hour"' in form.text
    fields = {"cadence": "monthly", "day": "31", "hour": "9", "time_zone": "Asia/Tokyo",
              "scope": ["core"], "disease": ["lupus"], "muted_authors": "Smith J"}  # fmt: skip
    saved = await site.post("/manage/change", token=token, id="reader", **fields)
    assert "Saved" in saved.text
    kept = await row(site)
    assert (kept.wish["cadence"], kept.wish["day"]) == ("monthly", 31)
    assert kept.wish["filters"]["muted_authors"] == ["Smith J"]
    assert kept.wish["filters"]["scope"] == ["core"]
    assert kept.confirmed_at == START


async def test_a_change_can_be_tried_out_before_it_is_saved(lone: Site) -> None:
    await lone.desk.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    await lone.desk.subscribe(a_subscription())
    lone.desk.clock.advance(days=2)
    token = await enter(lone)
    before = await row(lone)
    fields = {"cadence": "daily", "scope": ["core"], "action": "preview"}
    page = await lone.post("/manage/change", token=token, id="reader", **fields)
    assert "would have brought you 1 paper<" in page.text
    assert await row(lone) == before


async def test_a_change_that_cannot_be_changes_nothing_and_is_shown(lone: Site) -> None:
    await lone.open()
    await lone.desk.subscribe(a_subscription())
    token = await enter(lone)
    before = await row(lone)
    answer = await lone.post("/manage/change", token=token, id="reader", time_zone="No/Where")
    assert answer.status_code == 422
    assert 'id="time_zone-fault"' in answer.text
    assert await row(lone) == before


async def test_pause_until_a_day_resume_leave_and_return(site: Site) -> None:
    await site.desk.subscribe(a_subscription(time_zone="Europe/Belgrade"))
    token = await enter(site)

    async def act(action: str, **more: str) -> str:
        return (await site.post("/manage", token=token, id="reader", action=action, **more)).text

    assert "Paused until 30 September 2026, 22:00 UTC" in await act("pause", until="2026-10-01")
    assert (await row(site)).paused_until == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert "It goes on" in await act("resume")
    assert (await row(site)).paused_until == site.desk.clock()
    assert "until you come back" in await act("pause")
    assert "You have left" in await act("leave")
    assert not (await row(site)).active
    assert "It is on again" in await act("return")
    assert (await row(site)).active


@pytest.mark.parametrize("until", ["2026-09-07", "1999-01-01", "soon", "9999-12-31x", "0001-01-01"])
async def test_a_pause_ends_on_a_day_to_come(lone: Site, until: str) -> None:
    await lone.desk.subscribe(a_subscription())
    token = await enter(lone)
    answer = await lone.post("/manage", token=token, id="reader", action="pause", until=until)
    assert answer.status_code == 422
    assert (await row(lone)).paused_at is None


async def test_nobody_touches_what_is_not_theirs(lone: Site) -> None:
    await lone.desk.subscribe(a_subscription(), a_subscription(id="other"))
    token = await enter(lone)
    before = await row(lone, "other")
    for action in ("leave", "pause", "change", "return"):
        answer = await lone.post("/manage", token=token, id="other", action=action)
        assert "no such subscription" in answer.text
    answer = await lone.post("/manage/change", token=token, id="other", hour="3")
    assert "no such subscription" in answer.text
    assert await row(lone, "other") == before


async def test_a_reader_takes_their_data_along(lone: Site) -> None:
    await lone.desk.subscribe(a_subscription(), a_subscription(id="other"))
    token = await enter(lone)
    answer = await lone.post("/manage", token=token, action="export")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert [one["id"] for one in answer.json()["subscriptions"]] == ["reader"]
    assert answer.json()["subscriptions"][0]["address"] == "reader@example.org"


async def test_everything_is_deleted_after_a_second_question(site: Site) -> None:
    await site.desk.subscribe(a_subscription(), a_subscription(id="other"))
    token = await enter(site)
    asked = await site.post("/manage", token=token, action="forget")
    assert "cannot be undone" in asked.text
    assert len(await site.desk.rows(tables.subscriptions)) == 2
    done = await site.post("/manage", token=token, action="forget-now", never="yes")
    assert "Everything is deleted" in done.text
    assert [one.id for one in await site.desk.rows(tables.subscriptions)] == ["other"]
    assert [one.recipient for one in await site.desk.rows(tables.suppressions)] == [READER]
    assert READER not in {one.recipient for one in await site.desk.rows(tables.letters)}


async def test_the_link_of_a_digest_has_one_button_and_mails_the_real_one(lone: Site) -> None:
    await lone.desk.subscribe(a_subscription())
    asked = lone.tokens.sign("ask", "reader")
    page = await lone.client.get("/link", params={"s": asked})
    assert "Send me the link to manage" in page.text
    assert 'name="email"' not in page.text
    assert await lone.letters() == []
    await lone.post("/link", s=asked)
    (letter,) = await lone.letters()
    assert letter["To"] == "reader@example.org"
    gone = await lone.post("/link", s=lone.tokens.sign("ask", "gone"))
    assert gone.status_code == 200


async def test_the_link_of_a_digest_is_asked_for_three_times_a_day(lone: Site) -> None:
    await lone.desk.subscribe(a_subscription())
    asked = lone.tokens.sign("ask", "reader")
    answers = [await lone.post("/link", s=asked) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


async def test_a_wrong_address_is_said(lone: Site) -> None:
    answer = await lone.post("/link", email="no address")
    assert answer.status_code == 422
    assert 'id="email-fault"' in answer.text


async def test_what_has_befallen_a_subscription_is_said(lone: Site) -> None:
    await lone.desk.subscribe(a_subscription())
    async with transaction(lone.desk.engine) as connection:
        await subscribers.deactivate(connection, "reader", "the webhook answered 410")
    token = await enter(lone)
    page = (await lone.client.get("/manage", params={"token": token})).text
    assert "Switched off: the webhook answered 410" in page
    assert "It is put right: try again" in page
    lone.desk.clock.now += timedelta(minutes=1)


async def test_a_subscription_has_a_feed_as_long_as_it_is_on(lone: Site) -> None:
    await lone.open()
    await lone.desk.subscribe(a_subscription())
    token = await enter(lone)
    page = await lone.client.get("/manage", params={"token": token})
    (address,) = re.findall(r'href="(/feeds/[^"]+\.atom)"', page.text)
    assert (await lone.client.get(address)).status_code == 200

    await lone.post("/manage", token=token, id="reader", action="leave")

    assert (await lone.client.get(address)).status_code == 410
    assert "/feeds/" not in (await lone.client.get("/manage", params={"token": token})).text
