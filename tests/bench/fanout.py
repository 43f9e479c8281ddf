"""How fast one notifier sends many digests, beside bare aiosmtplib with the same mails.

    python -m tests.bench.fanout [--subscriptions 10000] [--articles 50] [--connections 4]
                                 [--database URL] [--floor 0.7]

One process, on SQLite in a temporary folder unless a database is named. The mail server is another
process on loopback. Digests are cut, and then sent in slices; after each slice bare aiosmtplib
sends the very same mails over as many connections, so that both meet the machine as it is. Of the
bare one only the sending is counted, of ours everything: claim, read, render, send and record.
Exit code 1 when ours reaches less than the floor.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import aiosmtplib
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.classify import classify
from services.classifier.settings import Settings as ClassifierSettings
from services.classifier.taxonomy import load_taxonomy
from services.console.demo_articles import demo_articles
from services.notifier import claims, subscribers
from services.notifier.claims import Waiting
from services.notifier.handlers import handler
from services.notifier.lanes import deliver_these
from services.notifier.office import Desk, Office, Patience
from services.notifier.packing import Identity, Means
from services.notifier.run import cut_due
from services.notifier.senders import Package, Target
from services.notifier.senders.connection import SmtpServer
from services.notifier.senders.smtp import SmtpSender
from services.notifier.subscription import Filters, Subscription
from services.notifier.tokens import Tokens
from shared.database import make_engine, transaction
from shared.events import CloudEvent
from shared.logs import configure_logging
from shared.migrate import upgrade
from tests.builders import classified, poll_completed

START = datetime(2026, 9, 7, tzinfo=UTC)
DUE = START + timedelta(hours=8)
IDENTITY = Identity("Carillon <news@example.org>", "car.carillon.example.org", "example.org")
SLICE = 250
SAVED = 500

WISHES: tuple[dict[str, object], ...] = (
    {},
    {"modality": ["cd19-car-t"]},
    {"modality": ["caar-t", "car-treg"]},
    {"disease": ["sle", "myasthenia-gravis"]},
    {"min_relatedness": 0.3},
    {"words": ["lupus", "pemphigus", "B cells"]},
    {"evidence": ["trial", "case-report"]},
    {"scope": ["core"]},
)
"""The filters of readers, taken in turn."""


@dataclass(frozen=True)
class Spent:
    """Seconds of the clock, and of this process on a processor."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.wall + other.wall, self.cpu + other.cpu)

    def told(self, what: str, count: int) -> str:
        """A line of the report."""
        rate, each = count / self.wall, 1000 * self.cpu / max(1, count)
        return f"{what:11s}{count:6d}  {self.wall:8.1f} s  {rate:7.0f}/s  {each:6.2f} ms cpu each"


