"""A mail server that fails in each way, at each step: nothing is lost, and nothing comes twice.

After each run the server's own log is compared with the ledger.
"""

from email import message_from_bytes
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.notifier import tables
from services.notifier.office import BACK_OFF
from services.notifier.senders.connection import SmtpServer
from services.notifier.senders.smtp import SmtpSender
from tests.unit.notifier.faultymail import Fault, FaultyServer
from tests.unit.notifier.kit import Desk
from tests.unit.notifier.mailserver import self_signed
from tests.unit.notifier.test_run import next_poll, subscribed

STEPS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot")
PASSING = ("421 4.3.2 closing down", "450 4.2.1 not now", None, "hang")
LOST: tuple[Fault, ...] = (("kept", None), ("kept", "hang"), ("dot", None), ("dot", "hang"))
"""The message is there, or may be, and no answer comes: the one ambiguous case."""


def mail_over(server: FaultyServer, **more: object) -> SmtpSender:
    given = {"tls": "none", "command_seconds": 1.0, "total_seconds": 5.0, "connections": 2, **more}
    where = SmtpServer("127.0.0.1", server.port, **given)  # type: ignore[arg-type]
    return SmtpSender(where, "news@example.org")


async def exhaust(desk: Desk) -> None:
    """Deliver, and again after each back-off, until nothing waits."""
    await desk.at(8)
    for wait in BACK_OFF:
        desk.timer.advance(seconds=wait.total_seconds())
        await desk.deliver()


def message_ids(server: FaultyServer, recipient: str) -> list[str]:
    found = (message_from_bytes(one.content) for one in server.taken if one.recipient == recipient)
    return [str(mail["Message-ID"]) for mail in found]


async def agree(desk: Desk, server: FaultyServer, *, twice: int = 0) -> None:
    """Ledger and server's log say the same; `twice` mails came once more, as their rows say."""
    repeats = 0
    for row in await desk.rows(tables.digests):
        ids = message_ids(server, f"{row.subscription_id}@example.org")
        assert row.state == "sent"
        assert set(ids) == {row.message_id}
        assert len(ids) == 1 or row.maybe_sent
        repeats += len(ids) - 1
    assert repeats <= twice
    told = await desk.rows(tables.ledger)
    assert {row.subscription_id for row in told} == {"a", "b", "c"}
    assert all(row.delivered_at is not None for row in told)
    assert len(await desk.rows(tables.outbox)) == 3
    assert all(row.active for row in await desk.rows(tables.subscriptions))
    for one in {one.recipient for one in server.taken}:
        assert len({mail.content for mail in server.taken if mail.recipient == one}) == 1


@pytest.mark.parametrize("answer", PASSING)
@pytest.mark.parametrize("step", STEPS)
async def test_a_fault_that_passes_loses_nothing_and_repeats_nothing(
    one: Desk, step: str, answer: str | None
) -> None:
    await subscribed(one, "a", "b", "c")
    may_have = step == "dot" and answer in {None, "hang"}
    async with FaultyServer([(step, answer)] * 2).running() as server:
        one.senders = {"email": mail_over(server)}
        await exhaust(one)
        await one.senders["email"].close()
    assert server.faults == []
    await agree(one, server, twice=0)
    rows = await one.rows(tables.digests)
    assert sum(row.maybe_sent for row in rows) == (2 if may_have else 0)


