"""A small world with its services, to be lived with replays between its live events and without.

What happens live is a list of steps; a replay is a step too, of no live effect. Two worlds with the
same live steps are compared by all that could differ.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import SecretStr

from services.classifier import tables as classifier
from services.classifier.classify import classify
from services.classifier.handlers import classified
from services.classifier.handlers import handler as classifier_handler
from services.classifier.tidy import tidy as tidy_classifier
from services.notifier import subscribers
from services.notifier import tables as notifier
from services.notifier.handlers import handler as notifier_handler
from services.notifier.office import Desk, Office, Patience
from services.notifier.packing import Means
from services.notifier.replays_delivery import deliver_replays
from services.notifier.run import deliver_due
from services.notifier.senders import Package, Target
from services.notifier.subscription import Filters
from services.notifier.tidy import tidy as tidy_notifier
from services.notifier.vault import Vault
from shared.article import AbstractSection, Article, Status
from shared.database import transaction
from shared.events import ArticleDiscovered, ArticleRevised, CloudEvent, PollCompleted, decode
from shared.marks import Marks, attributes, id_within, marks_of
from shared.outbox import Outgoing, relay
from tests.builders import an_article, discovered, replay_finished, revised
from tests.fakes import FakeClock
from tests.model.ground import Ground, opened
from tests.unit.classifier.reading import SHIPPED
from tests.unit.notifier.kit import IDENTITY, START, a_poll_event, a_subscription

VAULT = Vault([SecretStr("the key of a world that is not there")])
Text = Literal["lupus", "oncology", "wolves", "treg"]
Made = Literal["sent", "classified", "stranger", "anew", "end"]
TEXTS: dict[Text, str] = {
    "lupus": "CD19 CAR-T cells in patients with lupus",
    "oncology": "CD19 CAR-T cells in patients with large B-cell lymphoma",
    "wolves": "Wolves in two valleys",
    "treg": "CAR-Treg cells in a mouse model of multiple sclerosis",
}


@dataclass(frozen=True)
class Reads:
    """The poller reads an article: for the first time, or as it has become.

    What the classifier says of it goes on at once, or is `held` in its outbox until later.
    """

    pmid: int
    text: Text
    status: Status
    background: bool = False
    held: bool = False


@dataclass(frozen=True)
class Polls:
    """A poll ends: what was read since the last one is its own, and `missing` more."""

    missing: int
    healthy: bool


@dataclass(frozen=True)
class Passes:
    """So many hours pass, and what is due then is sent; the inboxes forget if `tidied`."""

    hours: int
    tidied: bool = False


@dataclass(frozen=True)
class Replays:
    """A replay brings an event of the world (`which`, of the past or of days to come) or one made.

    `made`: as the classifier would publish it, or an event of an article that nobody will ever
    know. `anew`: not what is live, but what an earlier replay made, as far as there is any. `end`:
    the replay is finished, and may be sent to those whom it names.
    """

    which: int
    replay: str
    force: bool
    to: tuple[str, ...]
    made: Made


Step = Reads | Polls | Passes | Replays

WISHES: dict[str, dict[str, Any]] = {
    "daily": {},
    "heart": {"when_empty": "heartbeat", "notices": "at-once", "preprints": "both"},
    "soon": {"cadence": "immediate", "notices": "at-once"},
    "all": {
        "background": True,
        "filters": Filters(scope=frozenset({"core", "adjacent", "unclear", "oncology", "none"})),
    },
    "slack": {"channel": "slack", "address": "https://hooks.slack.com/services/T/B/x"},
    "asked": {"confirmed_at": None},
}
"""Readers of every kind, one of whom never confirmed."""

WHICH = ("r1", "r2")
"""The replays that there are."""


def live_events(steps: Sequence[Step]) -> list[tuple[int, CloudEvent]]:
    """What the poller says live, and at which step."""
    now, poll, revision = START, 1, dict[int, int]()
    found: list[tuple[int, CloudEvent]] = []
    announced = set[int]()
    for at, step in enumerate(steps):
        if isinstance(step, Passes):
            now += timedelta(hours=step.hours)
        elif isinstance(step, Reads):
            revision[step.pmid] = revision.get(step.pmid, 0) + 1
            announced.add(step.pmid)
            found.append((at, _read(step, revision[step.pmid], f"p{poll}", now)))
        elif isinstance(step, Polls):
            number = len(announced) + step.missing
            ended = a_poll_event(now, poll=f"p{poll}", announced=number, healthy=step.healthy)
            found.append((at, ended))
            poll, announced = poll + 1, set()
    return found


def _read(step: Reads, revision: int, poll: str, now: datetime) -> CloudEvent:
    fields = {
        "article": _article(step, now),
        "revision": revision,
        "poll_id": poll,
        "discovered_at": now,
        "backfill": step.background,
    }
    if revision == 1:
        return discovered(**fields).model_copy(update={"time": now})
    changed = ("title", "abstract", "status")
    return revised(**fields, changed=changed).model_copy(update={"time": now})


def _article(step: Reads, now: datetime) -> Article:
    return an_article(
        pmid=step.pmid,
        title=f"{TEXTS[step.text]} ({step.pmid})",
        abstract=(AbstractSection(text=f"{TEXTS[step.text]} were studied."),),
        status=step.status,
        entered_at=now,
    )


@dataclass
class Mailbox:
    """Takes every package, and notes when."""

    clock: FakeClock
    taken: list[tuple[datetime, str, str, bytes]] = field(default_factory=list)
    flights: int = 4

    async def send(self, package: Package, target: Target) -> None:
        self.taken.append((self.clock(), target.address, package.id, package.content))

    async def rest(self) -> None:
        """Nothing is held."""

    async def close(self) -> None:
        """Nothing is held."""


class World:
    """One life of the services."""

    def __init__(self, ground: Ground) -> None:
        self.folder = ground.life()
        self.clock = FakeClock(START)
        self.mailbox = Mailbox(self.clock)
        self.archive: list[CloudEvent] = []
        self.classifier = opened(self.folder, "classifier").engine
        self.notifier = opened(self.folder, "notifier").engine
        self.label = classifier_handler(self.classifier, SHIPPED, self.clock)
        self.remember = notifier_handler(self.notifier, self.clock)

    async def live(self, steps: Sequence[Step]) -> None:
        """Live all steps; a replay's are left out of a list where there is to be none."""
        async with transaction(self.notifier) as connection:
            for name, wish in WISHES.items():
                await subscribers.save(
                    connection, a_subscription(id=name, **wish), "console", START, vault=VAULT
                )
        events = live_events(steps)
        said = dict(events)
        for at, step in enumerate(steps):
            if isinstance(step, Passes):
                await self._pass(step)
            elif isinstance(step, Replays):
                await self._bring(_replayed(step, [e for _, e in events], self.archive))
            else:
                self.archive.append(said[at])
                await self._bring(said[at])
                if isinstance(step, Reads) and not step.held:
                    await self._relay()
        if any(isinstance(step, Replays) for step in steps):
            for replay in WHICH:
                await self._bring(replay_finished(replay_id=replay, to=tuple(WISHES)))
        await self._pass(Passes(200))

    async def _bring(self, event: CloudEvent | None) -> None:
        """The event reaches its consumer."""
        if isinstance(event, ArticleDiscovered | ArticleRevised):
            await self.label(event.encode())
        elif event is not None:
            await self.remember(event.encode())

    async def _relay(self) -> None:
        await relay(self.classifier, classifier.outbox, self._carry)

    async def _carry(self, batch: Sequence[Outgoing]) -> list[Exception | None]:
        """As the embedded bus does: an id that is in the archive goes to nobody again."""
        for one in batch:
            if one.event_id not in {known.id for known in self.archive}:
                self.archive.append(decode(one.body))
                await self.remember(one.body)
        return [None] * len(batch)

    async def _pass(self, step: Passes) -> None:
        await self._relay()
        self.clock.advance(hours=step.hours)
        if step.tidied:
            await tidy_classifier(self.classifier, self.clock, timedelta(days=14))
            await tidy_notifier(self.notifier, self.clock, self.clock, timedelta(days=14))
        patience = Patience(timer=self.clock)
        senders = {"email": self.mailbox, "slack": self.mailbox}
        office = Office(senders, IDENTITY, patience, means=Means(vault=VAULT))
        await deliver_replays(Desk(self.notifier, office, self.clock))
        await deliver_due(self.notifier, office, self.clock)

    async def everything(self) -> dict[str, Any]:
        """All that live work has left, but for what only a replay writes."""
        live = [one for one in self.mailbox.taken if b"[Replay]" not in one[-1]]
        kept: dict[str, Any] = {"taken": sorted(live)}
        tables = [(self.notifier, t) for t in notifier.metadata.sorted_tables]
        tables += [(self.classifier, classifier.inbox), (self.classifier, classifier.opinions)]
        for engine, table in tables:
            if not table.name.startswith("replay"):
                rows = await _rows(engine, table)
                ends = set(map(_end_of, WHICH))
                own = [row for row in rows if row._mapping.get("event_id") not in ends]
                kept[f"{table.schema}.{table.name}"] = sorted(map(_shown, own))
        kept["said"] = [event for event in self.archive if not marks_of(event)]
        return kept

    def replayed(self) -> int:
        """How many messages of replays were taken."""
        return sum(b"[Replay]" in content for *_, content in self.mailbox.taken)

    async def outcomes(self) -> list[str]:
        rows = [
            *await _rows(self.classifier, classifier.outcomes),
            *await _rows(self.notifier, notifier.outcomes),
        ]
        return [str(row.outcome) for row in rows]

    async def end(self) -> None:
        await self.classifier.dispose()
        await self.notifier.dispose()
        shutil.rmtree(self.folder)


