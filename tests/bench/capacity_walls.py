"""Where the design would have to change: each wall with its number, and who stands beyond it."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from tests.bench.capacity_inputs import Inputs
from tests.bench.capacity_scenarios import Scenario

HOUR, DAY, YEAR = 3600.0, 86_400.0, 365.0
HOURLY_POLLS_A_WEEK = 24.0 * 7
MB = 1e6


@dataclass(frozen=True)
class Wall:
    """What ends, at which number, and what would have to be built or set."""

    what: str
    number: str
    is_beyond: Callable[[Scenario], bool]
    change: str


def walls(given: Inputs) -> tuple[Wall, ...]:
    """All of them, in the order of the line: PubMed, articles, readers, engines."""
    return (
        *_of_pubmed(given),
        *_of_articles(given),
        *_of_looking(given),
        *_of_mail(given),
        *_of_engines(given),
    )


def topics_of_a_poller(given: Inputs) -> float:
    """Polled hourly, one after the other."""
    return HOUR / given.poll_seconds


def digests_an_hour(given: Inputs) -> float:
    """Of one notifier, by a processor of its own."""
    each = given.cut_ms + given.cut_database_ms + given.send_ms + given.send_database_ms
    return HOUR * 1000 / each


def mails_an_hour(given: Inputs) -> float:
    """Of one notifier, by its connections to the mail server."""
    return HOUR * given.smtp_connections / given.mail_seconds


def processes(one: Scenario, given: Inputs) -> int:
    """Two of each service at least, that one may be lost, and more where one is not enough."""
    digests = min(digests_an_hour(given), mails_an_hour(given))
    line = one.events_a_day * given.classifier_ms / 1000 / DAY
    needed = (one.topics / topics_of_a_poller(given), line, one.digests_an_hour / digests)
    return sum(max(2, ceil(share) + 1) for share in needed)


def _of_pubmed(given: Inputs) -> tuple[Wall, ...]:
    requests = given.poll_requests + 1
    keyed, plain = (HOUR * rate / requests for rate in (given.ncbi_keyed, given.ncbi_plain))
    news = given.reread_most / given.fresh_days * YEAR
    known = given.reread_most * HOURLY_POLLS_A_WEEK
    files = "NLM's daily files, read once for all topics (`carillon ingest` has one topic a run)"
    return (
        Wall(
            "topics of one poller, polled hourly, one after the other",
            f"{topics_of_a_poller(given):,.0f} topics",
            lambda one: one.topics > topics_of_a_poller(given),
            "more pollers: they share the topics by their locks",
        ),
        Wall(
            "topics polled hourly on one key of NCBI (without a key)",
            f"{keyed:,.0f} ({plain:,.0f}) topics",
            lambda one: one.topics > keyed,
            f"poll less often (`poll_every_minutes`); then {files}",
        ),
        Wall(
            "articles that answer one query and enter PubMed in one minute",
            f"{given.ncbi_cap:,.0f}",
            lambda one: one.news / YEAR / 24 / 60 > given.ncbi_cap,
            "a narrower query: PubMed gives no more, and Carillon says so",
        ),
        Wall(
            "new articles of a topic, all read again at each hourly poll for a month",
            f"{news:,.0f} a year",
            lambda one: one.news > news,
            f"{files}: they bring what changed; until then corrections come late",
        ),
        Wall(
            "known articles of a topic, read again within a week",
            f"{known:,.0f} articles",
            lambda one: one.known > known,
            "the same",
        ),
    )


def _of_articles(given: Inputs) -> tuple[Wall, ...]:
    known = given.poller_room_mb * MB / given.known_bytes
    return (
        Wall(
            "known articles of a topic, all in memory at each poll (`store.read_known`)",
            f"{known:,.0f} articles",
            lambda one: one.known > known,
            "ask the database for those that were found, chunk by chunk",
        ),
        Wall(
            "articles of a topic on the archive's pages",
            f"{given.shelf_articles:,.0f} articles",
            lambda one: one.known > given.shelf_articles,
            "an index of words (`tsvector`), and counts in SQL or a search engine",
        ),
    )


def _of_looking(given: Inputs) -> tuple[Wall, ...]:
    half, held = 1e6 / given.look_us, given.notifier_room_mb * MB / given.look_bytes
    return (
        Wall(
            "readers: a notifier spends half its time looking at all of them, each second "
            "(`subscribers.awaited`)",
            f"{half:,.0f} readers",
            lambda one: one.readers > half,
            "the next due instant in an indexed column: only those are read who are due",
        ),
        Wall(
            "readers whom one such look holds in a notifier's memory",
            f"{held:,.0f} readers",
            lambda one: one.readers > held,
            "the same; until then more memory",
        ),
    )


def _of_mail(given: Inputs) -> tuple[Wall, ...]:
    share, domain = given.largest_domain, HOUR * given.per_domain
    return (
        Wall(
            "digests an hour of one notifier, by its processor",
            f"{digests_an_hour(given):,.0f}",
            lambda one: one.digests_an_hour > digests_an_hour(given),
            "more notifiers: they share what is due",
        ),
        Wall(
            "mails an hour of one notifier, by its connections",
            f"{mails_an_hour(given):,.0f}",
            lambda one: one.digests_an_hour > mails_an_hour(given),
            "`NOTIFIER_SMTP_CONNECTIONS` up to 50, or more notifiers, if the mail server bears it",
        ),
        Wall(
            "mails an hour of one notifier to one domain",
            f"{domain:,.0f}",
            lambda one: one.digests_an_hour * share > domain,
            "`NOTIFIER_PER_DOMAIN_SECOND`, as far as that domain bears it",
        ),
        Wall(
            "messages a second to one Slack channel",
            f"{given.slack_second:,.0f}",
            lambda one: False,
            "none needed: each webhook is a channel of its own",
        ),
        Wall(
            "mails a day to Gmail, from where on it asks more of a sender",
            f"{given.gmail_bulk:,.0f}",
            lambda one: one.digests_a_day * share > given.gmail_bulk,
            "none in Carillon: SPF, DKIM, DMARC, and complaints below 0.1 %",
        ),
    )


def _of_engines(given: Inputs) -> tuple[Wall, ...]:
    most = given.database_connections / given.process_connections
    digests = given.database_grows_gb * 1e9 / YEAR / given.digest_bytes
    broker = 1000 / given.broker_ms
    return (
        Wall(
            "processes on one PostgreSQL, by its connections",
            f"{most:,.0f} processes",
            lambda one: processes(one, given) > most,
            "smaller pools, or PgBouncer in session mode (a poller's lock is a session's)",
        ),
        Wall(
            f"digests a day: kept for ever, they add {given.database_grows_gb:,.0f} GB a year",
            f"{digests:,.0f} a day",
            lambda one: one.digests_a_day > digests,
            "digests and ledger in partitions by month, contents of old digests dropped",
        ),
        Wall(
            "articles a second through the broker, by one core of it",
            f"{broker:,.0f} a second",
            lambda one: one.events_a_day / DAY > broker,
            "queues for shares of the topics; all of PubMed is one article in five seconds",
        ),
    )
