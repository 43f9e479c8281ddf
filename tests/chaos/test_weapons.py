"""The weapons themselves: each does what it says, or a chaos run shows nothing."""

import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Undecodable, decode
from tests.builders import classified, discovered, revised
from tests.chaos.corrupt import spoiled
from tests.chaos.faults import KINDS, sorts
from tests.chaos.mailbox import DROP, STALL, Mailbox
from tests.chaos.process_log import findings
from tests.chaos.proxy import Proxy, Route
from tests.chaos.schedule import Fault, plan


class Echo:
    """A server that gives back what it gets."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    @staticmethod
    def _serve(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65_536):
                    connection.sendall(data)
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def route() -> Iterator[Route]:
    echo = Echo()
    with Proxy() as proxy:
        yield proxy.route("echo", "127.0.0.1", echo.port)
    echo.close()


def connected(route: Route) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", route.port), timeout=5)
    assert said(one, b"hello") == b"hello"
    return one


def said(one: socket.socket, words: bytes) -> bytes:
    one.sendall(words)
    return one.recv(65_536)


def is_silent(one: socket.socket) -> bool:
    one.settimeout(0.2)
    try:
        one.recv(1)
    except TimeoutError:
        return True
    finally:
        one.settimeout(5)
    return False


def test_a_cut_resets_what_is_open_and_lets_in_what_comes(route: Route) -> None:
    with connected(route) as one:
        assert route.cut() == 1
        with pytest.raises(ConnectionResetError):
            one.recv(1)
    with connected(route):
        assert route.accepted == 2


def test_an_orderly_cut_is_an_end_and_no_reset(route: Route) -> None:
    with connected(route) as one:
        route.cut("fin")
        assert one.recv(1) == b""


def test_refused_connections_leave_open_ones_and_the_port_stays(route: Route) -> None:
    with connected(route) as one:
        route.refuse()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", route.port))
        assert said(one, b"still") == b"still"
        port = route.port
        route.heal()
        assert route.port == port
        connected(route).close()


def test_a_black_hole_takes_everything_and_says_nothing_until_it_is_healed(route: Route) -> None:
    with connected(route) as old:
        route.black_hole()
        new = socket.create_connection(("127.0.0.1", route.port), timeout=5)
        for one in (old, new):
            one.sendall(b"anybody?")
            assert is_silent(one)
        route.heal()
        for one in (old, new):
            with pytest.raises(ConnectionResetError):
                one.recv(1)
        new.close()
    connected(route).close()


def test_half_open_connections_hear_nothing_of_their_end(route: Route) -> None:
    with connected(route) as one:
        assert route.half_open() == 1
        one.sendall(b"anybody?")
        assert is_silent(one)
        connected(route).close()
        route.heal()
        with pytest.raises(ConnectionResetError):
            one.recv(1)


def test_a_delay_holds_each_chunk_back(route: Route) -> None:
    with connected(route) as one:
        route.delay(0.15)
        start = time.monotonic()
        assert said(one, b"slowly") == b"slowly"
        assert time.monotonic() - start >= 0.3  # there and back


def test_a_throttle_lets_so_much_pass(route: Route) -> None:
    with connected(route) as one:
        route.throttle(50_000)
        start = time.monotonic()
        one.sendall(b"x" * 10_000)
        got = 0
        while got < 10_000:
            got += len(one.recv(65_536))
        assert time.monotonic() - start >= 0.35  # 0.2 s there, 0.2 s back


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_cut_falls_after_so_many_bytes(route: Route, way: str) -> None:
    with connected(route) as one:
        route.cut_after(4, "up" if way == "up" else "down", "fin")
        one.sendall(b"abcdefgh")
        got = b""
        while more := one.recv(100):
            got += more
        assert got in ({b"abcd"} if way == "down" else {b"", b"abcd"})
    connected(route).close()


MAIL = (
    b"From: a@example.org\r\nTo: b@example.org\r\nSubject: two papers\r\n"
    b"Date: Mon, 07 Sep 2026 05:00:00 +0000\r\nMessage-ID: <m1@localhost>\r\n"
    b"List-Id: <carillon.localhost>\r\n\r\n"
    b"Notices about papers you were sent\r\n\r\nRetracted: A\r\n"
    b"  You were sent this paper on 1 May.\r\n  PMID 11\r\n\r\n"
    b"A title\r\n  PubMed 12 https://pubmed.ncbi.nlm.nih.gov/12/\r\n\r\n"
    b"1 more\r\n  https://pubmed.ncbi.nlm.nih.gov/13/\r\n\r\n"
    b"What was checked\r\n  PubMed 14 https://pubmed.ncbi.nlm.nih.gov/14/\r\n"
)


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    with Mailbox(tmp_path / "mails.jsonl") as server:
        yield server


def send(mailbox: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.port, timeout=2) as client:
        client.sendmail("a@example.org", ["b@example.org"], MAIL)


def test_a_mail_is_on_disk_when_it_is_answered_with_what_it_tells(mailbox: Mailbox) -> None:
    send(mailbox)
    (mail,) = mailbox.mails()
    assert (mail.recipient, mail.message_id) == ("b@example.org", "<m1@localhost>")
    assert (mail.kind, mail.pmids, mail.notices, mail.answered) == ("digest", (12, 13), (11,), True)


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot"])
@pytest.mark.parametrize("answer", ["451 4.3.0 not now", "554 5.7.0 no", DROP])
def test_what_fails_before_acceptance_is_not_kept(mailbox: Mailbox, step: str, answer: str) -> None:
    mailbox.expect(step, answer, times=2)  # type: ignore[arg-type]
    with pytest.raises((smtplib.SMTPException, OSError)):
        send(mailbox)
    assert mailbox.mails() == []
    assert mailbox.heal() <= 1
    send(mailbox)
    assert len(mailbox.mails()) == 1


@pytest.mark.parametrize("answer", [DROP, STALL])
def test_a_lost_answer_is_counted_and_its_mail_is_kept(mailbox: Mailbox, answer: str) -> None:
    mailbox.expect("kept", answer)
    with pytest.raises((smtplib.SMTPException, OSError)):
        send(mailbox)
    (mail,) = mailbox.mails()
    assert not mail.answered
    assert mailbox.lost_answers == 1


def test_a_server_that_is_down_refuses_and_comes_back_on_its_port(mailbox: Mailbox) -> None:
    mailbox.down()
    with pytest.raises(ConnectionRefusedError):
        send(mailbox)
    mailbox.up()
    send(mailbox)
    assert len(mailbox.mails()) == 1


def test_a_plan_is_repeated_by_its_seed_and_covers_every_kind() -> None:
    faults = plan(7, sorts(), 3_600)

    assert faults == plan(7, sorts(), 3_600)
    assert faults != plan(8, sorts(), 3_600)
    assert {fault.kind for fault in faults} == set(KINDS)
    assert len(faults) > 300
    assert all(fault.at < 3_600 for fault in faults)


@given(seed=st.integers(0, 10_000), seconds=st.integers(1, 600))
def test_faults_of_a_lane_and_heavy_ones_never_overlap(seed: int, seconds: int) -> None:
    faults = plan(seed, sorts(), seconds, pause=0.5)

    for lane in {fault.lane for fault in faults}:
        assert are_apart([fault for fault in faults if fault.lane == lane])
    assert are_apart([fault for fault in faults if fault.heavy])


def are_apart(faults: list[Fault]) -> bool:
    return all(one.at + one.seconds <= after.at for one, after in pairwise(faults))


def test_bad_messages_are_the_same_for_a_seed_and_say_what_becomes_of_them() -> None:
    archive = [discovered().encode(), revised().encode(), classified().encode(), b"\xff"]
    messages = spoiled(3, archive, large=1_000)

    assert messages == spoiled(3, archive, large=1_000)
    kinds = {message.kind for message in messages}
    assert {"undecodable", "misplaced", "duplicate", "older-revision"} <= kinds
    for message in messages:
        if message.fate == "no effect":
            decode(message.body)
        elif message.kind != "misplaced":
            with pytest.raises(Undecodable):
                decode(message.body)


def test_what_logs_say_about_bugs_is_found(tmp_path: Path) -> None:
    lines = [
        '{"event": "service_started", "level": "info"}',
        '{"event": "message_parked", "reason": "permanent"}',
        '{"event": "message_parked", "reason": "bug"}',
        '{"event": "step_failed", "exception": []}',
        '{"event": "Task exception was never retrieved", "level": "error", "exception": []}',
        '{"event": "Cancelling cause reader exited", "level": "warning", "exception": []}',
        "Traceback (most recent call last):",
        '{"event": "broken off by a SIGK',
    ]
    (tmp_path / "one.log").write_text("\n".join(lines))

    found = findings([tmp_path / "one.log"])

    assert found.events["service_started"] == 1
    assert len(found.bugs) == 4
