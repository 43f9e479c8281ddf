"""The messages of a day: new articles, revisions, duplicates and poison, by a seed.

How many of each is far from life on purpose: PubMed has some ten new articles a day around a seed.
A day of 4.32 million messages is mostly what may come again: revisions, and events sent twice.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.article import AbstractSection, Article, Status
from shared.events import (
    ArticleDiscovered,
    ArticleRevised,
    Discovery,
    Leg,
    Poll,
    PollCompleted,
    Reason,
    Revision,
    event_id,
)
from shared.outbox import Outgoing

TOPIC = "car-autoimmune"
SOURCE = f"urn:carillon:poller:{TOPIC}"
FIRST_PMID = 80_000_000
NEW, REVISED, POISON = 0.0002, 0.60, 0.0002
"""Shares of what is sent; the rest are duplicates. First come `known` new ones."""
REMEMBERED = 5_000
"""Events that may be sent again: as many as a crashed relay or consumer could, and more."""
RETRACTED = 0.001
POLL_EVERY = 15_000
"""Messages of one poll: five minutes at fifty a second."""


class Mix:
    """Makes the messages of a day; the same seed gives the same ones."""

    def __init__(self, articles: Sequence[Article], seed: int, known: int = 1_000) -> None:
        self._articles, self._known = articles, known
        self._random = random.Random(seed)  # noqa: S311  to be repeated
        self._revisions: list[int] = []
        self._again: list[Outgoing] = []
        self._announced: set[int] = set()
        self._poll = 0
        self.sent = self.distinct = self.duplicates = self.polls = self.poison = 0

    def batch(self, size: int, now: datetime) -> list[Outgoing]:
        """The next so many messages."""
        return [one for _ in range(size) for one in self._next(now)]

    def _next(self, now: datetime) -> Iterator[Outgoing]:
        self.sent += 1
        dice = self._random.random()
        if dice < POISON:
            self.poison += 1
            yield Outgoing(f"poison-{self.sent}", "poison", "article.discovered", b'{"id": "\xff')
        elif dice < POISON + NEW or len(self._revisions) < self._known:
            yield self._remembered(self._discovered(now))
        elif dice < POISON + NEW + REVISED:
            yield self._remembered(self._revised(now))
        else:
            self.duplicates += 1
            yield self._random.choice(self._again)
        if self.sent % POLL_EVERY == 0:
            yield self._completed(now)

    def _remembered(self, event: ArticleDiscovered | ArticleRevised) -> Outgoing:
        self.distinct += 1
        made = Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode())
        if len(self._again) < REMEMBERED:
            self._again.append(made)
        else:
            self._again[self._random.randrange(REMEMBERED)] = made
        return made

    def _discovered(self, now: datetime) -> ArticleDiscovered:
        self._revisions.append(1)
        number = len(self._revisions) - 1
        data = Discovery(**self._fields(number, now))
        identity = event_id(SOURCE, "article.discovered", data.article.pmid, 1)
        return ArticleDiscovered(
            id=identity, source=SOURCE, subject=str(data.article.pmid), time=now, data=data
        )

    def _revised(self, now: datetime) -> ArticleRevised:
        number = self._random.randrange(len(self._revisions))
        self._revisions[number] += 1
        data = Revision(**self._fields(number, now), changed=("abstract",))
        identity = event_id(SOURCE, "article.revised", data.article.pmid, data.revision)
        return ArticleRevised(
            id=identity, source=SOURCE, subject=str(data.article.pmid), time=now, data=data
        )

    def _fields(self, number: int, now: datetime) -> dict[str, object]:
        self._announced.add(number)
        revision = self._revisions[number]
        return {
            "topic": TOPIC,
            "article": self._article(number, revision),
            "revision": revision,
            "reasons": (Reason(relation="query", name="car-autoimmune"),),
            "relatedness": round(self._random.random(), 3),
            "poll_id": self._poll_id,
            "discovered_at": now,
        }

    def _article(self, number: int, revision: int) -> Article:
        one = self._articles[number % len(self._articles)]
        said = AbstractSection(text=f"This is reading {revision} of record {number}.")
        is_retracted = revision > 1 and self._random.random() < RETRACTED
        status = Status.RETRACTED if is_retracted else one.status
        changes = {"pmid": FIRST_PMID + number, "abstract": (*one.abstract, said), "status": status}
        return one.model_copy(update=changes)

    @property
    def records(self) -> int:
        """How many records there are by now."""
        return len(self._revisions)

    @property
    def _poll_id(self) -> str:
        return event_id(SOURCE, "soak", self._poll)

    def _completed(self, now: datetime) -> Outgoing:
        poll = Poll(
            topic=TOPIC, topic_title="CAR cells in autoimmunity", seed=39450112,
            poll_id=self._poll_id, started_at=now, finished_at=now,
            legs=(Leg(relation="query", name="car-autoimmune", state="closed"),),
            announced=len(self._announced), healthy=True,
        )  # fmt: skip
        self._poll, self._announced = self._poll + 1, set()
        self.polls += 1
        identity = event_id(SOURCE, "poll.completed", poll.poll_id)
        event = PollCompleted(id=identity, source=SOURCE, subject=poll.poll_id, time=now, data=poll)
        return Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode())
