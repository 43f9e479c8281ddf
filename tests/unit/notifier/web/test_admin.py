"""The operator's page: who may see it, what it shows, and what can be done there."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, get_args

import httpx
import pytest
from pydantic import SecretStr

from services.notifier import hold, subscribers, suppression, tables
from services.notifier.hold import Hold
from services.notifier.tokens import Purpose
from shared.database import transaction
from shared.errors import Retryable
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.web.kit import Site, a_site

PASSWORD = "correct horse é battery"
ENTER = httpx.BasicAuth("admin", PASSWORD)


@pytest.fixture
async def kept(one: Desk) -> AsyncIterator[Site]:
    site = a_site(one, admin_password=SecretStr(PASSWORD))
    async with site.client:
        yield site


def form(site: Site) -> str:
    return site.tokens.sign("form", "admin", site.desk.clock() + timedelta(hours=1))


async def act(site: Site, action: str, name: str) -> httpx.Response:
    fields = {"form": form(site), "action": action, "id": name}
    return await site.client.post("/admin", data=fields, auth=ENTER)


async def test_without_a_password_there_is_no_such_page(lone: Site) -> None:
    assert (await lone.client.get("/admin", auth=ENTER)).status_code == 404


@pytest.mark.parametrize(
    "given", ["", "Basic", "Basic !!!", "Bearer x", "Basic YWRtaW46", "Basic YWRtaW46d3Jvbmc="]
)
async def test_only_who_knows_the_password_gets_in(kept: Site, given: str) -> None:
    headers = {"Authorization": given} if given else {}
    answer = await kept.client.get("/admin", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    other = await kept.client.get("/admin", auth=httpx.BasicAuth("root", PASSWORD))
    assert other.status_code == 401


@pytest.mark.parametrize("purpose", get_args(Purpose))
async def test_no_link_of_a_reader_s_opens_it(kept: Site, purpose: Purpose) -> None:
    """Readers have tokens, and nothing else: however they bring them, and whatever they name."""
    for subject in ("reader@example.org", "reader", "admin"):
        token = kept.tokens.sign(purpose, subject, kept.desk.clock() + timedelta(hours=1))
        ways: tuple[dict[str, Any], ...] = (
            {"params": {"token": token}},
            {"headers": {"Authorization": f"Bearer {token}"}},
            {"headers": {"Cookie": f"token={token}; session={token}"}},
        )
        for way in ways:
            assert (await kept.client.get("/admin", **way)).status_code == 401
            acting = {"form": token, "token": token, "action": "activate", "id": "reader"}
            assert (await kept.client.post("/admin", data=acting, **way)).status_code == 401


async def test_guessing_is_stopped_also_for_the_right_password(kept: Site) -> None:
    wrong = httpx.BasicAuth("admin", "wrong")
    answers = [await kept.client.get("/admin", auth=wrong) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert (await kept.client.get("/admin", auth=ENTER)).status_code == 429
    kept.desk.timer.advance(hours=1, seconds=1)
    assert (await kept.client.get("/admin", auth=ENTER)).status_code == 200


async def test_it_shows_what_went_wrong_and_nobody_s_address(kept: Site) -> None:
    await kept.desk.subscribe(a_subscription(), a_subscription(id="off"), a_subscription(id="odd"))
    await kept.desk.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    kept.desk.sender.faults = [Retryable("SMTP server: the connection was lost")] * 3
    await kept.desk.at(7)
    async with transaction(kept.desk.engine) as connection:
        await subscribers.deactivate(connection, "off", "the recipient was rejected with 550")
        await connection.execute(
            tables.subscriptions.update()
            .where(tables.subscriptions.c.id == "odd")
            .values(wish={"hour": 99})
        )
        await subscribers.mailable(connection)
        await suppression.suppress(connection, "ab" * 32, "complaint", START)
    text = (await kept.client.get("/admin", auth=ENTER)).text
    for shown in ("the recipient was rejected with 550", "the connection was lost", "complaint",
                  "cannot be read", "r…@example.org", "complete", "Try now",
                  "Not all is well, since",
                  "digests not delivered: 3; the latest: SMTP server"):  # fmt: skip
        assert shown in text
    assert "reader@example.org" not in text


async def test_a_quiet_day_is_said_to_be_well(kept: Site) -> None:
    assert "Nothing was polled yet." in (await kept.client.get("/admin", auth=ENTER)).text
    await kept.desk.receive(a_poll_event(START, announced=0))
    assert "All is well." in (await kept.client.get("/admin", auth=ENTER)).text


async def test_the_operator_activates_retries_and_lifts(kept: Site) -> None:
    await kept.desk.subscribe(a_subscription())
    await kept.desk.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    kept.desk.sender.faults = [Retryable("away")]
    await kept.desk.at(7)
    (digest,) = await kept.desk.rows(tables.digests)
    assert "Done." in (await act(kept, "retry", digest.id)).text
    assert await kept.desk.deliver() == 1
    assert "Nothing was changed" in (await act(kept, "retry", digest.id)).text

    async with transaction(kept.desk.engine) as connection:
        await subscribers.deactivate(connection, "reader", "rejected")
        await suppression.suppress(connection, "ab" * 32, "bounce", START)
    await act(kept, "activate", "reader")
    await act(kept, "lift", "ab" * 32)
    (row,) = await kept.desk.rows(tables.subscriptions)
    assert row.active
    assert await kept.desk.rows(tables.suppressions) == []


async def test_a_form_that_is_not_ours_does_nothing(kept: Site) -> None:
    await kept.desk.subscribe(a_subscription())
    async with transaction(kept.desk.engine) as connection:
        await subscribers.deactivate(connection, "reader", "rejected")
    old = kept.tokens.sign("form", "admin", kept.desk.clock() - timedelta(seconds=1))
    for token in ("", "x", old, kept.tokens.sign("form", "asker 1.2.3.4"),
                  kept.tokens.sign("ask", "admin")):  # fmt: skip
        fields = {"form": token, "action": "activate", "id": "reader"}
        answer = await kept.client.post("/admin", data=fields, auth=ENTER)
        assert answer.status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    fields = {"form": form(kept), "action": "activate", "id": "reader"}
    answer = await kept.client.post("/admin", data=fields, auth=ENTER, headers=foreign)
    assert answer.status_code == 403
    (row,) = await kept.desk.rows(tables.subscriptions)
    assert not row.active


async def test_it_says_that_sending_is_held(kept: Site) -> None:
    assert "Sending is held" not in (await kept.client.get("/admin", auth=ENTER)).text
    async with transaction(kept.desk.engine) as connection:
        await hold.put(connection, Hold("h1", "restored from a backup", START, START))
    page = (await kept.client.get("/admin", auth=ENTER)).text
    assert "Sending is held" in page
    assert "restored from a backup" in page
