"""Mails that come back: what is believed of them, and that no bytes break anything."""

import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from services.notifier import bounces, letters_store, tables
from services.notifier.recipient import recipient
from services.notifier.returned import bounce, complaint
from services.notifier.returns import Returns, take_bounce, take_complaint
from services.notifier.tokens import Tokens
from shared.database import transaction
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event

TOKENS = Tokens((SecretStr("a key for tests, long enough"),))
FOREIGN = Tokens((SecretStr("a key of somebody else's"),))
DIGEST = "4b7c1f0e-0000-4000-8000-000000000001"


def verp(kind: Any = "digest", about: str = DIGEST, tokens: Tokens = TOKENS) -> str:
    return bounces.address_for(tokens, "bounces@example.org", kind, about)


def dsn(status: str = "5.1.1", action: str = "failed", to: str | None = None) -> bytes:
    """A delivery status notification as Postfix writes it (RFC 3464, RFC 6522)."""
    return f"""From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: {to or verp()}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="B/mx.example.net"

--B/mx.example.net
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.net.

--B/mx.example.net
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Mon,  7 Sep 2026 07:00:05 +0000 (UTC)

Final-Recipient: rfc822; reader@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} unknown

--B/mx.example.net
Content-Type: text/rfc822-headers

From: Carillon <news@example.org>

--B/mx.example.net--
""".replace("\n", "\r\n").encode()


def arf(kind: str = "abuse", mail_from: str = "", leave: str = "") -> bytes:
    """A complaint as RFC 5965 shows it."""
    return f"""From: <abusedesk@mail.example.com>
To: <fbl@example.org>
Subject: FW: Three new papers
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part1"

--part1
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--part1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{mail_from}>

--part1
Content-Type: message/rfc822

From: <news@example.org>
List-Unsubscribe:
 <https://carillon.example.org/leave?token={leave}>
Subject: Three new papers

text
--part1--
""".replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("status", "action", "verdict"),
    [
        ("5.1.1", "failed", "gone"),
        ("5.2.1", "failed", "gone"),
        ("5.0.0", "failed", "gone"),
        ("5.2.2", "failed", "refused"),
        ("5.2.3", "failed", "refused"),
        ("5.1.8", "failed", "refused"),
        ("5.7.1", "failed", "refused"),
        ("5.4.4", "failed", "refused"),
        ("4.2.2", "failed", "delayed"),
        ("4.4.1", "delayed", "delayed"),
        ("5.1.1", "delayed", "delayed"),
        ("2.1.5", "relayed", "delayed"),
    ],
)
def test_a_report_is_understood(status: str, action: str, verdict: str) -> None:
    found = bounce(dsn(status, action), TOKENS)
    assert found is not None
    assert (found.verdict, found.code) == (verdict, status)
    assert [one.id for one in found.about] == [DIGEST]


@pytest.mark.parametrize(
    "raw",
    [
        dsn(to="bounces@example.org"),
        dsn(to=verp(tokens=FOREIGN)),
        dsn(to=verp().replace("+d", "+l")),
        f"To: {verp()}\r\nSubject: I am on holiday\r\n\r\nStatus: 5.1.1\r\n".encode(),
        b"",
    ],
    ids=["no mark", "another's key", "another kind", "a vacation note", "nothing"],
)
def test_what_anybody_could_have_written_is_not_believed(raw: bytes) -> None:
    assert bounce(raw, TOKENS) is None


def test_the_mark_is_read_in_capitals_too() -> None:
    local, _, host = verp().partition("@")
    found = bounce(dsn(to=f"{local.upper()}@{host}"), TOKENS)
    assert found is not None


def test_a_complaint_is_known_by_the_mark_or_by_the_link_to_leave() -> None:
    token = TOKENS.sign("leave", "reader")
    by_mark = complaint(arf(mail_from=verp()), TOKENS, lambda: START)
    by_link = complaint(arf(leave=token), TOKENS, lambda: START)
    assert by_mark is not None
    assert by_link is not None
    assert [one.id for one in by_mark.about] == [DIGEST]
    assert by_link.subscriptions == ("reader",)
    assert complaint(arf("not-spam", mail_from=verp()), TOKENS, lambda: START) is None
    assert complaint(arf(leave=FOREIGN.sign("leave", "reader")), TOKENS, lambda: START) is None
    assert complaint(dsn(), TOKENS, lambda: START) is None


