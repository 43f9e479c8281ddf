"""What came of a stretch of the past in the sandbox, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Where = Literal["archive", "classifier", "notifier", "digests"]
Kind = Literal["digest", "notice", "next"]

Revision = tuple[str, int, int]
"""Topic, PMID and revision."""


@dataclass(frozen=True)
class Fault:
    """What could not be replayed: which entry of the archive, and why.

    `position` is the entry's own, and `None` for what the services made themselves (a label that
    the notifier refuses, a digest); `where` is who could not take it.
    """

    position: int | None
    event_id: str
    type: str
    where: Where
    error: str


@dataclass(frozen=True)
class Labelled:
    """What one revision of an article was labelled: its labels as (facet, id)."""

    scope: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Told:
    """A digest that a subscription got, or would get next.

    `kind` is `notice` for one that brings only notices, at once, and `next` for what was left to
    tell at the end. `at` is when it was due. `sections` are the headings with their articles in
    the order of the page; `pmids` are all of its news, those without room included. `folder` is
    where its files are, below the sandbox's folder.
    """

    subscription_id: str
    topic: str
    channel: str
    cadence: str
    kind: Kind
    at: datetime
    pmids: tuple[int, ...]
    sections: tuple[tuple[str, tuple[int, ...]], ...]
    notices: tuple[tuple[int, str], ...]
    background: tuple[int, ...]
    folder: str


@dataclass(frozen=True)
class Report:
    """What a replay in the sandbox came to.

    `chosen`, `fed` and `skipped` count entries by routing key: what the selection meant, what was
    given to the services, and what is no input here. `polls_beside` are polls that were added so
    that digests of a narrow selection know what was checked. `twice` were there before, by their
    id. `labels` has the last labels of each revision. `notes` say what is not as it was.
    """

    selection: str
    labels_from: Literal["classifier", "archive"]
    taxonomy: str
    first: datetime | None = None
    last: datetime | None = None
    ended: datetime | None = None
    chosen: Mapping[str, int] = field(default_factory=dict)
    fed: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    twice: int = 0
    polls_beside: int = 0
    subscriptions: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    labels: Mapping[Revision, Labelled] = field(default_factory=dict)
    digests: tuple[Told, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether there was something to replay, and all of it could be."""
        return bool(self.fed) and not self.faults
