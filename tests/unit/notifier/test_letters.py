"""Single mails: what they say, and that each is sent once, or given up for a reason."""

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from pydantic import SecretStr

from services.notifier import letters_store, suppression, tables
from services.notifier.letters import Letter, words
from services.notifier.letters_delivery import Mailroom, deliver_letters
from services.notifier.recipient import recipient
from services.notifier.render import palette
from services.notifier.render.letter import letter as written
from services.notifier.render.mail import Envelope
from services.notifier.run import Office, Patience
from services.notifier.senders import AnswerLost, RecipientRejected
from services.notifier.tidy import tidy
from services.notifier.tokens import Tokens
from services.notifier.web import attempts
from shared.database import transaction
from shared.errors import Permanent, Retryable
from shared.inbox import first_time
from tests.contrast import contrast
from tests.unit.notifier.kit import IDENTITY, START, Desk, a_poll_event
from tests.unit.notifier.test_render_contrast import Painted

TOKENS = Tokens((SecretStr("a key for tests, long enough"),))
URL = "https://carillon.example.org"
ADDRESS = "reader@example.org"
WHO = recipient("email", ADDRESS)
TOLD: dict[str, Any] = {
    "topic": "CAR & <T> cells",
    "facts": [
        ["When", "every Monday at 07:00, UTC"],
        ["Journals followed", "Blood; <b>Nature</b>"],
    ],
    "reason": "the webhook answered 410",
    "channel": "slack",
}
KINDS = ("confirm", "manage", "known", "dead-target")


def a_letter(kind: Any, **changes: Any) -> Letter:
    made = Letter("4b7c1f0e-0000-4000-8000-000000000001", kind, WHO, START, ADDRESS, "sub1", TOLD)
    return replace(made, **changes)


def mail(kind: Any) -> EmailMessage:
    envelope = Envelope(IDENTITY.sender, ADDRESS, IDENTITY.list_id, IDENTITY.host)
    one = a_letter(kind)
    content = written(words(one, TOKENS, URL), envelope, one.id, one.created_at).content
    return message_from_bytes(content, policy=default)


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_says_the_same_in_text_and_html_and_nothing_is_injected(kind: str) -> None:
    made = mail(kind)
    text, html = (made.get_body((part,)) for part in ("plain", "html"))
    assert text is not None
    assert html is not None
    shown = html.get_content()
    said = words(a_letter(kind), TOKENS, URL)
    assert said.url in text.get_content()
    assert f'href="{said.url}"' in shown
    assert "<b>Nature" not in shown
    assert "<T>" not in shown
    assert [name for name in set(made) if made.get_all(name, [])[1:]] == []
    assert made["Auto-Submitted"] == "auto-generated"
    assert made["Message-ID"] == "<4b7c1f0e-0000-4000-8000-000000000001@example.org>"
    assert "List-Unsubscribe" not in made


def test_who_looks_after_a_dead_target_learns_which_and_why() -> None:
    said = words(a_letter("dead-target"), TOKENS, URL)
    assert "to your Slack channel: the webhook answered 410." in said.lead


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_is_the_same_bytes_each_time_and_keeps_the_lines_short(kind: str) -> None:
    one, other = bytes(mail(kind)), bytes(mail(kind))
    assert one == other
    assert max(map(len, one.splitlines())) <= 998


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_of_a_letter_meets_aa(dark: bool) -> None:
    html = mail("confirm").get_body(("html",))
    assert html is not None
    rules = {name: paint.css() for name, paint in palette.DARK.items()} if dark else {}
    pairs = Painted(html.get_content(), rules).pairs
    assert len(pairs) > 2
    assert [pair for pair in pairs if contrast(*pair) < 4.5] == []


def test_a_token_in_a_letter_is_good_for_its_purpose_and_time_only() -> None:
    letter = a_letter("manage")
    token = words(letter, TOKENS, URL).url.partition("token=")[2]
    assert TOKENS.read("manage", token, START + timedelta(minutes=59)) == WHO
    for purpose, at in (("confirm", START), ("manage", START + timedelta(hours=2))):
        with pytest.raises(Permanent):
            TOKENS.read(purpose, token, at)  # type: ignore[arg-type]


async def queue(desk: Desk, kind: Any = "confirm", **more: Any) -> str | None:
    async with transaction(desk.engine) as connection:
        return await letters_store.queue(
            connection, kind, ADDRESS, desk.clock(), more.get("about", "sub1"), TOLD
        )


async def deliver(desk: Desk) -> int:
    office = Office({"email": desk.sender}, IDENTITY, Patience(timer=desk.timer))
    return await deliver_letters(Mailroom(desk.engine, office, TOKENS, URL, desk.clock))