def main() -> None:
    """Measure, and say whether the floor is held."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    words.add_argument("--subscriptions", type=int, default=10_000)
    words.add_argument("--articles", type=int, default=50)
    words.add_argument("--connections", type=int, default=4)
    words.add_argument("--database", default=None)
    words.add_argument("--floor", type=float, default=0.7)
    given = words.parse_args()
    configure_logging("bench", as_json=False, level=50)
    with TemporaryDirectory() as name:
        url = given.database or f"sqlite+aiosqlite:///{Path(name) / 'notifier.db'}"
        ratio = asyncio.run(_measure(url, given))
    sys.exit(0 if ratio >= given.floor else 1)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _measure(url: str, given: argparse.Namespace) -> float:
    engine = make_engine(url)
    try:
        async with sink() as port:
            return await _run(engine, port, given)
    finally:
        await engine.dispose()


async def _run(engine: AsyncEngine, port: int, given: argparse.Namespace) -> float:
    await prepared(engine, given.subscriptions, given.articles)
    sender = Keeping(SmtpServer("127.0.0.1", port, "none", connections=given.connections,
                                per_domain=1e9), "news@example.org")  # fmt: skip
    means = Means(Tokens([SecretStr("a key for the benchmark")]), "https://carillon.example.org")
    office = Office({"email": sender}, IDENTITY, Patience(), means=means)
    desk = Desk(engine, office, lambda: DUE)
    cut = await _timed(cut_all(desk))
    waiting = await waiting_now(desk)
    _say(cut.told("cut", len(waiting)))
    ours = bare = Spent()
    for start in range(0, len(waiting), SLICE):
        ours += await _timed(deliver_these(desk, waiting[start : start + SLICE]))
        bare += await _timed(bare_aiosmtplib(port, sender.kept, given.connections))
        sender.kept.clear()
    await sender.close()
    left = len(await waiting_now(desk))
    _say(f"{sender.messages} mails of {sender.octets / 1024 / max(1, sender.messages):.0f} KB")
    _say(ours.told("carillon", sender.messages))
    _say(bare.told("aiosmtplib", sender.messages))
    ratio = bare.wall / ours.wall if sender.messages and not left else 0.0
    _say(
        f"{left} left; ratio {ratio:.2f} by the clock, {bare.cpu / ours.cpu:.2f} by processor time"
    )
    return ratio


async def cut_all(desk: Desk) -> None:
    """Cut all that are due."""
    while await cut_due(desk):
        continue


async def _timed(work: Awaitable[object]) -> Spent:
    wall, cpu = time.perf_counter(), time.process_time()
    await work
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


async def waiting_now(desk: Desk) -> list[Waiting]:
    """The digests that are cut and not sent."""
    async with transaction(desk.engine) as connection:
        return await claims.waiting(connection, desk.office.patience.turn())


class Keeping(SmtpSender):
    """The sender that is measured; it keeps what it sent since it was last asked."""

    def __init__(self, server: SmtpServer, mail_from: str) -> None:
        super().__init__(server, mail_from)
        self.kept: list[tuple[str, bytes]] = []
        self.messages = self.octets = 0

    async def send(self, package: Package, target: Target) -> None:
        """Send, and keep a reference to what was sent."""
        await super().send(package, target)
        self.kept.append((target.address, package.content))
        self.messages += 1
        self.octets += len(package.content)


async def bare_aiosmtplib(port: int, mails: Sequence[tuple[str, bytes]], connections: int) -> None:
    """The same mails, each connection taking the next one: as fast as aiosmtplib goes."""
    turn = iter(mails)

    async def carry() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            for recipient, content in turn:
                await client.sendmail("news@example.org", [recipient], content)

    await asyncio.gather(*(carry() for _ in range(connections)))


@asynccontextmanager
async def sink() -> AsyncIterator[int]:
    """The port of a mail server in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.sink",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    if process.stdout is None:
        raise RuntimeError("the sink has no output")
    yield int(await process.stdout.readline())
    said, _ = await process.communicate(b"")
    _say(f"sink       {said.decode().strip()} (messages, octets)")


async def prepared(engine: AsyncEngine, count: int, articles: int) -> None:
    """Articles of a poll in the notifier's store, and so many readers of them."""
    await upgrade(engine, "notifier")
    handle = handler(engine, lambda: START)
    for event in _events(articles):
        await handle(event.encode())
    readers = [_reader(number) for number in range(count)]
    for start in range(0, count, SAVED):
        async with transaction(engine) as connection:
            for one in readers[start : start + SAVED]:
                await subscribers.save(connection, one, "web", START)


def _events(articles: int) -> list[CloudEvent]:
    taxonomy = load_taxonomy(ClassifierSettings.model_fields["taxonomy"].default)
    found: list[CloudEvent] = []
    chance = random.Random(7)  # noqa: S311  numbers to rank by
    for article in demo_articles():
        labels = classify(article, taxonomy)
        if labels.scope in {"core", "adjacent", "unclear"} and len(found) < articles:
            found.append(
                classified(
                    article=article, classification=labels, poll_id="p1", discovered_at=START,
                    relatedness=round(chance.random(), 3),
                ).model_copy(update={"time": START})
            )  # fmt: skip
    times = {"started_at": START - timedelta(minutes=5), "finished_at": START}
    return [*found, poll_completed(poll_id="p1", announced=len(found), **times)]


def _reader(number: int) -> Subscription:
    return Subscription(
        id=f"reader-{number:06d}",
        topic="car-autoimmune",
        address=SecretStr(f"reader{number}@host{number % 400}.example.org"),
        cadence="daily",
        created_at=START,
        confirmed_at=START,
        filters=Filters.model_validate(WISHES[number % len(WISHES)]),
    )


if __name__ == "__main__":
    main()
