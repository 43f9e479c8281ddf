"""The contract between the services: CloudEvents 1.0 in structured JSON, one class per event.

The type carries the schema version (`carillon.article.discovered.v1`); the routing key is the
middle of it (`article.discovered`). Changes within a version only add fields; readers ignore
what they do not know. Ids are deterministic, so that what is published twice is seen to be one.

Source: CloudEvents 1.0.2, sections "Context Attributes" and "JSON Event Format".
"""

import hashlib
import json
import re
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import NAMESPACE_URL, uuid5

from pydantic import (
    AwareDatetime,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from shared.article import Article, Record, Status
from shared.errors import Permanent

CONTENT_TYPE = "application/cloudevents+json"

Relation = Literal["query", "similar", "cited-by", "references", "cites-tracked"]
Facet = Literal["scope", "modality", "disease", "evidence", "target", "product"]
Place = Literal["title", "abstract", "mesh", "keyword", "publication-type"]
LegState = Literal["closed", "open", "unknown"]
Resolution = Literal["redriven", "edited", "discarded"]
ReplayEnd = Literal["finished", "cancelled"]


class Reason(Record):
    """Why an article is here: its relation to the seed.

    `rank` counts from 1 and `of` is the length of the list it was ranked in; `score` is NCBI's
    own and is only comparable within one list. `cites` is how many articles of the topic a
    `cites-tracked` one cites.
    """

    relation: Relation
    name: str | None = None
    rank: int | None = None
    of: int | None = None
    score: int | None = None
    cites: int | None = None


class Evidence(Record):
    """The words that carry a label: `sentence[start:end]` is `matched`.

    `section` is the index into `article.abstract` (or of the MeSH heading, keyword or type).
    """

    place: Place
    sentence: str
    start: int
    end: int
    matched: str
    rule: str
    section: int | None = None


class Label(Record):
    """One label with its confidence (0 to 1) and the sentences that carry it, strongest first."""

    facet: Facet
    id: str
    name: str
    confidence: float
    evidence: tuple[Evidence, ...] = ()


class Classification(Record):
    """What one article was labelled, and by which versions.

    `trials` are numbers in registers of trials, from the record's own list and from its text.
    """

    scope: str
    labels: tuple[Label, ...] = ()
    trials: tuple[str, ...] = ()
    taxonomy_version: str
    classifier_version: str


class Discovery(Record):
    """An article of a topic with all its reasons.

    `relatedness` is 0 to 1, higher is nearer to the seed. `revision` counts from 1, and
    `discovered_at` stays that of the first one. `backfill` marks what was there before the watch
    began: kept and labelled, never news.
    """

    topic: str
    article: Article
    revision: int
    reasons: tuple[Reason, ...]
    relatedness: float
    poll_id: str
    discovered_at: AwareDatetime
    backfill: bool = False


class Revision(Discovery):
    """A known article whose content, status or reasons changed, and what did."""

    changed: tuple[str, ...]
    previous_status: Status = Status.PUBLISHED


class Classified(Discovery):
    """A discovery or revision with its labels. `changed` is empty when it is new."""

    classification: Classification
    previous_status: Status = Status.PUBLISHED
    changed: tuple[str, ...] = ()


class Leg(Record):
    """One relation of one poll: what PubMed counted, and what became of each id.

    A leg is closed only when the numbers agree. `new` were not known before, `published` are those
    of its articles that were announced, new or changed. `unknown` means that PubMed cannot tell
    (`pubmed_pubmed_refs` of an article that is not in PMC), which is not the same as none.
    `open_since` is when a leg that is open was last complete, or first asked; `alarm` says that
    this is longer ago than the topic allows. `warnings` are PubMed's remarks on the query, and
    `previous_translation` is how it read the same query before, where it reads it otherwise now,
    `previous_warnings` what it remarked before, where that has changed.
    """

    relation: Relation
    name: str | None = None
    state: LegState
    counted: int | None = None
    received: int = 0
    fetched: int = 0
    understood: int = 0
    new: int = 0
    published: int = 0
    error: str | None = None
    query_translation: str | None = None
    window_from: AwareDatetime | None = None
    window_to: AwareDatetime | None = None
    open_since: AwareDatetime | None = None
    alarm: bool = False
    warnings: tuple[str, ...] = ()
    previous_translation: str | None = None
    previous_warnings: tuple[str, ...] | None = None


class Poll(Record):
    """One poll of one topic; `healthy` when every leg is closed or unknown.

    `announced` is the number of articles, discovered or revised, that carry its `poll_id`.
    `next_at` is when the next poll is due: a poller that is silent for longer is out of order.
    """

    topic: str
    topic_title: str
    seed: int
    poll_id: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    legs: tuple[Leg, ...]
    announced: int
    healthy: bool
    next_at: AwareDatetime | None = None


class DigestSent(Record):
    """What one subscription was sent. Never an address: the subscription's id stands for it."""

    topic: str
    digest_id: str
    subscription_id: str
    channel: str
    pmids: tuple[int, ...]
    notices: tuple[int, ...] = ()
    period_from: AwareDatetime
    period_to: AwareDatetime
    message_id: str | None = None


class ParkedMessages(Record):
    """What an operator did with messages that were parked at one consumer, and why.

    `messages` are the ids by which `carillon parked` names them; `edited_to` the id of the event
    that went instead of an edited one. Never a body. `resolution_id` is one run of the command.
    """

    resolution_id: str
    resolution: Resolution
    consumer: str
    messages: tuple[str, ...]
    reasons: dict[str, int]
    forced: bool = False
    by: str
    because: str = ""
    edited_to: str | None = None


class Replay(Record):
    """What was replayed through the queues, by whom and why, and what came of it.

    `target` is `broker` or the one consumer's queue, `selection` is in words, `to` are the
    subscriptions that a digest may really go to. `chosen` were meant and `sent` reached a queue,
    each event counted once for each consumer; of the sent ones consumers have `processed`,
    `deduplicated` (had them before) or `skipped` some, and parked those that `failed`. What is left
    to reach `sent` had no outcome yet when the replay ended.
    """

    replay_id: str
    target: str
    selection: str
    by: str
    because: str = ""
    forced: bool = False
    to: tuple[str, ...] = ()
    started_at: AwareDatetime
    finished_at: AwareDatetime
    state: ReplayEnd
    chosen: int
    sent: int
    processed: int = 0
    deduplicated: int = 0
    skipped: int = 0
    failed: int = 0


def _rfc3339(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


Instant = Annotated[AwareDatetime, PlainSerializer(_rfc3339, when_used="json")]


class CloudEvent(Record):
    """The envelope. `causationid` is the id of the event that led to this one.

    The attributes that begin with `replay` mark what a replay sent, or what was made of that: which
    replay, how many steps after it (1 is sent by the replay itself), whether it is to be worked on
    although it was had, and the ids of the subscriptions that it may be sent to, joined by commas.
    What carries no `replayid` is live (`shared.marks`).
    """

    ROUTING_KEY: ClassVar[str]

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    subject: str
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    causationid: str | None = None
    traceparent: str | None = None
    replayid: Annotated[str, Field(min_length=1, max_length=36)] | None = None
    replayhop: Annotated[int, Field(ge=1)] | None = None
    replayforce: bool | None = None
    replayto: str | None = None

    @model_validator(mode="after")
    def _belongs_to_a_replay_or_to_none(self) -> Self:
        """Half of the marks are no live event: nobody can tell what it was meant to be."""
        others = (self.replayhop, self.replayforce, self.replayto)
        if self.replayid is None and any(one is not None for one in others):
            raise ValueError("marks of a replay without its replayid")
        return self

    def encode(self) -> bytes:
        """The event as structured-mode JSON."""
        return self.model_dump_json(exclude_none=True).encode()


class ArticleDiscovered(CloudEvent):
    """PubMed has an article around the seed that this topic did not know."""

    ROUTING_KEY: ClassVar[str] = "article.discovered"
    type: Literal["carillon.article.discovered.v1"] = "carillon.article.discovered.v1"
    data: Discovery


class ArticleRevised(CloudEvent):
    """A known article changed: its text, its status, or its reasons."""

    ROUTING_KEY: ClassVar[str] = "article.revised"
    type: Literal["carillon.article.revised.v1"] = "carillon.article.revised.v1"
    data: Revision


class ArticleClassified(CloudEvent):
    """An article was labelled."""

    ROUTING_KEY: ClassVar[str] = "article.classified"
    type: Literal["carillon.article.classified.v1"] = "carillon.article.classified.v1"
    data: Classified


class PollCompleted(CloudEvent):
    """A poll ended, well or not. Its ledger says what was checked."""

    ROUTING_KEY: ClassVar[str] = "poll.completed"
    type: Literal["carillon.poll.completed.v1"] = "carillon.poll.completed.v1"
    data: Poll


class DigestDelivered(CloudEvent):
    """A digest was accepted by the subscriber's channel."""

    ROUTING_KEY: ClassVar[str] = "digest.delivered"
    type: Literal["carillon.digest.delivered.v1"] = "carillon.digest.delivered.v1"
    data: DigestSent


class ParkedResolved(CloudEvent):
    """Messages left a parking by an operator's hand."""

    ROUTING_KEY: ClassVar[str] = "parked.resolved"
    type: Literal["carillon.parked.resolved.v1"] = "carillon.parked.resolved.v1"
    data: ParkedMessages


class ReplayFinished(CloudEvent):
    """A replay through the queues ended: all was sent, or an operator cancelled it."""

    ROUTING_KEY: ClassVar[str] = "replay.finished"
    type: Literal["carillon.replay.finished.v1"] = "carillon.replay.finished.v1"
    data: Replay


Event = Annotated[
    ArticleDiscovered
    | ArticleRevised
    | ArticleClassified
    | PollCompleted
    | DigestDelivered
    | ParkedResolved
    | ReplayFinished,
    Field(discriminator="type"),
]
EVENTS: tuple[type[CloudEvent], ...] = (
    ArticleDiscovered,
    ArticleRevised,
    ArticleClassified,
    PollCompleted,
    DigestDelivered,
    ParkedResolved,
    ReplayFinished,
)
_ADAPTER: TypeAdapter[Any] = TypeAdapter(Event)


class Undecodable(Permanent):
    """A message that is not an event we know. It is parked, never dropped."""


def decode(body: bytes) -> Event:
    """Read one structured-mode CloudEvent.

    Raises:
        Undecodable: not JSON, an unknown type or version, or a field that is missing or wrong;
            the message names the first few places.
    """
    try:
        return _ADAPTER.validate_json(body)  # type: ignore[no-any-return]
    except ValidationError as error:
        places = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)[:3]
        )
        raise Undecodable(f"not a Carillon event: {places}") from error


def event_id(source: str, kind: str, *parts: str | int) -> str:
    """A name-based UUID (RFC 9562, version 5): the same facts give the same id.

    JSON keeps the parts apart, so that ("a", "bc") and ("ab", "c") do not meet.
    """
    return str(uuid5(NAMESPACE_URL, json.dumps([source, kind, *parts])))


_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent(event: str, parent: str | None = None) -> str:
    """W3C Trace Context for an event, derived from its id: one trace from discovery to digest.

    A parent that is not in its form is passed over, as the recommendation asks.
    """
    known = _TRACE.fullmatch(parent or "")
    trace = known[1] if known else hashlib.sha256(event.encode()).hexdigest()[:32]
    span = hashlib.sha256(f"span:{event}".encode()).hexdigest()[:16]
    return f"00-{trace}-{span}-01"