async def states(desk: Desk) -> list[tuple[str, str | None, int]]:
    rows = await desk.rows(tables.letters)
    return [(row.state, row.address, row.attempts) for row in rows]


async def test_a_letter_is_sent_once_and_its_address_is_forgotten(desk: Desk) -> None:
    await queue(desk)
    assert [await deliver(desk), await deliver(desk)] == [1, 0]
    assert await states(desk) == [("sent", None, 1)]
    ((to, _),) = desk.sender.sent
    assert to == ADDRESS


async def test_what_may_pass_is_tried_again_with_the_same_bytes(desk: Desk) -> None:
    await queue(desk)
    desk.sender.faults = [Retryable("SMTP server: away"), AnswerLost("no answer in time")]
    assert await deliver(desk) == 0
    assert await deliver(desk) == 0
    desk.timer.advance(minutes=1)
    assert await deliver(desk) == 0
    desk.timer.advance(minutes=2)
    assert await deliver(desk) == 1
    assert await states(desk) == [("sent", None, 3)]


async def test_a_rejected_address_ends_a_letter_and_says_why(desk: Desk) -> None:
    await queue(desk)
    desk.sender.faults = [RecipientRejected("SMTP server rejected the recipient with 550 5.1.1")]
    await deliver(desk)
    (row,) = await desk.rows(tables.letters)
    assert (row.state, row.address) == ("failed", None)
    assert "550 5.1.1" in row.error


async def test_a_letter_whose_link_has_ended_is_not_sent(desk: Desk) -> None:
    await queue(desk, "manage", about=None)
    desk.clock.advance(hours=1)
    assert await deliver(desk) == 0
    assert await states(desk) == [("failed", None, 1)]


async def test_who_was_suppressed_meanwhile_gets_no_letter(desk: Desk) -> None:
    await queue(desk)
    async with transaction(desk.engine) as connection:
        await suppression.suppress(connection, WHO, "complaint", START)
    assert await deliver(desk) == 0
    assert await states(desk) == [("failed", None, 1)]
    assert await queue(desk, about="another") is None


async def test_the_same_letter_is_not_queued_twice_while_it_waits(desk: Desk) -> None:
    assert await queue(desk) is not None
    assert await queue(desk) is None
    assert await queue(desk, about="another") is not None
    await deliver(desk)
    assert await queue(desk) is not None


async def test_a_topic_is_called_by_its_title_where_only_its_id_was_written(one: Desk) -> None:
    await one.receive(a_poll_event(START))
    async with transaction(one.engine) as connection:
        told = {"topic": "car-autoimmune", "channel": "slack", "reason": "gone"}
        await letters_store.queue(connection, "dead-target", ADDRESS, START, "sub1", told)
    await deliver(one)
    ((_, letter),) = one.sender.sent
    assert "CAR cells for autoimmune disease" in letter["Subject"]


async def test_a_bug_in_one_letter_holds_up_no_other(one: Desk) -> None:
    await queue(one)
    await queue(one, about="another")
    one.sender.faults = [RuntimeError("a bug")]
    assert await deliver(one) == 1
    one.timer.advance(minutes=1)
    assert await deliver(one) == 1


async def test_a_claimed_letter_is_left_to_who_has_it_until_the_lease_ends(desk: Desk) -> None:
    name = await queue(desk)
    turn = Patience(timer=desk.timer).turn()
    async with transaction(desk.engine) as connection:
        assert await letters_store.claim(connection, str(name), turn) is not None
    assert await deliver(desk) == 0
    desk.timer.advance(minutes=10)
    assert await deliver(desk) == 1


async def test_which_events_were_received_is_forgotten_after_long(desk: Desk) -> None:
    async with transaction(desk.engine) as connection:
        await first_time(connection, tables.inbox, "e", "project.v1", desk.clock())
    desk.clock.advance(days=90)
    assert await tidy(desk.engine, desk.clock, desk.timer) == 0
    assert await tidy(desk.engine, desk.clock, desk.timer, timedelta(days=89)) == 1
    assert await desk.rows(tables.inbox) == []


async def test_what_is_over_is_forgotten(desk: Desk) -> None:
    await queue(desk)
    await deliver(desk)
    async with transaction(desk.engine) as connection:
        await attempts.note(connection, "subscribe", "somebody", desk.timer())
    assert await tidy(desk.engine, desk.clock, desk.timer) == 0
    desk.timer.advance(days=1)
    assert await tidy(desk.engine, desk.clock, desk.timer) == 1
    desk.clock.advance(days=31)
    assert await tidy(desk.engine, desk.clock, desk.timer) == 1
    assert await desk.rows(tables.letters) == []
    assert await desk.rows(tables.attempts) == []
