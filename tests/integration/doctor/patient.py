"""A whole healthy installation as production has it, on real parts, for the doctor to look at."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue
from pydantic import SecretStr

from services.console.accounts.account import SERVICES, accounts
from services.console.accounts.at_broker import grant_at_broker
from services.console.accounts.at_database import grant_in_database
from services.console.doctor.case import read_case
from services.console.doctor.checks import checks
from services.console.doctor.report import Report, examine
from services.ncbi_sim.app import create_app
from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from services.notifier.tokens import Tokens
from services.notifier.vault import Vault
from services.notifier.web.app import make_web
from services.notifier.web.house import House
from shared.broker import declare_topology
from shared.clock import system_clock
from shared.database import make_engine
from shared.migrate import upgrade
from shared.probes import Check, probes
from shared.serving import served
from shared.topology import CONSUMERS
from tests.parts import Postgres, Rabbit
from tests.unit.notifier.mailserver import Mailbox, only_with, smtp_server

ANYWHERE = "0.0.0.0"  # noqa: S104  an address of this machine that is not called its own
KEY = "a key for tests that is long enough"
READER = "reader.of.tests@carillon-lab.org"
SUBSCRIPTION = f"""
[[subscription]]
topic = "car-autoimmune"
address = "{READER}"
time_zone = "Europe/Belgrade"
confirmed = true
"""


def as_user(url: str, user: str, password: str) -> str:
    scheme, rest = url.split("://", 1)
    return f"{scheme}://{user}:{password}@{rest.split('@', 1)[1]}"


def certificate(folder: Path) -> tuple[str, str]:
    """A fresh certificate for this machine's addresses, and its key, as files."""
    folder.mkdir()
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=test",
         "-addext", f"subjectAltName=IP:127.0.0.1,IP:{ANYWHERE}", "-out", cert, "-keyout", key],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return cert, key


