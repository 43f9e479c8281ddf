"""What an audit looks at: where every article is, as each store says, and who was told what."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

Key = tuple[str, int]
"""Topic and PMID."""

Told = tuple[str, int]
"""Subscription and PMID."""


@dataclass(frozen=True)
class Found:
    """An article as the poller has it; `announced_at` is when it last told of it."""

    revision: int
    announced_at: datetime


@dataclass(frozen=True)
class Sent:
    """A digest of which the archive says that it was accepted."""

    digest_id: str
    subscription_id: str
    pmids: tuple[int, ...]
    at: datetime


@dataclass(frozen=True)
class Archived:
    """What the archive has, from `first` on: the last revision told of each article, and digests.

    `dropped` are consumer and article of what an operator took out of a parking.
    """

    first: datetime | None
    told: Mapping[Key, int]
    sent: Sequence[Sent]
    dropped: AbstractSet[tuple[str, Key]]


@dataclass(frozen=True)
class Facts:
    """Everything at about one time, the way of an article upwards: what moves on meanwhile is seen.

    `labelled` and `arrived` are the revisions at classifier and notifier. `unpublished` are
    articles in the outbox of a service, `digests` those digests in the notifier's. `queued` counts
    what waits at a consumer, `parked` are PMIDs. `ledger` has what was told or is about to be, with
    its digest; `accepted` when a digest was sent. `people` is whose a subscription is (a hash).
    """

    at: datetime
    found: Mapping[Key, Found]
    labelled: Mapping[Key, int]
    arrived: Mapping[Key, int]
    unpublished: Mapping[str, AbstractSet[Key]]
    digests: AbstractSet[str]
    queued: Mapping[str, int]
    parked: Mapping[str, AbstractSet[int]]
    ledger: Mapping[Told, str]
    accepted: Mapping[str, datetime]
    people: Mapping[str, str]
    archived: Archived
