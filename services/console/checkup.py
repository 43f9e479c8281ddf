"""What `carillon doctor` looks at: each check says what it found and, if it is ill, the remedy."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import aio_pika
import httpx
import sqlalchemy as sa

from services.classifier.taxonomy import load_taxonomy
from services.console.embedded import Embedded, opened
from services.console.pulse import take_pulse
from services.console.stores import deployed_stores
from services.notifier.entries import load as load_subscriptions
from services.notifier.senders.connection import connection
from services.poller.eutils import Patience, make_eutils
from shared.broker import with_heartbeat
from shared.clock import system_clock
from shared.database import SCHEMAS, transaction
from shared.errors import CarillonError, ConfigurationError, Permanent
from shared.topology import ARCHIVE, CONSUMERS


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. `remedy` says what to do, when it is not well."""

    what: str
    well: bool
    remedy: str = ""


async def finding(what: str, remedy: str, check: Callable[[], Awaitable[object]]) -> Finding:
    """Run one check; whatever it raises is the finding, with the remedy."""
    try:
        seen = await check()
    except CarillonError as error:
        return Finding(what, well=False, remedy="; ".join(filter(None, (str(error), remedy))))
    except Exception as error:  # noqa: BLE001  the doctor reports every fault and dies of none
        return Finding(what, well=False, remedy=f"{remedy} ({type(error).__name__})")
    return Finding(f"{what}{f': {seen}' if seen else ''}", well=True)


async def check_embedded(read: Callable[[], Embedded]) -> list[Finding]:
    """Settings, topics, taxonomy, subscriptions, stores, PubMed and mail of the embedded mode."""
    try:
        embedded = read()
    except CarillonError as error:
        return [Finding("settings and topics", well=False, remedy=str(error))]
    topics = ", ".join(topic.id for topic in embedded.topics)
    return [
        Finding(f"settings and topics: {topics}", well=True),
        await finding("taxonomy", "", lambda: _taxonomy(embedded)),
        await finding("subscriptions", "", lambda: _subscriptions(embedded)),
        await finding(
            f"stores in {embedded.state}/",
            "make the folder writable, or set CARILLON_STATE to another one",
            lambda: _stores(embedded),
        ),
        await finding("PubMed", "check the network and POLLER_EUTILS_URL", lambda: _ncbi(embedded)),
        await finding("mail", "check NOTIFIER_SMTP_HOST, _PORT and _TLS", lambda: _mail(embedded)),
        await finding("links in mails", "set NOTIFIER_PUBLIC_URL", lambda: _links(embedded)),
    ]


async def _taxonomy(embedded: Embedded) -> str:
    return f"version {load_taxonomy(embedded.classifier.taxonomy).version}"


async def _subscriptions(embedded: Embedded) -> str:
    path = embedded.notifier.subscriptions_file
    if path is None:
        return "no file; those added with `carillon subscribe` count"
    found = load_subscriptions(path, system_clock())
    return f"{len(found)} in {path}, {sum(1 for one in found if one.confirmed_at)} confirmed"


async def _stores(embedded: Embedded) -> str:
    async with opened(embedded) as line:
        pulse = await take_pulse(line.stores, embedded.topics[0].id, line.clock())
    return f"{pulse.articles} articles known"


async def _ncbi(embedded: Embedded) -> str:
    # Asked once: whoever calls the doctor wants to know now.
    eutils = make_eutils(embedded.poller.access(), Patience(attempts=1, deadline=30.0))
    found = await eutils.similar(embedded.topics[0].seed)
    return f"{eutils.base_url} answers, {len(found)} articles similar to the seed"


async def _mail(embedded: Embedded) -> str:
    server = embedded.notifier.smtp_server()
    if server is None:
        return f"captured to {embedded.notifier.capture_dir}/, nothing is sent"
    async with connection(server):
        return f"{embedded.notifier.smtp_host} answers"


async def _links(embedded: Embedded) -> str:
    """Where links in mails lead: a mail that really leaves needs more than this machine's name."""
    url = embedded.notifier.public_url
    is_local = urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}
    if is_local and embedded.notifier.smtp_server() is not None:
        raise ConfigurationError(
            f"mails are really sent, and the links in them lead to {url}: nobody can confirm, "
            "or leave, from another machine"
        )
    return url


async def check_deployment(database_url: str, amqp_url: str) -> list[Finding]:
    """Database, tables, broker and queues of a deployment, and the services' probes."""
    return [
        await finding(
            "database and tables",
            "check CARILLON_DATABASE_URL, and run `carillon migrate`",
            lambda: _tables(database_url),
        ),
        await finding(
            "broker and queues",
            "check CARILLON_AMQP_URL, and run `carillon migrate`",
            lambda: _queues(amqp_url),
        ),
        *[
            await finding(service, f"see `docker compose logs {service}`", partial(_ready, service))
            for service in ("poller", "classifier", "notifier")
        ],
    ]


async def _tables(url: str) -> str:
    stores = deployed_stores(url)
    try:
        async with transaction(stores.poller) as connection:
            for schema in SCHEMAS[:3]:
                table = sa.table("outbox", schema=schema)
                await connection.execute(sa.select(sa.func.count()).select_from(table))
    finally:
        await stores.close()
    return ""


async def _queues(url: str) -> str:
    connection = await aio_pika.connect(with_heartbeat(url), timeout=10)
    async with connection:
        channel = await connection.channel()
        await channel.declare_queue(ARCHIVE, passive=True)
        waiting = {}
        for queue in CONSUMERS:
            for name in (queue.name, queue.parked):
                found = await channel.declare_queue(name, passive=True)
                waiting[name] = found.declaration_result.message_count or 0
    parked = [name for name, count in waiting.items() if name.endswith(".parked") and count]
    if parked:
        raise Permanent(
            f"messages are parked in {' and '.join(parked)}: see `carillon parked`, mend the "
            "cause, and put them back with `carillon parked redrive`"
        )
    return ", ".join(f"{name} {count}" for name, count in waiting.items())


async def _ready(service: str) -> str:
    async with httpx.AsyncClient(timeout=10) as http:
        answer = await http.get(f"http://{service}:8080/readyz")
        answer.raise_for_status()
    return "ready"
