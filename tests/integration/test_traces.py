"""The deployed line tells a collector of one article's way, from PubMed to the mail server."""

import json
import signal
import socket
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.classifier.tables import classifications
from services.console.scenario import write_clock
from services.notifier.tables import polls
from shared.broker import declare_topology
from shared.database import make_engine
from shared.migrate import upgrade
from shared.topology import CLASSIFIER, NOTIFIER
from tests.builders import discovered
from tests.eventually import eventually
from tests.integration.test_services import Running, Start, _count, _outgoing, _publish, start
from tests.otlp import Collector, Seen, collector
from tests.unit.notifier.mailserver import Mailbox, smtp_server

pytestmark = [pytest.mark.connected, pytest.mark.timeout(300)]

__all__ = ["start"]

READER = "reader.of.secrets@example.org"
POLLED = datetime(2026, 9, 16, 4, tzinfo=UTC)
DUE = datetime(2026, 9, 16, 8, tzinfo=UTC)
SUBSCRIPTION = f"""
[[subscription]]
topic = "car-autoimmune"
address = "{READER}"
confirmed = true
cadence = "daily"
since = 2026-08-01T00:00:00Z
hour = 7
"""
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Line:
    """Three services, PubMed's stand-in and a mail server, at a simulated instant."""

    def __init__(self, folder: Path, mailbox: Mailbox, services: dict[str, Running]) -> None:
        self._folder, self.mailbox, self.services = folder, mailbox, services

    async def to_the_mail(self, database: str) -> None:
        """Poll, and have the digest sent."""

        async def is_heard() -> bool:
            return await _count(database, polls) > 0

        await eventually(is_heard, within=120, pause=0.5)
        write_clock(self._folder, DUE)
        await eventually(lambda: bool(self.mailbox.accepted), within=120, pause=0.2)

    def ended(self) -> dict[str, list[dict[str, object]]]:
        """The log lines of each service, after its orderly end."""
        logs = {}
        for service in self.services.values():
            service.process.send_signal(signal.SIGTERM)
        for name, service in self.services.items():
            lines, _ = service.process.communicate(timeout=40)
            assert service.process.returncode == 0, lines
            logs[name] = [json.loads(one) for one in lines.splitlines()]
        return logs


@asynccontextmanager
async def the_line(folder: Path, amqp: str, database: str, **traces: str) -> AsyncIterator[Line]:
    engine = make_engine(database)
    for name in ("poller", "classifier", "notifier"):
        await upgrade(engine, name)
    await engine.dispose()
    await declare_topology(amqp)
    write_clock(folder, POLLED)
    (folder / "subscriptions.toml").write_text(SUBSCRIPTION, encoding="utf-8")
    shared = {"DATABASE_URL": database, "AMQP_URL": amqp, "CLOCK_FILE": str(folder / "now")}
    mailbox, started = Mailbox(), list[Running]()
    async with smtp_server(mailbox) as smtp:
        pubmed = Running("ncbi_sim", {"CLOCK_FILE": str(folder / "now")})
        own = {
            "poller": {"EUTILS_URL": f"http://127.0.0.1:{pubmed.port}/entrez/eutils/",
                       "NCBI_API_KEY": "demo"},
            "classifier": {},
            "notifier": {"DELIVERY": "smtp", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(smtp),
                         "SMTP_TLS": "none", "WEB_PORT": "0", "SECRET_KEY": "k" * 40,
                         "SUBSCRIPTIONS_FILE": str(folder / "subscriptions.toml")},
        }  # fmt: skip
        services = {name: Running(name, shared | more, traces) for name, more in own.items()}
        started += [pubmed, *services.values()]
        try:
            yield Line(folder, mailbox, services)
        finally:
            for one in started:
                if one.process.poll() is None:
                    one.process.kill()
                    one.process.communicate(timeout=10)


@pytest.fixture
def told() -> Iterator[Collector]:
    with collector() as seen:
        yield seen


