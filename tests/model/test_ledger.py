"""The notifier's ledger under two notifiers that die, and a mail server that answers as it likes.

Beside it stands what is true: which articles there are, who may be written to, what was taken.
"""

import asyncio
import re
import shutil
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
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

from services.notifier import changes, ledger, subscribers, tables
from services.notifier.handlers import handler
from services.notifier.parcels import Parcel
from shared.article import Status
from shared.database import transaction
from shared.events import CloudEvent
from tests.fakes import FakeClock
from tests.model.ground import Ground, opened
from tests.model.line import reader_of
from tests.model.notifiers import Answer, Mailbox, Notifier
from tests.unit.notifier.kit import START, a_poll_event, a_subscription, an_article_event

PEOPLE = {"one": "a", "two": "a", "other": "b", "stranger": "c"}
"""Subscriptions and whose they are; the stranger never confirmed."""

NEWS = re.compile(r"^  Why: .*\n(?:    .*\n)*  PubMed (\d+) ", re.MULTILINE)
"""An article as news; a notice gives no reason."""
READERS = st.sampled_from(["one", "two", "other"])
ANSWERS = st.sampled_from(
    ["taken", "taken", "later", "later-by-hours", "never", "rejected", "taken-lost", "lost"]
)
MOSTLY_WELL = st.sampled_from(["taken", "taken", "later", "later-by-hours", "taken-lost", "lost"])
DIES = st.sampled_from([0, 0, 0, 0, 1, 2])
DIES_PLANNING = st.sampled_from([0, 0, 0, 1, 2, 3, 4])
"""Looking for notices is the first commit, looking for who is due the second."""

JUMPS = st.sampled_from([1, 3, 9, 11, 60, 60, 700, 1440, 1440, 60_000, -5, -30, -700, -20_000])
GONE = st.sampled_from([Status.RETRACTED, Status.WITHDRAWN])
WHICH = st.integers(0, 1)
SKEW, LEASE = 5, 10
"""Minutes: how far the clocks are apart at most, and how long a claim lasts."""


