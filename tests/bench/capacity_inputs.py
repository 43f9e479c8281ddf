"""What the model of `tests.bench.capacity` is fed with: each number, its unit, source and day."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

FOOTPRINT = "`tests.bench.footprint`"
MANY = f"{FOOTPRINT} of 1,500 readers"
LINE = "`tests.bench.line`"
MEASURED = "2026-11-30"
ASSUMED = "assumed"


@dataclass(frozen=True)
class Inputs:
    """Milliseconds are of a processor. Change one, and run the model again."""

    poller_ms: float = 0.9
    classifier_ms: float = 3.4
    notifier_ms: float = 1.9
    broker_ms: float = 1.7
    database_ms: float = 1.2
    cut_ms: float = 11.6
    cut_database_ms: float = 2.8
    send_ms: float = 3.7
    send_database_ms: float = 0.6
    look_us: float = 30.0
    look_database_us: float = 8.0
    look_bytes: float = 4450.0
    known_bytes: float = 1680.0
    article_bytes: float = 13_100.0
    revision_bytes: float = 600.0
    digest_bytes: float = 10_400.0
    reader_bytes: float = 1120.0
    event_bytes: float = 11_500.0
    delivered_bytes: float = 560.0
    archive_overhead: float = 1.06
    archive_days: float = 365.0
    broker_memory_mb: float = 325.0
    poll_requests: float = 6.0
    fetch_chunk: float = 200.0
    reread_most: float = 1000.0
    fresh_days: float = 30.0
    ncbi_keyed: float = 10.0
    ncbi_plain: float = 3.0
    ncbi_cap: float = 9999.0
    poll_seconds: float = 2.0
    mail_seconds: float = 0.3
    smtp_connections: float = 4.0
    per_domain: float = 10.0
    largest_domain: float = 0.4
    gmail_bulk: float = 5000.0
    slack_second: float = 1.0
    process_connections: float = 25.0
    database_connections: float = 500.0
    shelf_articles: float = 200_000.0
    poller_room_mb: float = 390.0
    notifier_room_mb: float = 770.0
    database_grows_gb: float = 1000.0


@dataclass(frozen=True)
class Source:
    """Where a number comes from, and since when."""

    unit: str
    source: str
    day: str


SOURCES: Mapping[str, Source] = {
    "poller_ms": Source("ms/article", LINE, MEASURED),
    "classifier_ms": Source("ms/article", LINE, MEASURED),
    "notifier_ms": Source(
        "ms/article", f"{FOOTPRINT}: 1.4, and 0.5 for AMQP as the classifier's", MEASURED
    ),
    "broker_ms": Source("ms/article", LINE, MEASURED),
    "database_ms": Source("ms/article", f"{LINE}: 0.6, {FOOTPRINT}: 0.6 of the notifier", MEASURED),
    "cut_ms": Source("ms/digest of 14", FOOTPRINT, MEASURED),
    "cut_database_ms": Source("ms/digest of 14", FOOTPRINT, MEASURED),
    "send_ms": Source("ms/digest of 14", FOOTPRINT, MEASURED),
    "send_database_ms": Source("ms/digest of 14", FOOTPRINT, MEASURED),
    "look_us": Source("µs/reader, each second", MANY, MEASURED),
    "look_database_us": Source("µs/reader, each second", MANY, MEASURED),
    "look_bytes": Source("bytes/reader, meanwhile", MANY, MEASURED),
    "known_bytes": Source("bytes/known article, in a poll", FOOTPRINT, MEASURED),
    "article_bytes": Source("bytes/article in PostgreSQL", FOOTPRINT, MEASURED),
    "revision_bytes": Source("bytes/revision in PostgreSQL", "a row of `revisions`", ASSUMED),
    "digest_bytes": Source("bytes/digest in PostgreSQL", FOOTPRINT, MEASURED),
    "reader_bytes": Source("bytes/subscription in PostgreSQL", FOOTPRINT, MEASURED),
    "event_bytes": Source("bytes/article, both its events", FOOTPRINT, MEASURED),
    "delivered_bytes": Source("bytes/digest, its event", "`shared/events.py`, 14 PMIDs", MEASURED),
    "archive_overhead": Source("times the event, on disk", FOOTPRINT, MEASURED),
    "archive_days": Source("days", "`CARILLON_ARCHIVE_DAYS`", MEASURED),
    "broker_memory_mb": Source(
        "MB/node",
        "133 idle; three times the log, `deploy/rabbitmq.conf` (rabbitmq.com/docs/quorum-queues)",
        "2026-11",
    ),
    "poll_requests": Source("requests/poll beside records", FOOTPRINT, MEASURED),
    "fetch_chunk": Source("records/request", "[ncbi.md](ncbi.md)", MEASURED),
    "reread_most": Source("known articles/poll", "`POLLER_MAX_REREAD`", MEASURED),
    "fresh_days": Source("days read again at each poll", "`services/poller/poll.py`", MEASURED),
    "ncbi_keyed": Source("requests/s", "NBK25497, with a key", "2026-09"),
    "ncbi_plain": Source("requests/s", "NBK25497, without one", "2026-09"),
    "ncbi_cap": Source("articles/search", "NBK25499", "2026-09"),
    "poll_seconds": Source("s/poll: four round trips to NCBI", "half a second each", ASSUMED),
    "mail_seconds": Source("s/mail on one connection", "three round trips of 100 ms", ASSUMED),
    "smtp_connections": Source("connections/notifier", "`NOTIFIER_SMTP_CONNECTIONS`", MEASURED),
    "per_domain": Source("mails/s to one domain", "`NOTIFIER_PER_DOMAIN_SECOND`", MEASURED),
    "largest_domain": Source("share of readers at one domain", "Gmail's, roughly", ASSUMED),
    "gmail_bulk": Source("mails/day that make a bulk sender", "Google's sender FAQ", "2026-09"),
    "slack_second": Source("messages/s to a channel", "Slack's rate limits", "2026-09"),
    "process_connections": Source("connections/process", "`shared/database.py`", MEASURED),
    "database_connections": Source(
        "connections", "`deploy/kubernetes/engines/postgres.yaml`", MEASURED
    ),
    "shelf_articles": Source(
        "articles/topic", "[decision 25](decisions/0025-archive-in-bits.md)", MEASURED
    ),
    "poller_room_mb": Source("MB of a poller's 512", "less 120 when idle", MEASURED),
    "notifier_room_mb": Source("MB of a notifier's 1,024", "less 250 when idle", MEASURED),
    "database_grows_gb": Source("GB/year on one primary", "backup and restore in hours", ASSUMED),
}


def named(inputs: Inputs) -> list[tuple[str, float, Source]]:
    """Every input with where it comes from."""
    return [(one.name, getattr(inputs, one.name), SOURCES[one.name]) for one in fields(inputs)]