def _shown(row: sa.Row[Any]) -> str:
    """A row but for what is sealed, which is another text each time."""
    return repr({name: value for name, value in row._mapping.items() if name != "address"})


async def _rows(engine: Any, table: sa.Table) -> Sequence[sa.Row[Any]]:
    async with transaction(engine) as connection:
        return (await connection.execute(sa.select(table))).all()


def _replayed(
    step: Replays, events: Sequence[CloudEvent], archive: Sequence[CloudEvent]
) -> CloudEvent | None:
    if step.made == "end":
        return replay_finished(replay_id=step.replay, to=step.to)
    known = [event for event in archive if marks_of(event)] if step.made == "anew" else events
    if not known:
        return None
    event = known[step.which % len(known)]
    if isinstance(event, PollCompleted) or step.made in ("sent", "anew"):
        return _marked(event, step)
    assert isinstance(event, ArticleDiscovered | ArticleRevised)
    if step.made == "stranger":
        article = event.data.article.model_copy(update={"pmid": 900 + step.which})
        data = event.data.model_copy(update={"article": article, "revision": 7})
        strange = {"id": id_within("strange", event.id), "data": data, "subject": "900"}
        return _marked(event.model_copy(update=strange), step)
    return _marked(classified(event, classify(event.data.article, SHIPPED), event.time), step)


def _end_of(replay: str) -> str:
    return replay_finished(replay_id=replay).id


def _marked(event: CloudEvent, step: Replays) -> CloudEvent:
    marks = Marks(step.replay, 1, step.force, step.to)
    bare = {"replayforce": None, "replayto": None}
    return event.model_copy(update=bare | dict(attributes(marks)))