async def _sent(desk: Desk) -> str:
    """A digest that reached its reader; its id."""
    await desk.subscribe(a_subscription())
    await desk.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    assert await desk.at(7) == 1
    (row,) = await desk.rows(tables.digests)
    return str(row.id)


def _returns(desk: Desk) -> Returns:
    return Returns(desk.engine, TOKENS, desk.clock)


async def test_who_cannot_be_reached_is_never_written_to_again(desk: Desk) -> None:
    digest = await _sent(desk)
    for _ in range(2):
        outcome = await take_bounce(_returns(desk), dsn(to=verp("digest", digest)))
        assert outcome == "suppressed"
    (row,) = await desk.rows(tables.subscriptions)
    assert (row.active, row.inactive_reason) == (False, "mail came back with 5.1.1")
    (barred,) = await desk.rows(tables.suppressions)
    assert (barred.reason, barred.recipient) == ("bounce", row.recipient)


async def test_what_may_pass_is_noted_only(desk: Desk) -> None:
    digest = await _sent(desk)
    assert await take_bounce(_returns(desk), dsn("4.2.2", to=verp("digest", digest))) == "noted"
    (row,) = await desk.rows(tables.digests)
    assert (row.state, row.error) == ("sent", "mail came back with 4.2.2")
    (subscription,) = await desk.rows(tables.subscriptions)
    assert subscription.active
    assert await desk.rows(tables.suppressions) == []


async def test_a_letter_that_came_back_bars_its_recipient(desk: Desk) -> None:
    async with transaction(desk.engine) as connection:
        letter = await letters_store.queue(connection, "confirm", "no@example.org", START)
    await take_bounce(_returns(desk), dsn(to=verp("letter", str(letter))))
    (barred,) = await desk.rows(tables.suppressions)
    assert barred.recipient == recipient("email", "no@example.org")


async def test_who_complains_is_left_in_peace(desk: Desk) -> None:
    await _sent(desk)
    token = TOKENS.sign("leave", "reader")
    assert await take_complaint(_returns(desk), arf(leave=token)) == "suppressed"
    (row,) = await desk.rows(tables.subscriptions)
    assert not row.active
    (barred,) = await desk.rows(tables.suppressions)
    assert barred.reason == "complaint"


async def test_a_message_that_is_not_on_record_changes_nothing(one: Desk) -> None:
    assert await take_bounce(_returns(one), dsn()) == "ignored"
    assert await one.rows(tables.suppressions) == []


def _damaged(raw: bytes, seed: int) -> bytes:
    """The same with some bytes changed, dropped or doubled."""
    chance = random.Random(seed)  # noqa: S311
    octets = bytearray(raw)
    for _ in range(chance.randint(1, 40)):
        at = chance.randrange(len(octets))
        octets[at : at + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 6))
    return bytes(octets)


@settings(max_examples=150, deadline=None)
@given(st.integers(min_value=0), st.sampled_from([dsn(), arf(mail_from=verp())]))
@example(0, dsn("5.1.1\r\n\r\n\r\nStatus: \xff"))
def test_no_damaged_report_raises(seed: int, raw: bytes) -> None:
    damaged = _damaged(raw, seed)
    bounce(damaged, TOKENS)
    complaint(damaged, TOKENS, lambda: START)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=3000))
def test_no_bytes_raise(raw: bytes) -> None:
    for head in (b"", b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n"):
        bounce(head + raw, TOKENS)
        complaint(head + raw, TOKENS, lambda: START)


def test_a_message_with_thousands_of_forged_marks_is_soon_done_with() -> None:
    forged = b"bounces+d" + b"a" * 42 + b"@example.org\r\n "
    assert bounce(b"To: " + forged * 20_000 + dsn(), TOKENS) is None
