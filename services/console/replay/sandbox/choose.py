"""What of an archive is fed to the sandbox, and at which instant.

The clock follows the events' times. Events of one article keep their order whatever their times
say: a clock that was put back must not make a revision come before its discovery.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.console.archive.recorded import Read, Recorded
from services.console.replay.sandbox.result import Fault
from services.console.replay.sandbox.spool import Spool, Spooled
from services.console.replay.selection import Selection, select
from shared.events import (
    ArticleClassified,
    ArticleDiscovered,
    ArticleRevised,
    Discovery,
    Event,
    Poll,
    PollCompleted,
    Undecodable,
    decode,
)
from shared.marks import MARKS

POLL = PollCompleted.ROUTING_KEY
FOLLOWED = frozenset({ArticleDiscovered.ROUTING_KEY, ArticleRevised.ROUTING_KEY, POLL})
"""What is fed when today's classifier labels."""
RECORDED = frozenset({ArticleClassified.ROUTING_KEY, POLL})
"""What is fed when the recorded labels are taken."""

_UNREADABLE = "unreadable"

PollKey = tuple[str, str]
"""Topic and poll id."""


@dataclass
class Account:
    """What was read, as it is counted; `announced` has the PMIDs that were fed, by poll.

    `before` is how many articles polls announced that had begun before the first event, and that
    are not here: they came earlier, or are missing.
    """

    chosen: Counter[str] = field(default_factory=Counter)
    fed: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    twice: int = 0
    polls_beside: int = 0
    before: int = 0
    faults: list[Fault] = field(default_factory=list)
    first: datetime | None = None
    last: datetime | None = None
    topics: set[str] = field(default_factory=set)
    announced: dict[PollKey, set[int]] = field(default_factory=dict)
    polled: set[PollKey] = field(default_factory=set)
    _latest: dict[tuple[str, int], datetime] = field(default_factory=dict)

    def note(self, event: Event, at: datetime) -> datetime:
        """Take account of an event that is fed; the instant at which it comes."""
        data = event.data
        if isinstance(data, Discovery):
            subject = (data.topic, data.article.pmid)
            at = self._latest[subject] = max(at, self._latest.get(subject, at))
            self.announced.setdefault((data.topic, data.poll_id), set()).add(data.article.pmid)
            self.topics.add(data.topic)
        elif isinstance(data, Poll):
            self.polled.add((data.topic, data.poll_id))
            self.topics.add(data.topic)
        self.first = min(at, self.first or at)
        self.last = max(at, self.last or at)
        return at


async def choose(
    spool: Spool, read: Read, selection: Selection, *, recorded_labels: bool
) -> Account:
    """Fill the spool with what the selection means, as far as it is fed. Raises as reading does.

    Where it means only some articles, the polls of their topics are fed too, without which no
    digest could be cut; a poll then announces no more articles than are fed, so that no digest
    waits for what was left out on purpose.
    """
    account = Account()
    wanted = RECORDED if recorded_labels else FOLLOWED
    async for entry in select(read, selection):
        _take(spool, account, entry, wanted)
    narrow = is_narrow(selection)
    if narrow and account.announced:
        await _add_polls(spool, account, read)
    _fit(spool, account, narrow=narrow)
    return account


def is_narrow(selection: Selection) -> bool:
    """Whether it leaves out articles of the time and topics that it means."""
    wide = Selection(since=selection.since, until=selection.until, topics=selection.topics)
    return replace(selection, replay_id=None) != wide


def _take(spool: Spool, account: Account, entry: Recorded, wanted: frozenset[str]) -> None:
    try:
        event = entry.event()
    except Undecodable as fault:
        account.chosen[_UNREADABLE] += 1
        told = Fault(entry.position, entry.event_id, entry.type, "archive", str(fault))
        account.faults.append(told)
        return
    key = event.ROUTING_KEY
    account.chosen[key] += 1
    if key not in wanted:
        account.skipped[key] += 1
        return
    _feed(spool, account, entry, event)


def _feed(spool: Spool, account: Account, entry: Recorded, event: Event) -> None:
    as_it_is = entry.type == event.type and event.replayid is None
    at = account.note(event, entry.published_at)
    key, body = event.ROUTING_KEY, entry.body if as_it_is else _unmarked(event).encode()
    if spool.add(Spooled(entry.position, at, event.id, event.type, key, body)):
        account.fed[key] += 1
    else:
        account.twice += 1


def _unmarked(event: Event) -> Event:
    """As it was before a replay: in here everything is live."""
    return event.model_copy(update=dict.fromkeys(MARKS))


async def _add_polls(spool: Spool, account: Account, read: Read) -> None:
    """The polls that announced what was chosen, and those in its time: what was checked then."""
    since, until = account.first, account.last
    topics = frozenset(account.topics)
    async for entry in select(read, Selection(types=frozenset({POLL}), topics=topics)):
        try:
            event = entry.event()
        except Undecodable:
            continue  # the selection did not mean it
        if not isinstance(event, PollCompleted):
            continue
        key = (event.data.topic, event.data.poll_id)
        is_near = since is not None and until is not None and since <= entry.published_at <= until
        if key not in account.polled and (is_near or key in account.announced):
            account.polls_beside += 1
            _feed(spool, account, entry, event)


def _fit(spool: Spool, account: Account, *, narrow: bool) -> None:
    for one in spool.of_key(POLL):
        event = decode(one.body)
        if not isinstance(event, PollCompleted):
            continue
        poll = event.data
        cut_off = account.first is not None and poll.started_at < account.first
        fed = len(account.announced.get((poll.topic, poll.poll_id), ()))
        if (narrow or cut_off) and fed < poll.announced:
            account.before += 0 if narrow else poll.announced - fed
            less = poll.model_copy(update={"announced": fed})
            spool.replace(one.event_id, event.model_copy(update={"data": less}).encode())
