"""Poller, classifier and notifier on their stores: the real code, driven a step at a time."""

import asyncio
import shutil
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import handlers as classifier_handlers
from services.classifier import tables as classifier
from services.notifier import handlers as notifier_handlers
from services.notifier import tables as notifier
from services.poller import store as poller_store
from services.poller import tables as poller
from services.poller.poll import Decision, Entry, Found, Moment, discover, revisit
from services.poller.topic import Query, Topic
from shared.database import SCHEMAS, transaction
from shared.events import PollCompleted, Reason
from shared.outbox import add
from shared.placing import Handle
from tests.builders import NOON, an_article, poll_completed
from tests.fakes import FakeClock
from tests.model.ground import Ground, Store, opened
from tests.unit.classifier.reading import SHIPPED

TOPIC = Topic(id="car-autoimmune", title="Tiny", seed=100, query=(Query(name="core", term="car"),))
FOUND = Found(reasons=(Reason(relation="query", name="core"),))

T = TypeVar("T")


@dataclass
class Line:
    """One life: its stores, its clock, and the loop that its coroutines run in.

    `writes` are the statements that changed a consumer's store, but for its inbox.
    """

    ground: Ground
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))
    writes: list[str] = field(default_factory=list)
    poll: int = 1

    def __post_init__(self) -> None:
        self._runner = asyncio.Runner()
        self._folder = self.ground.life()
        names = ("poller", "classifier", "notifier", "console")
        self.stores: dict[str, Store] = {name: opened(self._folder, name) for name in names}
        self._readers = {name: reader_of(self._folder, name) for name in names}
        for name in ("classifier", "notifier"):
            engine = self.stores[name].engine.sync_engine
            sa.event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, _1: object, _2: object, statement: str, *_3: object) -> None:
        words = statement.split("(", maxsplit=1)[0].split()
        if words[0] in {"INSERT", "UPDATE", "DELETE"} and words[2].removeprefix("main.") != "inbox":
            self.writes.append(statement)

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(step)

    def end(self) -> None:
        for store in self.stores.values():
            self.run(store.engine.dispose())
        for reader in self._readers.values():
            reader.dispose()
        self._runner.close()
        shutil.rmtree(self._folder)

    def engine(self, name: str) -> AsyncEngine:
        return self.stores[name].engine

    def outboxes(self) -> dict[str, sa.Table]:
        tables = {"poller": poller.outbox, "classifier": classifier.outbox}
        return tables | {"notifier": notifier.outbox}

    def handle(self, consumer: str) -> Handle:
        if consumer == "classifier":
            return classifier_handlers.handler(self.engine("classifier"), SHIPPED, self.clock)
        return notifier_handlers.handler(self.engine("notifier"), self.clock)

    async def find(self, pmid: int) -> str:
        """Write what the poller now reads of an article, with its event; the event's id."""
        moment = Moment(TOPIC, self.poll_id(), self.clock())
        async with transaction(self.engine("poller")) as connection:
            await poller_store.lock_topic(connection, TOPIC.id)
            entries = await poller_store.read_entries(connection, TOPIC.id, [pmid])
            decision = self._decision(entries.get(pmid), pmid, moment)
            await poller_store.save(connection, TOPIC.id, [decision], moment.now)
        assert decision.event
        return decision.event.id

    def _decision(self, entry: Entry | None, pmid: int, moment: Moment) -> Decision:
        revision = entry.revision + 1 if entry else 1
        article = an_article(pmid=pmid, title=titled(pmid, revision), entered_at=moment.now)
        if entry is None:
            return discover(article, FOUND, moment)
        return revisit(entry, article, FOUND, moment)

    async def close_poll(self) -> PollCompleted:
        """End the poll that is running; its articles are counted as the poller does."""
        async with transaction(self.engine("poller")) as connection:
            count = await poller_store.count_announced(connection, TOPIC.id, self.poll_id())
            event = poll_completed(
                poll_id=self.poll_id(), announced=count, finished_at=self.clock()
            )
            await add(connection, poller.outbox, event, self.clock())
        return event

    def poll_id(self) -> str:
        return f"p{self.poll}"

    def rows(self, name: str, statement: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """What is in a store, read past the processes: many times quicker than through them."""
        with self._readers[name].connect() as connection:
            return connection.execute(statement).all()


def reader_of(folder: Path, name: str) -> sa.Engine:
    plain = dict.fromkeys(SCHEMAS)
    return sa.create_engine(
        f"sqlite:///{folder}/{name}.db", execution_options={"schema_translate_map": plain}
    )


def titled(pmid: int, revision: int) -> str:
    """A title that says which revision it is."""
    return f"Paper {pmid} as of {revision}: CD19 CAR-T cells in lupus"


def of_version(consumer: str, version: int) -> Any:
    """The consumer's handler in another version, for the length of a block."""
    module, name = {
        "classifier": (classifier_handlers, "classify"),
        "notifier": (notifier_handlers, "project"),
    }[consumer]
    return mock.patch.object(module, "INBOX", f"{name}.v{version}")
