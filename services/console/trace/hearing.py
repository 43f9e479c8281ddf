"""What an archive says about one article: read once, from end to end, in bounded memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import get_args

from services.console.archive.recorded import Recorded, key_of
from services.console.archive.upcast import KNOWN, UPCASTERS
from services.console.trace.facts import AboutArticle, Heard, Said
from shared.events import (
    DigestDelivered,
    Event,
    ParkedResolved,
    Poll,
    PollCompleted,
    ReplayFinished,
    Undecodable,
)

_ARTICLE = frozenset(event.ROUTING_KEY for event in get_args(AboutArticle))
_ALWAYS = frozenset(event.ROUTING_KEY for event in (PollCompleted, ParkedResolved, ReplayFinished))


async def hear(
    name: str, entries: AsyncIterator[Recorded], pmid: int, topic: str | None = None
) -> Heard:
    """Read an archive through for one article. Raises what reading raises."""
    ear = _Ear(pmid, topic)
    async for entry in entries:
        ear.take(entry)
    return ear.heard(name)


@dataclass
class _Ear:
    """Keeps what is about the article. What is done to many is kept to the end."""

    pmid: int
    topic: str | None
    entries: int = 0
    unreadable: int = 0
    first: datetime | None = None
    last: datetime | None = None
    said: dict[tuple[str, str | None], Said] = field(default_factory=dict)
    delivered: dict[str, DigestDelivered] = field(default_factory=dict)
    polls: dict[str, Poll] = field(default_factory=dict)
    settled: list[ParkedResolved] = field(default_factory=list)
    replays: dict[str, ReplayFinished] = field(default_factory=dict)

    def take(self, entry: Recorded) -> None:
        """Look at one entry; a body without the number is not about it, and read no further."""
        self.entries += 1
        self.first = min(self.first or entry.published_at, entry.published_at)
        self.last = max(self.last or entry.published_at, entry.published_at)
        if entry.type not in KNOWN and entry.type not in UPCASTERS:
            self.unreadable += 1
            return
        if key_of(entry.type) not in _ALWAYS and str(self.pmid).encode() not in entry.body:
            return
        try:
            self._keep(entry, entry.event())
        except Undecodable:
            self.unreadable += 1

    def _keep(self, entry: Recorded, event: Event) -> None:
        if isinstance(event, PollCompleted):
            self.polls[event.data.poll_id] = event.data
        elif isinstance(event, ParkedResolved):
            self.settled.append(event)
        elif isinstance(event, ReplayFinished):
            self.replays[event.data.replay_id] = event
        elif isinstance(event, DigestDelivered):
            if self.pmid in (*event.data.pmids, *event.data.notices) and self._is_ours(event):
                self.delivered[event.id] = event
        elif event.data.article.pmid == self.pmid and self._is_ours(event):
            self._say(entry, event)

    def _say(self, entry: Recorded, event: AboutArticle) -> None:
        key = (event.id, entry.marks.replay_id if entry.marks else None)
        before = self.said.get(key)
        if before is None:
            self.said[key] = Said(event, entry.published_at, entry.marks)
        else:
            self.said[key] = replace(before, times=before.times + 1)

    def _is_ours(self, event: AboutArticle | DigestDelivered) -> bool:
        return self.topic in (None, event.data.topic)

    def heard(self, name: str) -> Heard:
        """What came of it, without the polls and settlements that were about others."""
        ids = {event_id for event_id, _ in self.said}
        polls = {one.event.data.poll_id for one in self.said.values()}
        return Heard(
            name=name,
            first=self.first,
            last=self.last,
            entries=self.entries,
            unreadable=self.unreadable,
            said=tuple(self.said.values()),
            delivered=tuple(self.delivered.values()),
            polls={poll_id: poll for poll_id, poll in self.polls.items() if poll_id in polls},
            replays=self.replays,
            settled=tuple(one for one in self.settled if ids & set(map(_event, one.data.messages))),
        )


def _event(name: str) -> str:
    """The id of a message's event; what a replay brought is named with the replay behind a +."""
    return name.partition("+")[0]
