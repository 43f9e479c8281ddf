"""Planted in our services, PubMed, the mail server, the proxy, and the clock."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx

from services.console.doctor.codes import Code
from shared.errors import Away
from shared.probes import probes
from shared.serving import served
from tests.integration.doctor.patient import ANYWHERE, Patient, certificate
from tests.integration.doctor.plants import Planted, planted, set_to
from tests.unit.notifier.mailserver import Mailbox, smtp_server

NOWHERE = "127.0.0.1:1"


@planted(Code.SERVICE_SILENT)
async def _away(patient: Patient) -> AsyncIterator[Planted]:
    there = patient.probes["poller"]
    patient.probes["poller"] = f"http://{NOWHERE}"
    yield Planted()
    patient.probes["poller"] = there


@planted(Code.SERVICE_NOT_READY)
async def _lacking(patient: Patient) -> AsyncIterator[Planted]:
    patient.lacks["classifier"] = Away("broker: blocked by its memory or disk alarm")
    yield Planted()
    patient.lacks.clear()


@planted(Code.CLOCK_SKEW)
async def _ahead(patient: Patient) -> AsyncIterator[Planted]:
    patient.ahead = timedelta(minutes=7)
    yield Planted()
    patient.ahead = timedelta(0)


set_to(Code.NCBI_EMAIL, "of the example", lambda _: {"POLLER_NCBI_EMAIL": "you@example.org"})
set_to(Code.NCBI_EMAIL, "no address", lambda _: {"POLLER_NCBI_EMAIL": "operator"})
set_to(Code.NCBI_KEY_SHAPE, "half of it", lambda p: p.secret("POLLER_NCBI_API_KEY", "ab12" * 4))
set_to(Code.NCBI_UNREACHABLE, "another port", lambda _: {"POLLER_EUTILS_URL": f"http://{NOWHERE}/"})
set_to(Code.NCBI_URL, "half of it", lambda p: {"POLLER_EUTILS_URL": f"{p.standin}/entrez/"})


@planted(Code.NCBI_EMAIL)
async def _no_email(_patient: Patient) -> AsyncIterator[Planted]:
    yield Planted(without=["POLLER_NCBI_EMAIL"])


async def _failing(patient: Patient, kind: str) -> AsyncIterator[Planted]:
    rule = {"endpoint": "esearch", "kind": kind, "always": True}
    async with httpx.AsyncClient(base_url=patient.standin) as http:
        (await http.post("/_sim/faults", json=[rule])).raise_for_status()
        yield Planted()
        await http.delete("/_sim/faults")


@planted(Code.NCBI_KEY_REFUSED)
async def _key_revoked(patient: Patient) -> AsyncIterator[Planted]:
    async for plant in _failing(patient, "key_invalid"):
        yield plant


@planted(Code.NCBI_RATE)
async def _too_fast(patient: Patient) -> AsyncIterator[Planted]:
    async for plant in _failing(patient, "http_429"):
        yield plant


@planted(Code.NCBI_UNREACHABLE)
async def _outage(patient: Patient) -> AsyncIterator[Planted]:
    async for plant in _failing(patient, "http_502"):
        yield plant


set_to(Code.SMTP_UNREACHABLE, "another port", lambda _: {"NOTIFIER_SMTP_PORT": "1"})
set_to(
    Code.SMTP_UNREACHABLE, "no such host", lambda _: {"NOTIFIER_SMTP_HOST": "mail.carillon.invalid"}
)
set_to(Code.SMTP_TLS, "TLS where STARTTLS is", lambda _: {"NOTIFIER_SMTP_TLS": "tls"})
set_to(Code.SMTP_CERTIFICATE, "another name", lambda _: {"NOTIFIER_SMTP_HOST": "localhost"})
set_to(Code.SMTP_LOGIN, "an old password", lambda p: p.secret("NOTIFIER_SMTP_PASSWORD", "old"))


@planted(Code.SMTP_LOGIN)
async def _no_login(patient: Patient) -> AsyncIterator[Planted]:
    without = ["NOTIFIER_SMTP_USER"]
    yield Planted(patient.secret("NOTIFIER_SMTP_PASSWORD", ""), without)


@planted(Code.SMTP_SENDER)
async def _not_our_sender(patient: Patient) -> AsyncIterator[Planted]:
    patient.mailbox.mail = "550 5.7.1 you are not of this domain"
    yield Planted()
    patient.mailbox.mail = None


@planted(Code.SMTP_STARTTLS)
async def _an_old_server(_patient: Patient) -> AsyncIterator[Planted]:
    async with smtp_server(Mailbox()) as port:
        yield Planted({"NOTIFIER_SMTP_PORT": str(port)})


set_to(
    Code.PUBLIC_URL_SILENT, "another port",
    lambda _: {"NOTIFIER_PUBLIC_URL": f"https://{ANYWHERE}:1"},
)  # fmt: skip


def _at(url: str) -> Planted:
    return Planted({"NOTIFIER_PUBLIC_URL": f"https://{ANYWHERE}:{url.rsplit(':', 1)[1]}"})


@planted(Code.PUBLIC_URL_CERTIFICATE)
async def _unknown_certificate(patient: Patient) -> AsyncIterator[Planted]:
    cert, key = certificate(patient.folder / "another")
    async with served(probes({}), "127.0.0.1", 0, ssl_certfile=cert, ssl_keyfile=key) as url:
        yield _at(url)


@planted(Code.PUBLIC_URL_OTHER)
async def _somebody_else(patient: Patient) -> AsyncIterator[Planted]:
    cert, key = patient.cert
    async with served(probes({}), "127.0.0.1", 0, ssl_certfile=cert, ssl_keyfile=key) as url:
        yield _at(url)


@planted(Code.PUBLIC_URL_SILENT)
async def _nothing_behind_the_proxy(patient: Patient) -> AsyncIterator[Planted]:
    cert, key = patient.cert

    async def proxy(scope: dict[str, Any], _receive: object, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 502, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async with served(proxy, "127.0.0.1", 0, ssl_certfile=cert, ssl_keyfile=key) as url:
        yield _at(url)
