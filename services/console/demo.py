"""`carillon demo`: two simulated weeks in one process, over real HTTP, in seconds.

Nothing of it depends on the machine's time or on chance: the same catalogue gives the same bytes.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.taxonomy import Taxonomy
from services.console.artefacts import write_digest, write_feed, write_labels
from services.console.hand import Hand
from services.console.line import Line, open_line
from services.console.scenario import DEMO_KEY, instants
from services.console.standin import serve_standin
from services.ncbi_sim.catalogue import Catalogue
from services.notifier import tables
from services.notifier.contents import load_many
from services.notifier.digest import Digest
from services.notifier.links import links_of
from services.notifier.office import Office
from services.notifier.packing import Identity, Means
from services.notifier.render.mail import Envelope
from services.notifier.run import load_subscriptions
from services.notifier.senders.choose import choose
from services.notifier.tokens import Tokens
from services.notifier.vault import Vault
from services.notifier.web.house import House
from services.notifier.works import loops
from services.poller.eutils import Access, Eutils, Limiter, make_eutils
from services.poller.topic import Topic
from shared.clock import Clock
from shared.database import transaction
from shared.process import Loop

OURS = ("digest.html", "digest.txt", "digest.eml", "slack.json", "feed.atom", "labels.jsonl")
MAIL = "mail"
IDENTITY = Identity("Carillon <carillon@localhost>", "carillon.localhost", "localhost")
POLL_ONCE_A_DAY = 24 * 60


@dataclass(frozen=True)
class Demo:
    """What a demo is made of. `step_done` is told each instant, and how much moved in it.

    `public_url` is where the mails say that the pages are.
    """

    catalogue: Catalogue
    topic: Topic
    taxonomy: Taxonomy
    subscriptions: Path
    out: Path
    step_done: Callable[[datetime, int], None]
    public_url: str = "http://localhost:8000"


@dataclass(frozen=True)
class World:
    """The demo's installation at work, on the hand's day."""

    demo: Demo
    hand: Hand
    line: Line
    eutils: Eutils
    house: House
    work: tuple[Loop, ...]

    async def live_through(self, instant: datetime) -> int:
        """Everything that belongs to one instant; how many events and messages moved."""
        self.hand.now = instant
        await self.line.poll(self.eutils, [self.demo.topic])
        moved = await self.line.carry()
        for loop in self.work:
            done = await loop.step()
            moved += done if isinstance(done, int) else 0
        return moved + await self.line.carry()


@asynccontextmanager
async def opened(demo: Demo) -> AsyncIterator[World]:
    """A new world at the beginning of its days; gone, but for the mails in `out`, afterwards."""
    clear(demo.out)
    hand = Hand(next(instants(demo.catalogue)))
    async with AsyncExitStack() as stack:
        state = stack.enter_context(TemporaryDirectory(prefix="carillon-demo-"))
        line = await open_line(Path(state), demo.taxonomy, hand, stack)
        url = await stack.enter_async_context(serve_standin(demo.catalogue, hand))
        eutils = make_eutils(Access(url), limiter=Limiter(per_second=1_000))
        stack.push_async_callback(eutils.aclose)
        house = _house(demo, line.stores.notifier, hand)
        await load_subscriptions(house.engine, demo.subscriptions, hand, house.vault)
        yield World(demo, hand, line, eutils, house, loops(house, _office(demo, house)))


def _house(demo: Demo, engine: AsyncEngine, clock: Clock) -> House:
    keys = (SecretStr(DEMO_KEY),)
    senders = choose(demo.out / MAIL, None, IDENTITY.sender)
    return House(engine, clock, Tokens(keys), Vault(keys), demo.public_url, senders=senders)


def _office(demo: Demo, house: House) -> Office:
    means = Means(house.tokens, demo.public_url, house.vault)
    return Office(house.senders, IDENTITY, means=means)


async def live_all_days(world: World) -> list[Digest]:
    """Live through the fortnight, write every artefact into `out`; the digests, in order."""
    demo = world.demo
    for instant in instants(demo.catalogue):
        demo.step_done(instant, await world.live_through(instant))
    digests = await sent_digests(world.line)
    _write(world, digests)
    return digests


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
        return await load_many(connection, list(await connection.scalars(statement)))


def chosen(digests: list[Digest]) -> Digest:
    """The digest to show: the last weekly one, or the last where nobody reads weekly."""
    weekly = [digest for digest in digests if digest.cadence == "weekly"]
    return (weekly or digests)[-1]


def _write(world: World, digests: list[Digest]) -> None:
    shown, out, house = chosen(digests), world.demo.out, world.house
    links = links_of(house.tokens, house.public_url, shown)
    recipient = "reader@example.org"
    envelope = Envelope(IDENTITY.sender, recipient, IDENTITY.list_id, IDENTITY.host, links)
    write_digest(out, shown, envelope)
    same = [digest for digest in digests if digest.subscription_id == shown.subscription_id]
    write_feed(out, same, shown.topic_title)
    write_labels(out, digests)