@dataclass
class Patient:
    """The installation; `environment` is what an operator sets.

    `readers` are who consumes which queue. `lacks` is why a service says that it is not ready;
    `ahead` how far our clock is.
    """

    folder: Path
    rabbit: Rabbit
    amqp_url: str
    database_url: str
    management: str
    readers: dict[str, tuple[AbstractQueue, str]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    probes: dict[str, str] = field(default_factory=dict)
    lacks: dict[str, Exception] = field(default_factory=dict)
    mailbox: Mailbox = field(default_factory=Mailbox)
    cert: tuple[str, str] = ("", "")
    standin: str = ""
    ahead: timedelta = timedelta(0)

    def secret(self, variable: str, value: str) -> dict[str, str]:
        """The setting that lets a variable's value be in a file, with that value in it."""
        path = self.folder / f"{variable.lower()}-{uuid4().hex[:6]}"
        path.write_text(f"{value}\n", encoding="utf-8")
        return {f"{variable}_FILE": str(path)}

    def of_service(self, engine: str, service: str) -> str:
        """A service's own URL."""
        named = self.environment[f"{service.upper()}_{engine.upper()}_URL_FILE"]
        return Path(named).read_text(encoding="utf-8").strip()

    def canaries(self) -> set[str]:
        """What the doctor must never say."""
        urls = [self.of_service(e, s) for e, s in product(("amqp", "database"), SERVICES)]
        passwords = {url.split("@")[0].split(":")[-1] for url in urls}
        return {*passwords, KEY, "pw-of-mail", "f" * 36, READER}

    async def examined(
        self, patch: pytest.MonkeyPatch, overrides: dict[str, str], names: list[str]
    ) -> Report:
        """What the doctor says where this is set besides; `names` are not set at all."""
        given = {k: v for k, v in {**self.environment, **overrides}.items() if k not in names}
        for name, value in given.items():
            patch.setenv(name, value)
        case = read_case(folders=(), probes=self.probes)
        return await examine(checks(case, lambda: datetime.now(UTC) + self.ahead))


@asynccontextmanager
async def healthy(rabbit: Rabbit, postgres: Postgres, folder: Path) -> AsyncIterator[Patient]:
    mark = uuid4().hex[:8]
    management = f"http://{rabbit.management.split('@')[1]}/"
    amqp_url, database_url = rabbit.new_vhost(mark), postgres.new_database(f"t{mark}")
    patient = Patient(folder, rabbit, amqp_url, database_url, management)
    patient.cert = certificate(folder / "tls")
    async with AsyncExitStack() as stack:
        await _engines(patient, mark)
        await _consumers(patient, stack)
        await _own_services(patient, stack)
        await _others(patient, stack)
        yield patient


async def _engines(patient: Patient, mark: str) -> None:
    """What `carillon migrate` does, with the accounts that a new secrets folder names."""
    secrets = patient.folder / "accounts"
    secrets.mkdir()
    administrator = {"amqp": patient.amqp_url, "database": patient.database_url}
    for kind, service in product(administrator, SERVICES):
        own = as_user(administrator[kind], f"{service}_{mark}", f"pw-{service}-{mark}")
        (secrets / f"{service}_{kind}_url").write_text(own, encoding="utf-8")
        patient.environment[f"{service.upper()}_{kind.upper()}_URL_FILE"] = str(
            secrets / f"{service}_{kind}_url"
        )
    engine = make_engine(patient.database_url)
    for schema in (*SERVICES, "console"):
        await upgrade(engine, schema)
    await grant_in_database(engine, accounts(secrets, "database", patient.database_url))
    await engine.dispose()
    await declare_topology(patient.amqp_url)
    at_broker = accounts(secrets, "amqp", patient.amqp_url)
    await grant_at_broker(patient.management, patient.amqp_url, at_broker)


async def _consumers(patient: Patient, stack: AsyncExitStack) -> None:
    for queue in CONSUMERS:
        url = patient.of_service("amqp", queue.name)
        connection = await stack.enter_async_context(await aio_pika.connect(url))
        channel = await connection.channel()
        work = await channel.get_queue(queue.name, ensure=False)
        patient.readers[queue.name] = (work, await work.consume(unheard))


async def unheard(_message: AbstractIncomingMessage) -> None:
    """Nothing is ever sent to it."""


async def _own_services(patient: Patient, stack: AsyncExitStack) -> None:
    """The services' probes, and the pages with and without TLS."""
    for service in SERVICES:
        app = probes({"work": _works(patient, service)})
        patient.probes[service] = await stack.enter_async_context(served(app, "127.0.0.1", 0))
    engine = make_engine(patient.database_url)
    stack.push_async_callback(engine.dispose)
    keys = (SecretStr(KEY),)
    house = House(engine, system_clock, Tokens(keys), Vault(keys), "https://carillon.test")
    pages, cert = make_web(house), {"ssl_certfile": patient.cert[0], "ssl_keyfile": patient.cert[1]}
    plain = await stack.enter_async_context(served(pages, "127.0.0.1", 0))
    closed = await stack.enter_async_context(served(pages, "127.0.0.1", 0, **cert))
    patient.environment |= {
        "NOTIFIER_WEB_PORT": plain.rsplit(":", 1)[1],
        "NOTIFIER_PUBLIC_URL": f"https://{ANYWHERE}:{closed.rsplit(':', 1)[1]}",
        "SSL_CERT_FILE": patient.cert[0],
    }


def _works(patient: Patient, service: str) -> Check:
    async def works() -> bool:
        if service in patient.lacks:
            raise patient.lacks[service]
        return True

    return works


async def _others(patient: Patient, stack: AsyncExitStack) -> None:
    """The mail server and PubMed's stand-in, and what an operator sets besides."""
    options = {
        "authenticator": only_with("carillon", "pw-of-mail"),
        "auth_required": True,
        "auth_require_tls": False,
        "tls_context": _context(patient),
    }
    mail = await stack.enter_async_context(smtp_server(patient.mailbox, **options))
    pubmed = create_app(load_catalogue(PACKAGED_CATALOGUE), rate_limit=False)
    patient.standin = await stack.enter_async_context(served(pubmed, "127.0.0.1", 0))
    readers = patient.folder / "subscriptions.toml"
    readers.write_text(SUBSCRIPTION, encoding="utf-8")
    patient.environment |= {
        **patient.secret("CARILLON_AMQP_URL", patient.amqp_url),
        **patient.secret("CARILLON_DATABASE_URL", patient.database_url),
        "CARILLON_MANAGEMENT_URL": patient.management,
        "POLLER_EUTILS_URL": f"{patient.standin}/entrez/eutils/",
        "POLLER_NCBI_EMAIL": "operator@carillon-lab.org",
        **patient.secret("POLLER_NCBI_API_KEY", "f" * 36),
        "NOTIFIER_PRODUCTION": "true",
        "NOTIFIER_DELIVERY": "smtp",
        "NOTIFIER_SMTP_HOST": "127.0.0.1",
        "NOTIFIER_SMTP_PORT": str(mail),
        "NOTIFIER_SMTP_TLS": "starttls",
        "NOTIFIER_SMTP_USER": "carillon",
        **patient.secret("NOTIFIER_SMTP_PASSWORD", "pw-of-mail"),
        "NOTIFIER_MAIL_FROM": "Carillon <news@carillon-lab.org>",
        "NOTIFIER_LIST_ID": "carillon.carillon-lab.org",
        **patient.secret("NOTIFIER_SECRET_KEY", KEY),
        **patient.secret("NOTIFIER_ADMIN_PASSWORD", "correct horse battery"),
        "NOTIFIER_SUBSCRIPTIONS_FILE": str(readers),
    }


def _context(patient: Patient) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*patient.cert)
    return context
