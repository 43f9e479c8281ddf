"""Outbox, carrier and inbox, whatever the carrier does: nothing lost, one effect, newest wins."""

from collections import Counter
from itertools import count
from random import Random
from typing import Any

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from services.classifier import tables as classifier
from services.notifier import tables as notifier
from services.notifier.store import received_counts
from shared.database import transaction
from shared.errors import Retryable
from shared.events import ArticleClassified, PollCompleted, decode
from shared.outbox import Outgoing, relay
from shared.topology import CONSUMERS
from tests.model.carrier import Answer, Carrier, End
from tests.model.ground import Ground
from tests.model.line import TOPIC, Line, of_version, titled

ANSWERS = st.lists(st.sampled_from(["confirmed", "refused", "lost"]), max_size=4)
ENDS = st.sampled_from(["answers", "answers", "answers", "away", "dies-before", "dies-after"])
VERSIONS = st.sampled_from([1, 1, 2])
PMIDS = st.integers(1, 2)


class Carrying(RuleBasedStateMachine):
    """Beside the services, what is true: `newest` revisions, `events`, and who `had` which."""

    ground: Ground

    @initialize()
    def begin(self) -> None:
        self.line, self.carrier = Line(self.ground), Carrier()
        self.newest: Counter[int] = Counter()
        self.events: dict[str, str] = {}  # id: the service whose outbox it was written to
        self.polls: dict[str, int] = {}
        self.had: set[tuple[str, int, str]] = set()

    @rule(pmid=PMIDS, dies=st.booleans())
    def a_fact_is_written_with_its_event(self, pmid: int, *, dies: bool) -> None:
        event = None
        with self.line.stores["poller"].dying_at(int(dies)):
            event = self.line.run(self.line.find(pmid))
        if event is not None:
            self.newest[pmid] += 1
            self.events[event] = "poller"

    @rule()
    def a_poll_ends(self) -> None:
        event = self.line.run(self.line.close_poll())
        self.events[event.id] = "poller"
        self.polls[event.data.poll_id] = event.data.announced
        self.line.poll += 1
        self.line.clock.advance(hours=1)

    @rule(
        service=st.sampled_from(["poller", "classifier"]),
        answers=ANSWERS,
        end=ENDS,
        limit=st.integers(1, 4),
        dies=st.booleans(),
    )
    def an_outbox_is_relayed(
        self, service: str, answers: list[Answer], end: End, limit: int, *, dies: bool
    ) -> None:
        self.carrier.answers, self.carrier.end = list(answers), end
        with self.line.stores[service].dying_at(int(dies)):
            try:
                self.line.run(self._relay(service, limit))
            except Retryable:
                assert end == "away"

    async def _relay(self, service: str, limit: int) -> int:
        table = self.line.outboxes()[service]
        return await relay(self.line.engine(service), table, self.carrier.publish, limit)

    @precondition(lambda self: any(self.carrier.queues.values()))
    @rule(data=st.data(), version=VERSIONS, dies=st.booleans(), acknowledged=st.booleans())
    def a_message_is_delivered(
        self, data: st.DataObject, version: int, *, dies: bool, acknowledged: bool
    ) -> None:
        consumer, event = self._drawn(data)
        if self._deliver(consumer, event, version, dies=dies) and acknowledged:
            self.carrier.queues[consumer].remove(event)

    @rule(
        facts=st.lists(PMIDS, max_size=4),
        order=st.randoms(use_true_random=False),
        version=VERSIONS,
        deaths=st.sets(st.integers(0, 5), max_size=3),
    )
    def all_goes_through_in_some_order(
        self, facts: list[int], order: Random, version: int, deaths: set[int]
    ) -> None:
        """What is written now comes with what waits; some deliveries kill, and come again."""
        for pmid in facts:
            self.a_fact_is_written_with_its_event(pmid, dies=False)
        self.carrier.end, self.carrier.answers = "answers", []
        for service, consumer in (("poller", "classifier"), ("classifier", "notifier")):
            self.line.run(self._relay(service, 200))
            waiting = self.carrier.queues[consumer]
            order.shuffle(waiting)
            for number in count():
                if not waiting:
                    break
                event = waiting.pop(0)
                if not self._deliver(consumer, event, version, dies=number in deaths):
                    waiting.append(event)

    @precondition(lambda self: any(self.carrier.queues.values()))
    @rule(data=st.data())
    def a_message_is_doubled(self, data: st.DataObject) -> None:
        consumer, event = self._drawn(data)
        self.carrier.queues[consumer].append(event)

    @precondition(lambda self: self.carrier.ever)
    @rule(data=st.data())
    def an_old_message_is_replayed(self, data: st.DataObject) -> None:
        self.carrier.put(data.draw(st.sampled_from(list(self.carrier.ever.values()))))

    @rule(minutes=st.sampled_from([1, 600, -600, -100_000]))
    def the_clock_jumps(self, minutes: int) -> None:
        self.line.clock.advance(minutes=minutes)

    def _drawn(self, data: st.DataObject) -> tuple[str, Outgoing]:
        busy = [name for name, waiting in self.carrier.queues.items() if waiting]
        consumer = data.draw(st.sampled_from(busy))
        return consumer, data.draw(st.sampled_from(self.carrier.queues[consumer]))

    def _deliver(self, consumer: str, event: Outgoing, version: int, *, dies: bool) -> bool:
        """Whether the handler came to its end; what it wrote is what was due to be written."""
        self.line.writes.clear()
        before = self._published() if consumer == "classifier" else []
        is_done = False
        with self.line.stores[consumer].dying_at(int(dies)), of_version(consumer, version):
            self.line.run(self._handled(consumer, event.body))
            is_done = True
        is_first = (consumer, version, event.event_id) not in self.had
        assert is_first == bool(self.line.writes), "one effect for each event and version"
        if is_done:
            self.had.add((consumer, version, event.event_id))
        if consumer == "classifier":
            new = [one for one in self._published() if one not in before]
            assert len(new) <= int(is_done and is_first)
            self.events |= dict.fromkeys(new, "classifier")
        return is_done

    async def _handled(self, consumer: str, body: bytes) -> None:
        await self.line.handle(consumer)(body)

    def _published(self) -> list[str]:
        return self._ids("classifier")

    def _ids(self, service: str) -> list[str]:
        rows = self.line.rows(service, sa.select(self.line.outboxes()[service].c.event_id))
        return [row.event_id for row in rows]

    @invariant()
    def count(self) -> None:
        self.ground.steps += 1

    @invariant()
    def nothing_is_lost_and_nothing_is_told_that_was_not_written(self) -> None:
        waits = {name: set(self._ids(name)) for name in ("poller", "classifier")}
        assert self.carrier.ever.keys() <= self.events.keys()
        for event, service in self.events.items():
            if event not in waits[service]:
                assert event in self.carrier.ever, "forgotten before it was safe"

    @invariant()
    def what_was_taken_is_at_its_consumer_or_had(self) -> None:
        for consumer in CONSUMERS:
            waiting = {event.event_id for event in self.carrier.queues[consumer.name]}
            had = {event for name, _, event in self.had if name == consumer.name}
            for event in self.carrier.ever.values():
                if event.routing_key in consumer.bindings:
                    assert event.event_id in waiting | had

    @invariant()
    def the_newest_revision_that_came_is_the_one_that_is_kept(self) -> None:
        table = classifier.classifications
        rows = self.line.rows("classifier", sa.select(table.c.pmid, table.c.revision))
        assert {row.pmid: row.revision for row in rows} == self._came("classifier")
        assert self._projected() == self._came("notifier")

    def _projected(self) -> dict[int, int]:
        articles, cards = notifier.articles, notifier.cards
        rows = self.line.rows(
            "notifier",
            sa.select(articles, cards.c.revision.label("card")).join(
                cards, cards.c.pmid == articles.c.pmid
            ),
        )
        for row in rows:
            assert row.card == row.revision == row.entry["revision"]
            assert row.entry["article"]["title"] == titled(row.pmid, row.revision)
        return {row.pmid: row.revision for row in rows}

    def _came(self, consumer: str) -> dict[int, int]:
        found: dict[int, int] = {}
        for name, _, event in self.had:
            body: Any = decode(self.carrier.ever[event].body)
            if name == consumer and not isinstance(body, PollCompleted):
                pmid = body.data.article.pmid
                found[pmid] = max(found.get(pmid, 0), body.data.revision)
        return found

    def teardown(self) -> None:
        if not hasattr(self, "line"):
            return
        try:
            self._settle()
            self._all_is_told()
        finally:
            self.line.end()

    def _settle(self) -> None:
        """The broker is back, and everybody lives: what waits comes to its end."""
        self.carrier.end, self.carrier.answers = "answers", []
        moved = True
        while moved:
            moved = any(self.line.run(self._relay(name, 200)) for name in self.line.outboxes())
            for consumer, waiting in self.carrier.queues.items():
                while waiting:
                    assert self._deliver(consumer, waiting[0], 1, dies=False)
                    waiting.pop(0)
                    moved = True

    def _all_is_told(self) -> None:
        newest = {pmid: revision for pmid, revision in self.newest.items() if revision}
        assert self._projected() == newest
        assert self.line.run(self._arrived()) == {k: n for k, n in self.polls.items() if n}
        rows = self.line.rows("notifier", sa.select(notifier.revisions.c.event_id))
        classified = {e.event_id for e in self.carrier.ever.values() if e.routing_key == KEY}
        assert {row.event_id for row in rows} == classified

    async def _arrived(self) -> dict[str, int]:
        async with transaction(self.line.engine("notifier")) as connection:
            found = await received_counts(connection, TOPIC.id, list(self.polls))
        return {name: number for name, number in found.items() if number}


KEY = ArticleClassified.ROUTING_KEY


def test_nothing_is_lost_and_everything_has_its_effect_once(
    ground: Ground, profile: settings
) -> None:
    machine = type("Machine", (Carrying,), {"ground": ground})
    ground.run(machine, profile)
