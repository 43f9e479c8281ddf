"""Which checks an installation gets: facts and rules, put together."""

from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

from services.console.doctor.case import SERVICES, Case
from services.console.doctor.facts import (
    broker,
    database,
    documents,
    mail,
    outside,
    settings,
    smtp,
    topology,
)
from services.console.doctor.finding import Told, Unchecked
from services.console.doctor.report import Check
from services.console.doctor.rules.broker import judge_entered, judge_queues, not_looked
from services.console.doctor.rules.database import judge as judge_database
from services.console.doctor.rules.database import judge_line
from services.console.doctor.rules.documents import judge as judge_documents
from services.console.doctor.rules.documents import judge_machine
from services.console.doctor.rules.mail import judge as judge_mail
from services.console.doctor.rules.outside import (
    judge_clocks,
    judge_ncbi,
    judge_pages,
    judge_probe,
    judge_smtp,
)
from services.console.doctor.rules.settings import judge as judge_settings
from services.console.doctor.rules.topology import judge as judge_topology
from services.notifier.production import only_here
from services.notifier.settings import Settings as NotifierSettings
from services.notifier.vault import Vault
from services.poller.topic import read_topics
from shared.clock import Clock, clock_from, system_clock
from shared.errors import ConfigurationError
from shared.migrate import revisions
from shared.placing import AWAY


def checks(case: Case, clock: Clock = system_clock) -> list[Check]:
    """All that can be asked of this installation."""
    return [
        Check("settings", partial(_settings, case)),
        Check("topics, taxonomy and subscriptions", partial(_documents, case)),
        Check("disk and folders", partial(_machine, case)),
        *(_of_engines(case, clock) if case.is_deployed else ()),
        *_of_mail(case),
        Check("PubMed", partial(_ncbi, case)),
        Check("clocks", partial(_clocks, case, clock)),
    ]


async def _settings(case: Case) -> Told:
    return judge_settings(await settings.gather(case))


async def _documents(case: Case) -> Told:
    return judge_documents(await documents.gather(case))


async def _machine(case: Case) -> Told:
    return judge_machine(await documents.gather_machine(case))


def _of_engines(case: Case, clock: Clock) -> Iterator[Check]:
    for url, who in case.grouped("database").items():
        yield Check(f"database ({', '.join(who)})", partial(_database, url, who))
    for url, who in case.grouped("amqp").items():
        yield Check(f"broker ({', '.join(who)})", partial(_entered, url, who))
    yield Check("outboxes, polls and sealed targets", partial(_line, case, clock))
    yield Check("queues and exchanges", partial(_queues, case))
    yield Check("topology, rights and limits at the broker", partial(_topology, case))
    for service in SERVICES:
        yield Check(service, partial(_probe, service, case.probes[service]))


async def _database(url: str, who: tuple[str, ...]) -> Told:
    known = {schema: revisions(schema) for schema in database.TABLES}
    return judge_database(await database.gather(url, who), known)


async def _entered(url: str, who: tuple[str, ...]) -> Told:
    return judge_entered(await broker.gather(url, who))


async def _line(case: Case, clock: Clock) -> Told:
    name, url = "outboxes, polls and sealed targets", case.urls("database").get("console")
    if url is None:
        return [Unchecked(name, "CARILLON_DATABASE_URL is not set, or not to be used")]
    try:
        now = _their_clock(case, clock)()
        return judge_line(await database.gather_line(url, now, _vault(case)))
    except database.AWAY:
        return [Unchecked(name, "the database did not let the console in, or has no tables")]


def _their_clock(case: Case, clock: Clock) -> Clock:
    """The services': in the demo a simulated one."""
    file = case.notifier.settings.clock_file if case.notifier.settings else None
    return clock_from(file) if file and file.is_file() else clock


def _vault(case: Case) -> Vault | None:
    """The notifier's, where its keys are given and can be used."""
    notifier = case.notifier.settings
    if notifier is None or notifier.secret_key is None:
        return None
    try:
        return Vault(notifier.keys())
    except ConfigurationError:
        return None


async def _queues(case: Case) -> Told:
    url = case.urls("amqp").get("console")
    if url is None:
        return not_looked("console", "CARILLON_AMQP_URL is not set, or not to be used")
    try:
        return judge_queues(await broker.gather_queues(url))
    except AWAY:
        return not_looked("console", "the broker did not let it in")


async def _topology(case: Case) -> Told:
    urls, console = case.urls("amqp"), case.console.settings
    if console is None or console.management_url is None or "console" not in urls:
        told = "it needs CARILLON_MANAGEMENT_URL and CARILLON_AMQP_URL"
        return [Unchecked("topology, rights and limits at the broker", told)]
    return judge_topology(await topology.gather(console.management_url, urls["console"], urls))


async def _probe(service: str, url: str) -> Told:
    return judge_probe(await outside.gather_probe(service, url))


def _of_mail(case: Case) -> Iterator[Check]:
    notifier = case.notifier.settings
    if notifier is None or not case.notifier.is_told:
        return
    yield Check("mail and pages, as they are set", partial(_mail, case, notifier))
    if server := notifier.smtp_server():
        look = partial(_smtp, notifier)
        yield Check(f"mail server {server.host}:{server.port}", look)
    if url := _pages_url(case, notifier):
        yield Check(f"pages at {outside.shown(url)}", partial(_pages, url))


async def _mail(case: Case, notifier: NotifierSettings) -> Told:
    return judge_mail(await mail.gather(case, notifier))


async def _smtp(notifier: NotifierSettings) -> Told:
    server = notifier.smtp_server()
    return judge_smtp(await smtp.gather(server, notifier.mail_from)) if server else []


def _pages_url(case: Case, notifier: NotifierSettings) -> str | None:
    """Where to look for the pages: what only this machine reaches is asked inside, by its name."""
    if not only_here(urlsplit(notifier.public_url).hostname or ""):
        return notifier.public_url
    if not case.is_deployed or not notifier.web_port:
        return None  # of the embedded mode, which need not run now
    return f"http://{urlsplit(case.probes['notifier']).hostname}:{notifier.web_port}"


async def _pages(url: str) -> Told:
    return judge_pages(await outside.gather_pages(url))


async def _ncbi(case: Case) -> Told:
    poller = case.poller.settings
    if poller is None or not case.poller.is_told:
        return [Unchecked("PubMed", "the poller's settings are not known here")]
    return judge_ncbi(await outside.gather_ncbi(poller.access(), _seeds(case)))


def _seeds(case: Case) -> Sequence[int]:
    if case.poller.settings is None:
        return ()
    try:
        return tuple(topic.seed for topic in read_topics(case.poller.settings.topics_dir))
    except ConfigurationError:
        return ()


async def _clocks(case: Case, clock: Clock) -> Told:
    urls = {}
    console, poller = case.console.settings, case.poller.settings
    if case.is_deployed and console and console.management_url:
        urls["broker"] = console.management_url
    if poller and case.poller.is_told:
        urls["PubMed"] = poller.eutils_url
    of = case.urls("database")
    url = of.get("console") or next(iter(of.values()), None)
    return judge_clocks(await outside.gather_clocks(clock, url, urls))