async def test_one_article_is_followed_from_the_poll_to_the_mail_server(
    tmp_path: Path, amqp_url: str, postgres_url: str, told: Collector
) -> None:
    more = {"OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=sesame"}
    async with the_line(tmp_path, amqp_url, postgres_url, **{ENDPOINT: told.url}, **more) as line:
        await line.to_the_mail(postgres_url)
        logs = line.ended()

    (mail,) = told.named("send email")
    way = _connected(told.spans, mail)
    names = {(one.service, one.name) for one in way}
    assert names >= {
        ("poller", "poll"), ("poller", "ask"), ("poller", "fetch"), ("poller", "NCBI esearch"),
        ("poller", "write article.discovered"), ("poller", "publish article.discovered"),
        ("classifier", f"process {CLASSIFIER.name}"), ("classifier", "classify"),
        ("classifier", "write article.classified"), ("classifier", "publish article.classified"),
        ("notifier", f"process {NOTIFIER.name}"), ("notifier", "cut digest"),
        ("notifier", "deliver digest"), ("notifier", "send email"),
        ("notifier", "write digest.delivered"), ("notifier", "publish digest.delivered"),
    }  # fmt: skip

    # The digest has a trace of its own, with a link to each article's, which is one from the poller
    # to the notifier; each span but a trace's first has a parent that was told too.
    (cut,) = told.named("cut digest")
    assert len(cut.links) == cut.attributes["articles"] > 1
    by_id = {(one.trace, one.span): one for one in told.spans}
    for link in cut.links:
        written = by_id[link]
        assert (written.service, written.name) == ("classifier", "write article.classified")
        trace = [one for one in told.spans if one.trace == written.trace]
        assert {one.service for one in trace} == {"poller", "classifier", "notifier"}
        (first,) = (one for one in trace if not one.parent)
        assert first.name == "write article.discovered"
        assert [by_id[link].name for link in first.links] == ["poll"]
    for one in told.spans:
        assert not one.parent or (one.trace, one.parent) in by_id, one
    assert len(by_id) == len(told.spans)

    # Ids, and nothing of readers or texts.
    assert told.paths == {"/v1/traces"}
    assert {headers.get("x-api-key") for headers in told.headers} == {"sesame"}
    assert not any("@" in raw or "sesame" in raw or "postgresql" in raw for raw in told.raw)
    assert {type(value) for one in told.spans for value in one.attributes.values()} <= {
        str, int, bool, float
    }  # fmt: skip
    assert max(len(str(v)) for one in told.spans for v in one.attributes.values()) <= 64

    # Each service's lines about an article carry its trace; by event ids they lead to each other.
    (sent,) = (one for one in logs["notifier"] if one["event"] == "digest_sent")
    assert sent["trace_id"] == cut.trace
    announced = _lines(logs["poller"], "article_announced", "event_id")
    labelled = _lines(logs["classifier"], "article_classified", "event_id")
    received = _lines(logs["notifier"], "article_received", "cause")
    assert announced.keys() == labelled.keys() == received.keys() != set()
    for event_id, line_of in labelled.items():
        assert line_of["made"] == received[event_id]["event_id"]
        alike = [announced[event_id], line_of, received[event_id]]
        assert len({(one["pmid"], one["trace_id"]) for one in alike}) == 1


async def test_a_collector_that_never_answers_slows_nothing_and_holds_up_no_end(
    start: Start, amqp_url: str, postgres_url: str
) -> None:
    engine = make_engine(postgres_url)
    await upgrade(engine, "classifier")
    await engine.dispose()
    await declare_topology(amqp_url)
    article = discovered().data.article
    events = [discovered(article=article.model_copy(update={"pmid": 1000 + n})) for n in range(100)]
    with socket.create_server(("127.0.0.1", 0), backlog=1) as mute:
        endpoint = f"http://127.0.0.1:{mute.getsockname()[1]}"
        engines = {"DATABASE_URL": postgres_url, "AMQP_URL": amqp_url}
        classifier = start("classifier", {ENDPOINT: endpoint}, **engines)
        await _publish(amqp_url, *map(_outgoing, events))

        async def all_labelled() -> bool:
            return await _count(postgres_url, classifications) == len(events)

        await eventually(all_labelled, within=60, pause=0.3)
        began = time.monotonic()
        code, logs = classifier.stop()

    assert code == 0
    assert time.monotonic() - began < 15
    assert "Traceback" not in logs
    assert "opentelemetry" not in logs


def _connected(spans: Sequence[Seen], start: Seen) -> list[Seen]:
    """All spans to which parents and links lead from one, in either direction."""
    near = defaultdict[tuple[str, str], set[tuple[str, str]]](set)
    for one in spans:
        for other in ((one.trace, one.parent), *one.links):
            near[one.trace, one.span].add(other)
            near[other].add((one.trace, one.span))
    found, open_ = set[tuple[str, str]](), {(start.trace, start.span)}
    while open_:
        place = open_.pop()
        found.add(place)
        open_ |= near[place] - found
    return [one for one in spans if (one.trace, one.span) in found]


def _lines(
    lines: Sequence[dict[str, object]], event: str, key: str
) -> dict[str, dict[str, object]]:
    return {str(one[key]): one for one in lines if one["event"] == event}
