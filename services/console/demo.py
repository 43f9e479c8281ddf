"""`carillon demo`: two simulated weeks in one process, over real HTTP, in seconds.

Nothing of it depends on the machine's time or on chance: the same catalogue gives the same bytes.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from services.classifier.taxonomy import Taxonomy
from services.console.artefacts import write_digest, write_feed, write_labels
from services.console.line import Line, open_line
from services.console.scenario import instants
from services.console.standin import serve_standin
from services.ncbi_sim.catalogue import Catalogue
from services.notifier import tables
from services.notifier.delivery import Identity, Office
from services.notifier.digest import Digest
from services.notifier.render.mail import Envelope
from services.notifier.run import load_subscriptions
from services.notifier.senders.choose import choose
from services.poller.eutils import Access, Eutils, Limiter, make_eutils
from services.poller.topic import Topic
from shared.database import transaction

OURS = ("digest.html", "digest.txt", "digest.eml", "slack.json", "feed.atom", "labels.jsonl")
MAIL = "mail"
IDENTITY = Identity("Carillon <carillon@localhost>", "carillon.localhost", "localhost")
POLL_ONCE_A_DAY = 24 * 60


@dataclass(frozen=True)
class Demo:
    """What a demo is made of. `step_done` is told each instant, and how much moved in it."""

    catalogue: Catalogue
    topic: Topic
    taxonomy: Taxonomy
    subscriptions: Path
    out: Path
    step_done: Callable[[datetime, int], None]


@dataclass
class _Hand:
    """The hand of the demo's clock."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


async def run_demo(demo: Demo) -> list[Digest]:
    """Run all days, write every artefact into `out`, and give back the digests in order."""
    clear(demo.out)
    steps = list(instants(demo.catalogue))
    hand = _Hand(steps[0])
    office = Office(choose(demo.out / MAIL, None, IDENTITY.sender), IDENTITY)
    async with AsyncExitStack() as stack:
        state = stack.enter_context(TemporaryDirectory(prefix="carillon-demo-"))
        line = await open_line(Path(state), demo.taxonomy, hand, stack)
        url = await stack.enter_async_context(serve_standin(demo.catalogue, hand))
        eutils = make_eutils(Access(url), limiter=Limiter(per_second=1_000))
        stack.push_async_callback(eutils.aclose)
        await load_subscriptions(line.stores.notifier, demo.subscriptions, hand)
        for instant in steps:
            hand.now = instant
            demo.step_done(instant, await _live_through(line, eutils, demo.topic, office))
        digests = await sent_digests(line)
    _write(demo.out, digests)
    return digests


async def _live_through(line: Line, eutils: Eutils, topic: Topic, office: Office) -> int:
    """Everything that belongs to one instant; how many events and digests moved."""
    await line.poll(eutils, [topic])
    moved = await line.carry()
    moved += await line.deliver(office)
    return moved + await line.carry()


def clear(out: Path) -> None:
    """Remove what an earlier demo wrote, and nothing else."""
    for name in OURS:
        (out / name).unlink(missing_ok=True)
    if (out / MAIL).is_dir():
        rmtree(out / MAIL)
    out.mkdir(parents=True, exist_ok=True)


async def sent_digests(line: Line) -> list[Digest]:
    """The digests that were sent, in order of their due instants."""
    statement = (
        sa.select(tables.digests.c.content)
        .where(tables.digests.c.state == "sent")
        .order_by(tables.digests.c.period_to, tables.digests.c.subscription_id)
    )
    async with transaction(line.stores.notifier) as connection:
        return [Digest.model_validate(one) for one in await connection.scalars(statement)]


def chosen(digests: list[Digest]) -> Digest:
    """The digest to show: the last weekly one, or the last where nobody reads weekly."""
    weekly = [digest for digest in digests if digest.cadence == "weekly"]
    return (weekly or digests)[-1]


def _write(out: Path, digests: list[Digest]) -> None:
    shown = chosen(digests)
    recipient = "reader@example.org"
    envelope = Envelope(IDENTITY.sender, recipient, IDENTITY.list_id, IDENTITY.host)
    write_digest(out, shown, envelope)
    same = [digest for digest in digests if digest.subscription_id == shown.subscription_id]
    write_feed(out, same, shown.topic_title)
    write_labels(out, digests)
