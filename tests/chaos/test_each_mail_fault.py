"""Each kind of fault of the mail server alone: every reader is told every paper once.

The ordinary run tries some; `pytest tests/chaos/test_each_mail_fault.py --every-fault` all.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from dataclasses import field as made_by
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aio_pika
import pytest

from shared.events import CONTENT_TYPE, CloudEvent
from shared.topology import EXCHANGE
from tests.builders import an_article, classified, poll_completed
from tests.chaos.containers import until
from tests.chaos.engine_postgres import postgres_engine
from tests.chaos.engine_rabbit import rabbit_engine
from tests.chaos.faults import KINDS, perform
from tests.chaos.field import Field, prepared
from tests.chaos.schedule import Fault
from tests.chaos.test_each_fault import set_up

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

READERS = tuple(f"reader{n}@example.org" for n in range(6))
FIRST = datetime(2026, 9, 7, tzinfo=UTC)
ORDINARY = {"smtp-answer-lost", "smtp-message-refused", "smtp-cut-in-answer"}
SUBSCRIPTION = """
[[subscription]]
topic = "car-autoimmune"
address = "{}"
confirmed = true
cadence = "daily"
hour = 7
time_zone = "UTC"
"""


@dataclass
class Days:
    """Simulated days: each with a poll, two papers and digests at seven."""

    where: Field
    clock: Path
    papers: set[int] = made_by(default_factory=set)
    cut: int = 0
    """Days whose digests were due."""

    def at(self, now: datetime) -> None:
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(now.isoformat())
        fresh.replace(self.clock)

    def begin(self) -> datetime:
        """The day's poll and papers arrive, an hour before the digests are due; when that is."""
        day, self.cut = self.cut, self.cut + 1
        due = FIRST + timedelta(days=day, hours=7)
        self.at(due - timedelta(hours=1))
        found = {10 * day + n + 1 for n in range(2)}
        self.papers |= found
        asyncio.run(self._publish(_events(day, found, due - timedelta(hours=2))))
        polls = "SELECT count(*) FROM notifier.received"
        until(lambda: self._sql(polls) == str(len(self.papers)), 60, "the papers arrive")
        polled = "SELECT count(*) FROM notifier.polls"
        until(lambda: self._sql(polled) == str(day + 1), 60, "the poll arrives")
        return due

    def end(self) -> None:
        """Every digest is sent or given up; what was put off is tried again without waiting."""
        until(self._is_over, 120, "the day's digests are sent", pause=0.5)

    def _is_over(self) -> bool:
        self._sql("UPDATE notifier.digests SET next_try_at = now() WHERE next_try_at > now()")
        said = "SELECT count(*), count(*) FILTER (WHERE state = 'intent') FROM notifier.digests"
        return self._sql(said) == f"{len(READERS) * self.cut}|0"

    def maybe_sent(self) -> int:
        """Digests whose record says that they may have arrived unconfirmed."""
        return int(self._sql("SELECT count(*) FROM notifier.digests WHERE maybe_sent"))

    def _sql(self, statement: str) -> str:
        return self.where.postgres.sql(statement, self.where.database)

    async def _publish(self, events: list[CloudEvent]) -> None:
        connection = await aio_pika.connect(self.where.amqp_url, timeout=10)
        async with connection:
            exchange = await (await connection.channel()).get_exchange(EXCHANGE, ensure=False)
            for event in events:
                message = aio_pika.Message(
                    event.encode(), message_id=event.id, content_type=CONTENT_TYPE
                )
                await exchange.publish(message, event.ROUTING_KEY)


def _events(day: int, found: set[int], at: datetime) -> list[CloudEvent]:
    poll = f"day-{day}"
    articles = [
        classified(
            article=an_article(pmid=pmid, title=f"Paper {pmid}"), poll_id=poll, discovered_at=at
        )
        for pmid in sorted(found)
    ]
    times = {"started_at": at - timedelta(minutes=5), "finished_at": at}
    return [*articles, poll_completed(poll_id=poll, announced=len(found), **times)]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    folder = tmp_path_factory.mktemp("each-mail-fault")
    file, clock = folder / "subscriptions.toml", folder / "now"
    file.write_text("".join(SUBSCRIPTION.format(reader) for reader in READERS))
    clock.write_text(FIRST.isoformat())
    settings = {"SUBSCRIPTIONS_FILE": str(file), "CLOCK_FILE": str(clock)}
    with (
        rabbit_engine() as rabbit,
        postgres_engine() as postgres,
        prepared(rabbit, postgres, folder, notifier=settings) as where,
    ):
        asyncio.run(set_up(where))
        where.crew.hire("notifier")
        where.crew.await_ready()
        yield Days(where, clock)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All kinds when asked for; pytest knows the option only when tests/chaos is named."""
    if "name" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-fault", default=False)
        all_of = [name for name, kind in KINDS.items() if kind.sort.lane == "smtp"]
        metafunc.parametrize("name", [n for n in all_of if every or n in ORDINARY])


def test_every_reader_is_told_every_paper_once(days: Days, name: str) -> None:
    mailbox, crew = days.where.mailbox, days.where.crew
    bugs = len(crew.findings().bugs)
    due = days.begin()
    fault = Fault(0, name, "smtp", 4.0, draw=3)
    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(perform, days.where, fault)
        time.sleep(0.5)
        days.at(due)
    days.end()
    days.at(days.begin())  # a digest that was given up leaves its papers to the next
    days.end()

    assert done.result().failed == ""
    mails = [mail for mail in mailbox.mails() if mail.kind == "digest"]
    different = {(mail.recipient, mail.message_id): mail for mail in mails}
    for reader in READERS:
        told = Counter(
            pmid for mail in different.values() if mail.recipient == reader for pmid in mail.pmids
        )
        assert told == Counter(days.papers)
    assert len(mails) - len(different) <= days.maybe_sent()
    assert crew.findings().bugs[bugs:] == ()
