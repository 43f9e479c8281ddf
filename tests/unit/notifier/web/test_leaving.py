"""The way out: by a mail program's one click (RFC 8058), and by the page."""

import re
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from services.notifier import tables
from services.notifier.listing import sync_file
from services.notifier.subscribers import LEFT, deactivate
from services.notifier.subscription import subscription_id
from shared.database import transaction
from tests.unit.notifier.kit import a_subscription
from tests.unit.notifier.web.kit import Site

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def token(site: Site) -> str:
    await site.open()
    await site.desk.subscribe(a_subscription())
    return site.tokens.sign("leave", "reader")


async def row(site: Site) -> sa.Row[Any]:
    (found,) = await site.desk.rows(tables.subscriptions)
    return found


def undo_in(page: httpx.Response) -> str:
    (found,) = re.findall(r'name="undo" value="([^"]+)"', page.text)
    return str(found)


async def test_looking_at_the_page_changes_nothing(site: Site, token: str) -> None:
    before = await row(site)
    page = await site.client.get("/leave", params={"token": token})
    assert "Leave?" in page.text
    assert await row(site) == before


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
async def test_one_click_leaves_at_once_and_repeats_succeed(
    site: Site, token: str, encoding: str
) -> None:
    url = f"/leave?token={token}"
    strange = {"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example.com"}
    for _ in range(3):
        if encoding == "multipart":
            sent = {"List-Unsubscribe": (None, "One-Click")}
            answer = await site.client.post(url, files=sent, headers=strange)
        else:
            answer = await site.client.post(url, content=ONE_CLICK, headers={**strange, **FORM})
        assert answer.status_code == 200
        assert not {"location", "set-cookie"} & answer.headers.keys()
        assert not (await row(site)).active
    assert (await row(site)).inactive_reason == LEFT


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", ""),
        (b"\xff\x00%%%&&=", "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"no boundary", "multipart/form-data"),
        (b'{"List-Unsubscribe": "One-Click"}', "application/json"),
    ],
)
async def test_a_mail_program_that_posts_badly_is_understood(
    site: Site, token: str, content: bytes, kind: str
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = await site.client.post(f"/leave?token={token}", content=content, headers=headers)
    assert answer.status_code == 200
    assert not (await row(site)).active


async def test_the_button_leaves_and_a_mistake_is_undone(site: Site, token: str) -> None:
    left = await site.post("/leave", token=token, action="leave")
    assert "You have left" in left.text
    for _ in range(2):  # a double click
        back = await site.post("/leave", token=token, action="undo", undo=undo_in(left))
        assert "Welcome back" in back.text
        kept = await row(site)
        assert (kept.active, kept.inactive_reason) == (True, None)


async def test_the_link_to_leave_of_a_mail_that_was_passed_on_brings_nobody_back(
    site: Site, token: str
) -> None:
    left = await site.post("/leave", token=token, action="leave")
    again = await site.post("/leave", token=token, action="leave")
    assert ('value="undo"' in left.text, 'value="undo"' in again.text) == (True, False)
    for undo in ("", token, site.tokens.sign("form", "undo other")):
        await site.post("/leave", token=token, action="undo", undo=undo)
        assert not (await row(site)).active
    site.desk.clock.advance(hours=2)
    await site.post("/leave", token=token, action="undo", undo=undo_in(left))
    assert not (await row(site)).active


async def test_a_mail_from_before_its_entry_had_an_id_can_be_left_by(site: Site) -> None:
    await site.open()
    one = a_subscription()
    name = subscription_id(one.topic, one.channel, one.address)
    for given in (name, "by-name"):
        async with transaction(site.desk.engine) as connection:
            entry = a_subscription(id=given, address=one.address)
            await sync_file(connection, [entry], site.desk.clock())
    await site.client.post("/leave", params={"token": site.tokens.sign("leave", name)})
    kept = await row(site)
    assert (kept.id, kept.active, kept.inactive_reason) == ("by-name", False, LEFT)


async def test_that_a_reader_left_stays_the_reason_whatever_follows(site: Site, token: str) -> None:
    await site.post("/leave", token=token)
    async with transaction(site.desk.engine) as connection:
        await deactivate(connection, "reader", "switched off by the operator")
    assert (await row(site)).inactive_reason == LEFT


async def test_what_was_switched_off_by_others_is_not_undone_here(site: Site, token: str) -> None:
    async with transaction(site.desk.engine) as connection:
        await connection.execute(
            tables.subscriptions.update().values(active=False, inactive_reason="operator")
        )
    await site.post("/leave", token=token, action="undo")
    assert not (await row(site)).active


async def test_who_wants_to_stay_out_for_good_does(site: Site, token: str) -> None:
    answer = await site.post("/leave", token=token, action="never")
    assert "You stay out for good" in answer.text
    assert len(await site.desk.rows(tables.suppressions)) == 1
    await site.post("/leave", token=token, action="undo")
    assert not (await row(site)).active
    await site.subscribe()
    assert await site.letters() == []


async def test_what_is_gone_already_is_left_all_the_same(lone: Site) -> None:
    token = lone.tokens.sign("leave", "gone")
    assert (await lone.client.post(f"/leave?token={token}")).status_code == 200
    assert (await lone.client.get(f"/leave?token={token}")).status_code == 200


async def test_who_cannot_be_read_any_more_can_still_leave(site: Site, token: str) -> None:
    async with transaction(site.desk.engine) as connection:
        await connection.execute(tables.subscriptions.update().values(wish={"hour": 99}))
    assert (await site.client.get(f"/leave?token={token}")).status_code == 200
    assert (await site.client.post(f"/leave?token={token}")).status_code == 200
    assert not (await row(site)).active


async def test_a_token_for_another_purpose_or_a_forged_one_is_refused(
    site: Site, token: str
) -> None:
    for wrong in (site.tokens.sign("ask", "reader"), token[:-1], token + "x", "", "x" * 5000):
        answer = await site.client.post("/leave", params={"token": wrong})
        assert answer.status_code == 404
    assert (await row(site)).active
