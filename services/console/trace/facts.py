"""What is known of one article, place by place, before it is put in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.console.parked.message import Parked
from services.notifier.trace.delivery import Delivery
from services.notifier.trace.life import Life
from shared.events import (
    ArticleClassified,
    ArticleDiscovered,
    ArticleRevised,
    DigestDelivered,
    ParkedResolved,
    Poll,
    Reason,
    ReplayFinished,
)
from shared.marks import Marks

AboutArticle = ArticleDiscovered | ArticleRevised | ArticleClassified


@dataclass(frozen=True)
class Gap:
    """A place that could not be looked at, and why: what is there is not in the trace."""

    place: str
    why: str


@dataclass(frozen=True)
class Said:
    """An event about the article as the archive has it; `times`: how often, under one id."""

    event: AboutArticle
    published_at: datetime
    marks: Marks | None = None
    times: int = 1

    @property
    def is_original(self) -> bool:
        """Whether no replay said it."""
        return self.marks is None


@dataclass(frozen=True)
class Heard:
    """What the archive says: `polls` are those that announced the article, by id; so `replays`.

    `entries` were looked at, from `first` to `last`; `unreadable` of them are no event that is
    known, so that nobody can tell what they were about.
    """

    name: str
    first: datetime | None = None
    last: datetime | None = None
    entries: int = 0
    unreadable: int = 0
    said: tuple[Said, ...] = ()
    delivered: tuple[DigestDelivered, ...] = ()
    polls: Mapping[str, Poll] = field(default_factory=dict)
    settled: tuple[ParkedResolved, ...] = ()
    replays: Mapping[str, ReplayFinished] = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """The poller's row of the article in one topic, and the poll that announced it last."""

    topic: str
    revision: int
    status: str
    reasons: tuple[Reason, ...]
    backfill: bool
    discovered_at: datetime
    announced_at: datetime
    reread_at: datetime
    poll_id: str


@dataclass(frozen=True)
class NotUnderstood:
    """A record of PubMed that the poller could not read, parked with its bytes."""

    topic: str
    reason: str
    parked_at: datetime
    tried_at: datetime


@dataclass(frozen=True)
class Labelled:
    """The classifier's row of the article in one topic: its latest labels."""

    topic: str
    revision: int
    scope: str
    taxonomy_version: str
    classifier_version: str
    event_id: str
    classified_at: datetime


@dataclass(frozen=True)
class Unpublished:
    """An event about the article that is still in a service's outbox."""

    service: str
    event_id: str
    type: str
    created_at: datetime
    attempts: int
    error: str | None


@dataclass(frozen=True)
class Receipt:
    """A handler, with its version, has had an event."""

    event_id: str
    handler: str
    at: datetime


@dataclass(frozen=True)
class Rehearsed:
    """A handler has had an event by a replay, and what became of it there."""

    service: str
    replay_id: str
    event_id: str
    handler: str
    outcome: str
    at: datetime


@dataclass(frozen=True)
class Queued:
    """A message about the article in a queue of the embedded mode; tried `attempt` times."""

    consumer: str
    event_id: str
    attempt: int
    due_at: datetime
    first_failed_at: datetime | None
    error: str | None


@dataclass(frozen=True)
class Facts:
    """All that was found; what could not be looked at is in `gaps`."""

    pmid: int
    heard: Heard | None = None
    held: tuple[Held, ...] = ()
    not_understood: tuple[NotUnderstood, ...] = ()
    labelled: tuple[Labelled, ...] = ()
    lives: tuple[Life, ...] = ()
    unpublished: tuple[Unpublished, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    rehearsed: tuple[Rehearsed, ...] = ()
    sent_again: tuple[Delivery, ...] = ()
    queued: tuple[Queued, ...] = ()
    parked: tuple[Parked, ...] = ()
    gaps: tuple[Gap, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether anything at all was found."""
        heard = self.heard is not None and bool(self.heard.said or self.heard.delivered)
        rows = (self.held, self.not_understood, self.labelled, self.lives, self.unpublished,
                self.queued, self.parked, self.sent_again)  # fmt: skip
        return heard or any(rows)