class Delivering(RuleBasedStateMachine):
    ground: Ground

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = self.ground.life()
        self.reader = reader_of(self.folder, "notifier")
        self.clock, self.mailbox = FakeClock(START), Mailbox()
        self.hands = opened(self.folder, "notifier")  # who writes what readers and pollers do
        self.notifiers = [self._notifier() for _ in range(2)]
        self.status: dict[int, Status] = {}
        self.revision: Counter[int] = Counter()
        self.mailable = {"one", "two", "other"}
        self.allowed: dict[int, frozenset[int]] = {}  # by id of a parcel: what it may bring
        self.claimed: dict[int, int] = {}  # by id of a parcel: how many moves of the clock before
        self.moves: list[int] = []
        self.polls = 0
        self.seen = 0
        self.run(self._subscribe())

    def _notifier(self) -> Notifier:
        return Notifier(opened(self.folder, "notifier"), self.clock, self.mailbox)

    def run(self, step: Any) -> Any:
        return self.runner.run(step)

    async def _subscribe(self) -> None:
        async with transaction(self.hands.engine) as connection:
            for name, person in PEOPLE.items():
                confirmed = None if name == "stranger" else START
                one = a_subscription(
                    id=name, address=f"{person}@example.org", confirmed_at=confirmed
                )
                await subscribers.save(connection, one, "console", START)

    async def _receive(self, *events: CloudEvent) -> None:
        handle = handler(self.hands.engine, self.clock)
        for event in events:
            await handle(event.encode())

    async def _do(self, act: Any, *args: Any) -> Any:
        async with transaction(self.hands.engine) as connection:
            return await act(connection, *args)

    @rule(number=st.integers(0, 2), late=st.booleans())
    def a_poll_brings_articles(self, number: int, *, late: bool) -> None:
        self.polls += 1
        poll, now = f"p{self.polls}", self.clock()
        pmids = range(len(self.status) + 1, len(self.status) + 1 + number)
        events = [an_article_event(pmid, now, poll=poll) for pmid in pmids]
        end = a_poll_event(now, poll=poll, announced=number + late)
        self.run(self._do(ledger.end_those_ahead, now))  # who lives tidies every hour
        self.run(self._receive(*events, end))
        self.status |= dict.fromkeys(pmids, Status.PUBLISHED)
        self.revision.update(pmids)

    @rule(number=st.integers(1, 2), which=WHICH, dies=DIES_PLANNING)
    def a_morning_comes(self, number: int, which: int, dies: int) -> None:
        self.a_poll_brings_articles(number, late=False)
        seven = self.clock.now.replace(hour=7, minute=6, second=0)
        self._move(seven + (seven <= self.clock.now) * timedelta(days=1))
        self.digests_are_planned(which, dies)

    @precondition(lambda self: self.status)
    @rule(data=st.data(), status=GONE)
    def a_paper_is_gone(self, data: st.DataObject, status: Status) -> None:
        pmid = data.draw(st.sampled_from(sorted(self.status)))
        self.revision[pmid] += 1
        revision, self.polls = self.revision[pmid], self.polls + 1
        more: dict[str, Any] = {"revision": revision, "status": status}
        event = an_article_event(pmid, self.clock(), poll=f"p{self.polls}", **more)
        self.run(self._receive(event))
        self.status[pmid] = status

    @rule(minutes=JUMPS)
    def the_clock_jumps(self, minutes: int) -> None:
        self._move(self.clock.now + timedelta(minutes=minutes))

    def _move(self, to: datetime) -> None:
        self.moves.append(round((to - self.clock.now).total_seconds() / 60))
        self.clock.now = to

    @rule(which=WHICH, minutes=st.sampled_from([0, 2, -3]))
    def a_clock_is_off(self, which: int, minutes: int) -> None:
        self.notifiers[which].skew = timedelta(minutes=minutes)

    @rule(name=READERS)
    def a_reader_pauses(self, name: str) -> None:
        self.run(self._do(changes.pause, name, self.clock() + timedelta(days=2), self.clock()))

    @rule(name=READERS)
    def a_reader_goes_on(self, name: str) -> None:
        self.run(self._do(changes.resume, name, self.clock()))

    @rule(name=READERS)
    def a_reader_leaves(self, name: str) -> None:
        self.run(self._do(changes.leave, name))

    @rule(name=READERS)
    def a_reader_is_brought_back(self, name: str) -> None:
        self.run(self._do(subscribers.activate, name))

    @rule(which=WHICH, dies=DIES_PLANNING)
    def digests_are_planned(self, which: int, dies: int) -> None:
        notifier = self.notifiers[which]
        with notifier.store.dying_at(dies):
            self.run(notifier.plan())

    @rule(which=WHICH, number=st.integers(1, 3), dies=DIES)
    def digests_are_claimed(self, which: int, number: int, dies: int) -> None:
        notifier = self.notifiers[which]
        taken: list[Parcel] = []
        held = self._surely_held()
        with notifier.store.dying_at(dies):
            taken = self.run(notifier.claim(number))
        for parcel in taken:  # not `setdefault`: the number of one that is gone is given again
            self.allowed[id(parcel)] = self._allowed(parcel.subscription.id)
            self.claimed[id(parcel)] = len(self.moves)
        assert held.isdisjoint(one.claim.digest_id for one in taken), "two hold it"

    def _surely_held(self) -> set[str]:
        """Digests that somebody claimed so lately that no clock can take the lease for over."""
        found = set()
        for parcel in self._in_hand():
            since = self.moves[self.claimed[id(parcel)] :]
            ahead, back = sum(max(n, 0) for n in since), sum(max(-n, 0) for n in since)
            if ahead + SKEW < LEASE and back + SKEW < 60:
                found.add(parcel.claim.digest_id)
        return found

    def _in_hand(self) -> list[Parcel]:
        held = [parcel for one in self.notifiers for parcel in one.held]
        return held + [flight.parcel for one in self.notifiers for flight in one.flights]

    def _allowed(self, name: str) -> frozenset[int]:
        """What a mail to this subscription may bring, as things stand; nothing if none may go."""
        rows = self._rows(
            sa.select(tables.subscriptions.c.active, tables.suppressions.c.reason)
            .outerjoin(
                tables.suppressions,
                tables.suppressions.c.recipient == tables.subscriptions.c.recipient,
            )
            .where(tables.subscriptions.c.id == name)
        )
        may_be_mailed = name != "stranger" and rows[0].active and rows[0].reason is None
        here = {pmid for pmid, status in self.status.items() if status is Status.PUBLISHED}
        return frozenset(here) if may_be_mailed else frozenset()

    @precondition(lambda self: any(one.held for one in self.notifiers))
    @rule(data=st.data(), dies=DIES)
    def a_hand_over_begins(self, data: st.DataObject, dies: int) -> None:
        held = [(one, parcel) for one in self.notifiers for parcel in one.held]
        notifier, parcel = held[data.draw(st.integers(0, len(held) - 1))]
        with notifier.store.dying_at(dies):
            self.run(notifier.start(parcel))

    @precondition(lambda self: any(one.flights for one in self.notifiers))
    @rule(data=st.data(), answer=ANSWERS, dies=DIES)
    def the_server_answers(self, data: st.DataObject, answer: Answer, dies: int) -> None:
        flying = [(one, flight) for one in self.notifiers for flight in one.flights]
        notifier, flight = flying[data.draw(st.integers(0, len(flying) - 1))]
        with notifier.store.dying_at(dies):
            self.run(notifier.answer(flight, answer))
        self._judge(lambda _name: self.allowed[id(flight.parcel)])

    @rule(which=WHICH, answer=MOSTLY_WELL, dies=st.integers(0, 12))
    def a_notifier_makes_its_round(self, which: int, answer: Answer, dies: int) -> None:
        notifier = self.notifiers[which]
        allowed, held = {name: self._allowed(name) for name in PEOPLE}, self._surely_held()
        with notifier.store.dying_at(dies):
            self.run(notifier.whole_pass(answer))
        sent = {_digest_of(mail) for _, mail in self.mailbox.mails[self.seen :]}
        assert held.isdisjoint(sent), "sent while another one holds it"
        self._judge(allowed.__getitem__)

    @rule(which=WHICH)
    def a_notifier_dies(self, which: int) -> None:
        self.run(self.notifiers[which].die())

    def _judge(self, allowed: Any) -> None:
        """Each mail that was taken now brings only what it may, to who may have it."""
        owner = {row.id: row.subscription_id for row in self._rows(sa.select(tables.digests))}
        for address, mail in self.mailbox.mails[self.seen :]:
            name = owner[_digest_of(mail)]
            assert address == f"{PEOPLE[name]}@example.org"
            assert _news(mail) <= allowed(name), "retracted, or to who must not be written to"
        self.seen = len(self.mailbox.mails)

    def _rows(self, statement: sa.Select[Any]) -> Any:
        with self.reader.connect() as connection:
            return connection.execute(statement).all()

    @invariant()
    def count(self) -> None:
        self.ground.steps += 1

    @invariant()
    def nobody_is_sent_a_paper_by_two_digests(self) -> None:
        brought: dict[tuple[str, int], set[str]] = defaultdict(set)
        for address, mail in self.mailbox.mails:
            for pmid in _news(mail):
                brought[address, pmid].add(str(mail["Message-ID"]))
        assert all(len(ids) == 1 for ids in brought.values())

    @invariant()
    def what_comes_twice_was_in_doubt_and_is_counted(self) -> None:
        copies = Counter(_digest_of(mail) for _, mail in self.mailbox.mails)
        for row in self._rows(sa.select(tables.digests)):
            assert copies[row.id] <= 1 or row.maybe_sent
            assert row.state != "sent" or copies[row.id], "on record as sent, and was not"
            assert row.state != "failed" or row.maybe_sent or not copies[row.id]

    @invariant()
    def the_ledger_has_exactly_what_is_sent_or_may_be(self) -> None:
        rows = self._rows(
            sa.select(tables.ledger, tables.digests.c.state, tables.digests.c.maybe_sent).join(
                tables.digests, tables.digests.c.id == tables.ledger.c.digest_id, isouter=True
            )
        )
        for row in rows:
            assert row.state in {"intent", "sent"} or (row.state, row.maybe_sent) == (
                "failed",
                True,
            )
            assert (row.delivered_at is None) == (row.state == "intent")
        told = Counter((PEOPLE[row.subscription_id], row.pmid, row.kind) for row in rows)
        assert all(number == 1 for number in told.values()), "a person is told once"

    @invariant()
    def each_digest_that_was_sent_is_told_of_once(self) -> None:
        sent = {row.id for row in self._rows(sa.select(tables.digests)) if row.state == "sent"}
        assert len(self._rows(sa.select(tables.outbox))) == len(sent)

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        try:
            self._settle()
            self.nobody_is_sent_a_paper_by_two_digests()
            self.what_comes_twice_was_in_doubt_and_is_counted()
            self.the_ledger_has_exactly_what_is_sent_or_may_be()
            self.each_digest_that_was_sent_is_told_of_once()
            self._everybody_has_everything()
            self._count_what_was_met()
        finally:
            self._end()

    def _settle(self) -> None:
        """Whoever is in the middle of something dies; then all is well, for some days."""
        for notifier in self.notifiers:
            self.run(notifier.die())
        survivor = self._notifier()
        self.notifiers.append(survivor)
        self._move(max([self.clock.now, *self._ends_of_pauses()]))
        for _ in range(6):
            self.clock.advance(days=1)
            self.a_poll_brings_articles(0, late=False)
            for _ in range(2):
                self.clock.advance(minutes=11)
                allowed = {name: self._allowed(name) for name in PEOPLE}
                self.run(survivor.whole_pass("taken"))
                self._judge(allowed.__getitem__)

    def _ends_of_pauses(self) -> list[datetime]:
        """One of a clock that was ahead ends on its own day: it cannot be told from one chosen."""
        rows = self._rows(sa.select(tables.subscriptions.c.paused_until))
        return [row.paused_until for row in rows if row.paused_until]

    def _everybody_has_everything(self) -> None:
        kept = {
            (PEOPLE[row.subscription_id], row.pmid) for row in self._rows(sa.select(tables.ledger))
        }
        for name in ("one", "other"):
            for pmid in self._allowed(name):
                assert (PEOPLE[name], pmid) in kept, "never told, and nowhere on record"
        assert not [row for row in self._rows(sa.select(tables.digests)) if row.state == "intent"]

    def _count_what_was_met(self) -> None:
        digests = self._rows(sa.select(tables.digests).where(tables.digests.c.state != "skipped"))
        self.ground.met["mails"] += len(self.mailbox.mails)
        self.ground.met.update(row.state for row in digests)
        self.ground.met["in doubt"] += sum(row.maybe_sent for row in digests)

    def _end(self) -> None:
        for store in (self.hands, *(one.store for one in self.notifiers)):
            self.run(store.engine.dispose())
        self.reader.dispose()
        self.runner.close()
        shutil.rmtree(self.folder)