@pytest.mark.parametrize("answer", ["454 4.7.0 not now", "554 5.7.0 no", None, "hang"])
@pytest.mark.parametrize("step", ["STARTTLS", "AUTH"])
async def test_a_fault_before_anybody_is_let_in(
    one: Desk, step: str, answer: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    await subscribed(one, "a", "b", "c")
    async with FaultyServer([(step, answer)] * 2, context).running() as server:
        named = {"tls": "starttls", "user": "u", "password": SecretStr("p")}
        one.senders = {"email": mail_over(server, **named)}
        await exhaust(one)
        await one.senders["email"].close()
    assert server.faults == []
    await agree(one, server)


@pytest.mark.parametrize("step", [*STEPS, "kept"])
async def test_a_server_that_is_slow_is_waited_for(one: Desk, step: str) -> None:
    await subscribed(one, "a", "b", "c")
    async with FaultyServer([(step, "slow")] * 2).running() as server:
        one.senders = {"email": mail_over(server)}
        assert await one.at(8) == 3
        await one.senders["email"].close()
    assert server.faults == []
    await agree(one, server)


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL"])
async def test_a_refusal_of_us_is_no_fault_of_a_reader(one: Desk, step: str) -> None:
    await subscribed(one, "a", "b", "c")
    async with FaultyServer([(step, "554 5.7.1 not you")] * 3).running() as server:
        one.senders = {"email": mail_over(server)}
        await exhaust(one)
        await one.senders["email"].close()
    await agree(one, server)


@pytest.mark.parametrize("fault", LOST)
async def test_only_an_answer_that_was_lost_can_mean_the_same_mail_once_more(
    one: Desk, fault: Fault
) -> None:
    await subscribed(one, "a", "b", "c")
    async with FaultyServer([fault] * 2).running() as server:
        one.senders = {"email": mail_over(server)}
        await exhaust(one)
        await one.senders["email"].close()
    await agree(one, server, twice=2)
    rows = await one.rows(tables.digests)
    assert sum(row.maybe_sent for row in rows) == 2


@pytest.mark.parametrize(
    ("fault", "is_dead"),
    [
        (("RCPT", "550 5.1.1 no such user"), True),
        (("RCPT", "551 user not local"), True),
        (("dot", "550 5.1.1 no such user after all"), True),
        (("dot", "554 5.7.1 looks like spam"), False),
        (("dot", "552 5.3.4 too big"), False),
    ],
)
async def test_a_refusal_that_lasts_is_on_record_and_its_papers_are_free(
    one: Desk, fault: Fault, is_dead: bool
) -> None:
    await subscribed(one, "a")
    async with FaultyServer([fault]).running() as server:
        one.senders = {"email": mail_over(server)}
        await exhaust(one)
        assert (server.taken, await one.told("a")) == ([], set())
        (row,) = await one.rows(tables.digests)
        assert (row.state, row.error.split(":")[0][:4]) == ("failed", "SMTP")
        (reader,) = await one.rows(tables.subscriptions)
        assert reader.active is not is_dead
        listed = await one.rows(tables.suppressions)
        assert [entry.reason for entry in listed] == (["bounce"] if is_dead else [])
        await next_poll(one, 8, 3)
        assert await one.at(8, day=8) == (0 if is_dead else 1)
        await one.senders["email"].close()
    if not is_dead:
        assert await one.told("a") == {(1, "article"), (2, "article"), (3, "article")}


async def test_a_refused_recipient_does_not_cost_the_others_their_connection(one: Desk) -> None:
    await subscribed(one, "a", "b", "c")
    async with FaultyServer([("RCPT", "550 5.1.1 no such user")]).running() as server:
        one.senders = {"email": mail_over(server, connections=1)}
        assert await one.at(8) == 2
        await one.senders["email"].close()
    assert server.steps.count("greeting") == 1
    assert server.steps.count("RSET") == 1
    assert len(server.taken) == 2


async def test_a_connection_that_the_server_closed_meanwhile_costs_no_attempt(one: Desk) -> None:
    await subscribed(one, "a", "b", "c")
    later: list[Fault] = [("MAIL", "421 4.4.2 idle for too long"), ("MAIL", None)]
    async with FaultyServer().running() as server:
        sender = mail_over(server, connections=1)
        one.senders = {"email": sender}
        await one.at(8)
        server.faults = later[:1]
        await next_poll(one, 8, 3)
        assert await one.at(8, day=8) == 3
        server.faults = later[1:]
        await next_poll(one, 9, 4)
        assert await one.at(8, day=9) == 3
        await sender.close()
    assert {attempts for _, attempts in await one.digests()} == {1}
    assert server.steps.count("greeting") == 3


async def test_connections_are_few_and_used_again(one: Desk) -> None:
    names = [f"r{number}" for number in range(30)]
    await subscribed(one, *names)
    async with FaultyServer().running() as server:
        one.senders = {"email": mail_over(server, connections=3, per_domain=1000.0)}
        assert await one.at(8) == 30
        await one.senders["email"].close()
    assert server.steps.count("greeting") <= 3
    assert server.steps.count("QUIT") == server.steps.count("greeting")
    assert len(server.taken) == 30


async def test_a_connection_that_rests_for_long_is_closed(one: Desk) -> None:
    await subscribed(one, "a")
    async with FaultyServer().running() as server:
        where = SmtpServer("127.0.0.1", server.port, "none", connections=1)
        one.senders = {"email": SmtpSender(where, "news@example.org", idle_seconds=0.0)}
        assert await one.at(8) == 1
    assert server.steps[-1] == "QUIT"
