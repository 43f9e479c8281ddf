"""A request goes to the address that was checked, under the name that was typed."""

import asyncio
import socket
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.notifier.senders import AnswerLost
from services.notifier.senders.outgoing import ANSWER_OCTETS, Outgoing, retry_after
from services.notifier.senders.targets import Admission, BadTarget
from shared.errors import Retryable
from tests.unit.notifier.hookserver import Answer, HookServer

LOCAL = Admission(frozenset({"127.0.0.1", "localhost"}))
NOW = datetime(2026, 9, 7, 7, tzinfo=UTC)


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Every name leads to these addresses; which names were asked for."""
    asked: list[str] = []

    async def answer(host: str, port: int, **_more: Any) -> list[Any]:
        asked.append(host)
        kind = socket.SOCK_STREAM
        return [(socket.AF_INET, kind, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer)
    return asked


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("8.8.8.8", "127.0.0.1"), ("10.0.0.1",), ()])
async def test_a_name_that_leads_to_a_private_address_is_not_connected_to(
    addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with HookServer().running() as server:
        asked = resolving(monkeypatch, *addresses)
        with pytest.raises(Retryable, match="not public") as fault:
            await Outgoing(Admission()).post(f"https://turned.example.org:{server.port}/", {}, b"x")
        assert not isinstance(fault.value, AnswerLost)
    assert (asked, server.connections) == (["turned.example.org"], 0)


async def test_a_url_that_is_not_admitted_is_not_even_resolved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = resolving(monkeypatch, "8.8.8.8")
    with pytest.raises(BadTarget):
        await Outgoing(Admission()).post("http://example.org/", {}, b"x")
    assert asked == []


async def test_an_address_that_does_not_answer_gives_way_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with HookServer().running() as server:
        resolving(monkeypatch, "127.0.0.2", "127.0.0.1")
        found = await Outgoing(LOCAL).post(f"http://localhost:{server.port}/a?b=c", {}, b"x")
    assert (found.status, found.text, found.is_accepted) == (200, "ok", True)
    assert server.calls[0].headers["host"] == f"localhost:{server.port}"
    assert server.calls[0].path == "/a?b=c"


def certificate(folder: Path, names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for these names, and a client's that trusts it."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", f"subjectAltName={names}",
         "-out", str(cert), "-keyout", str(key)],
        check=True, capture_output=True,
    )  # fmt: skip
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(cert, key)
    return served, ssl.create_default_context(cafile=str(cert))


@pytest.mark.parametrize(("names", "is_valid"), [("DNS:localhost", True), ("IP:127.0.0.1", False)])
async def test_the_certificate_is_checked_for_the_name_and_not_for_the_address(
    names: str, is_valid: bool, tmp_path: Path
) -> None:
    served, trusted = certificate(tmp_path, names)
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(Answer(200, "ok").bytes())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=served)
    async with server:
        port = server.sockets[0].getsockname()[1]
        outgoing = Outgoing(LOCAL, trust=trusted)
        if is_valid:
            assert (await outgoing.post(f"https://localhost:{port}/", {}, b"")).is_accepted
        else:
            with pytest.raises(Retryable, match="certificate is not valid"):
                await outgoing.post(f"https://localhost:{port}/", {}, b"")
    assert len(heard) == (1 if is_valid else 0)


async def test_of_an_answer_only_the_beginning_is_read() -> None:
    async with HookServer([Answer(500, "x" * 300_000)]).running() as server:
        found = await Outgoing(LOCAL).post(f"{server.url}/", {}, b"x")
    assert (found.status, len(found.text)) == (500, ANSWER_OCTETS)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (None, None),
        ("30", timedelta(seconds=30)),
        (" 0 ", timedelta()),
        ("Mon, 07 Sep 2026 07:01:00 GMT", timedelta(minutes=1)),
        ("Mon, 07 Sep 2026 06:00:00 GMT", timedelta()),
        ("99999999999999", timedelta(seconds=10**6)),
        ("soon", None),
        ("-5", None),
    ],
)
def test_when_to_come_again(value: str | None, wait: timedelta | None) -> None:
    assert retry_after(value, NOW) == wait