def _digest_of(mail: EmailMessage) -> str:
    return str(mail["Message-ID"]).strip("<>").split("@", maxsplit=1)[0]


def _news(mail: EmailMessage) -> set[int]:
    text = mail.get_body(("plain",))
    assert text is not None
    return {int(pmid) for pmid in NEWS.findall(text.get_content().replace("\r\n", "\n"))}


def test_nobody_is_told_twice_and_nothing_is_missed(ground: Ground, profile: settings) -> None:
    machine = type("Machine", (Delivering,), {"ground": ground})
    ground.run(machine, profile)


BACK = [("the_clock_jumps", -20_000)] * 3
AHEAD: list[tuple[Any, ...]] = [
    ("the_clock_jumps", 60_000), ("a_morning_comes", 1, 0, 0),
    ("a_notifier_makes_its_round", 0, "taken", 0),
]  # fmt: skip
"""Six weeks ahead, and a digest is sent there."""


@pytest.mark.parametrize(
    "steps",
    [
        [("the_clock_jumps", 60_000), ("a_reader_pauses", "other"), *BACK],
        [("a_reader_pauses", "other"), ("the_clock_jumps", 1_440), ("the_clock_jumps", 60_000),
         ("a_reader_pauses", "other"), ("a_reader_goes_on", "other"), *BACK],
        [*AHEAD, ("a_reader_pauses", "other"), *BACK, ("an_article_comes",)],
        [*AHEAD, *BACK, ("an_article_comes",), ("the_clock_jumps", 60_000)],
    ],
    ids=["a pause", "a pause that was ended", "a digest and a pause", "a digest, and nobody works"],
)  # fmt: skip
def test_what_a_clock_that_was_put_back_leaves_behind_hides_no_paper(
    ground: Ground, steps: list[tuple[Any, ...]]
) -> None:
    """Sequences that long runs come to, and the short one does not."""
    machine = type("Machine", (Delivering,), {"ground": ground})()
    machine.begin()
    machine.a_poll_brings_articles(1, late=False)
    for name, *given in steps:
        if name == "an_article_comes":
            machine.a_poll_brings_articles(1, late=False)
        else:
            getattr(machine, name)(*given)
    machine.teardown()
