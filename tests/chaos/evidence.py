"""What is found when everything is quiet: stores, archive, queues and mails, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tests.chaos.received import Received


class Key(NamedTuple):
    """An article of a topic."""

    topic: str
    pmid: int


@dataclass(frozen=True)
class Kept:
    """An article in the poller's store."""

    revision: int
    status: str
    title: str
    is_background: bool
    relations: frozenset[str]
    is_indexed: bool


@dataclass(frozen=True)
class Labelled:
    """An article in the classifier's store; `labels` are ids by facet."""

    revision: int
    scope: str
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Projected:
    """An article in the notifier's store."""

    revision: int
    status: str


@dataclass(frozen=True)
class Cut:
    """A digest in the notifier's store."""

    subscription: str
    state: str
    attempts: int = 1
    maybe_sent: bool = False


class Row(NamedTuple):
    """A line of the notifier's ledger."""

    subscription: str
    pmid: int
    kind: str
    digest: str
    is_delivered: bool


@dataclass(frozen=True)
class Announced:
    """An event of the archive: what the judge needs of it. `cause` is the event it follows from.

    `pmids` and `notices` are of a delivered digest, whose id is `subject`; `started` is of a poll.
    """

    id: str
    key: str
    subject: str = ""
    topic: str = ""
    status: str = ""
    revision: int = 0
    poll: str = ""
    cause: str | None = None
    pmids: tuple[int, ...] = ()
    notices: tuple[int, ...] = ()
    started: datetime | None = None


@dataclass(frozen=True)
class Parked:
    """A message of a parking queue, with our own headers."""

    queue: str
    message_id: str
    headers: Mapping[str, object]


@dataclass(frozen=True)
class Planted:
    """The bad messages that were sent on purpose. Ids of what must be parked, "" for none.

    `idle` are ids of events that must have no effect. `unsure`: the sending of some was broken
    off, so that more of ours (`chaos-...`) may be there.
    """

    parked: tuple[str, ...] = ()
    idle: frozenset[str] = frozenset()
    unsure: bool = False


@dataclass(frozen=True)
class Evidence:
    """All of it.

    `clock` is how the simulated time was stepped: real seconds and the instant shown from then on.
    `left` is when who left was told so, in real seconds. `bugs` are lines of logs that speak of
    one, and `exits` ends of processes that are none of those that are promised.
    """

    kept: Mapping[Key, Kept]
    polls: frozenset[str]
    unread: Sequence[str]
    archive: Sequence[Announced]
    labelled: Mapping[Key, Labelled]
    classified: frozenset[str]
    projected: Mapping[Key, Projected]
    noticed: Mapping[str, datetime]
    known_polls: frozenset[str]
    cuts: Mapping[str, Cut]
    ledger: Sequence[Row]
    queues: Mapping[str, int]
    outboxes: Mapping[str, int]
    parked: Sequence[Parked]
    planted: Planted
    mails: Sequence[Received]
    clock: Sequence[tuple[float, datetime]]
    left: Mapping[str, float] = field(default_factory=dict)
    bugs: Sequence[str] = ()
    exits: Sequence[str] = ()
