"""What the classifier does with an article: label it, remember that, and say so."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import store
from services.classifier.classify import classify
from services.classifier.replays import replays
from services.classifier.tables import inbox, outbox
from services.classifier.taxonomy import Taxonomy
from shared import tracing
from shared.article import Article, content_hash
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Permanent
from shared.events import (
    ArticleClassified,
    ArticleDiscovered,
    ArticleRevised,
    Classification,
    Classified,
    Discovery,
    Event,
    Revision,
    decode,
    event_id,
    traceparent,
)
from shared.inbox import first_times
from shared.marks import carried_on, id_within, marks_of
from shared.outbox import add_all
from shared.placing import Handle
from shared.together import Together
from shared.under_replay import UnderReplay

log = structlog.get_logger(__name__)

UNDER_REPLAY = UnderReplay.APART

INBOX = "classify.v1"

Ours = ArticleDiscovered | ArticleRevised
"""The events that the classifier labels."""

Second = Callable[[Article, Classification], Awaitable[Classification]]
"""A second opinion; it raises nothing, whatever becomes of it."""


Told = Callable[[Sequence[ArticleClassified]], None]
"""Hears of what was labelled and is committed."""


def unheard(_events: Sequence[ArticleClassified]) -> None:
    """Nobody counts."""


async def no_second(article: Article, found: Classification) -> Classification:
    """The rules' answer as it is: nobody else is asked."""
    return found


def handler(
    engine: AsyncEngine,
    taxonomy: Taxonomy,
    clock: Clock,
    second: Second = no_second,
    second_known: Second = no_second,
    told: Told = unheard,
) -> Handle:
    """The classifier's handler of `article.discovered` and `article.revised`.

    It raises `Undecodable` for what is no event and `Permanent` for an event that is not ours.
    The one taxonomy serves every topic. `second` is asked before the transaction, so that no
    connection is held while it thinks; for what is replayed `second_known` is asked in its place,
    which costs nothing. `told` hears of what was labelled live, once it is committed.
    """

    async def write(events: Sequence[ArticleClassified]) -> None:
        told(await _write(engine, clock, events))

    together: Together[ArticleClassified] = Together(write)

    async def labelled(cause: Ours, ask: Second) -> ArticleClassified:
        article = cause.data.article
        topic, pmid, replay = cause.data.topic, article.pmid, cause.replayid
        with tracing.span("classify", topic=topic, pmid=pmid, replay_id=replay):
            found = await ask(article, classify(article, taxonomy))
        return classified(cause, found, clock())

    replayed = replays(engine, clock, INBOX, partial(labelled, ask=second_known))

    async def handle(body: bytes) -> None:
        cause = _ours(decode(body))
        if marks := marks_of(cause):
            await replayed(cause, marks)
        else:
            await together.write(await labelled(cause, second))

    return handle


async def _write(
    engine: AsyncEngine, clock: Clock, events: Sequence[ArticleClassified]
) -> list[ArticleClassified]:
    """What each handler has found, with the news of it, in one transaction; what was not had."""
    now = clock()
    by_cause = {str(event.causationid): event for event in events}
    async with transaction(engine) as connection:
        first = await first_times(connection, inbox, by_cause, INBOX, now)
        told = [event for cause, event in by_cause.items() if cause in first]
        if not told:
            return []
        overtaken = await store.keep_all(connection, told, now)
        # Also an overtaken one is told: readers count what each poll announced, and none of
        # them lets an older revision overwrite a newer one.
        await add_all(connection, outbox, told, now)
    _tell(told, overtaken)
    return told


def _tell(events: Sequence[ArticleClassified], overtaken: Collection[tuple[str, int, int]]) -> None:
    """A line for each live article, with both its events; written together, so they are named."""
    for event in events:
        entry = event.data
        ids = {"event_id": event.causationid, **tracing.ids_in(event.traceparent)}
        pmid, known = entry.article.pmid, {**ids, "topic": entry.topic}
        if not entry.backfill:
            log.info("article_classified", **known, pmid=pmid, made=event.id)
        if (entry.topic, pmid, entry.revision) in overtaken:
            log.info("revision_overtaken", **known, pmid=pmid, revision=entry.revision)


def _ours(event: Event) -> Ours:
    if isinstance(event, ArticleDiscovered | ArticleRevised):
        return event
    raise Permanent(
        f"{event.type} {event.id} is not for the classifier: "
        "correct the binding of its queue, then redrive the message to where it belongs"
    )


def classified(cause: Ours, classification: Classification, now: datetime) -> ArticleClassified:
    """The event that tells of a classification.

    Its id follows from what caused it and what it was labelled with, so that the same work done
    twice is seen to be one, and a new taxonomy gives a new event. What is made for a replay has
    another id than live, and the replay's marks.
    """
    source = f"urn:carillon:classifier:{cause.data.topic}"
    identity = event_id(
        source,
        ArticleClassified.ROUTING_KEY,
        cause.data.article.pmid,
        cause.data.revision,
        content_hash(cause.data.article),
        classification.taxonomy_version,
        classification.classifier_version,
        cause.id,
    )
    if cause.replayid is not None:
        identity = id_within(cause.replayid, identity)
    return ArticleClassified(
        id=identity,
        source=source,
        subject=str(cause.data.article.pmid),
        time=now,
        causationid=cause.id,
        traceparent=traceparent(identity, cause.traceparent),
        **carried_on(cause),
        data=_carried(cause.data, classification),
    )


def _carried(entry: Discovery | Revision, classification: Classification) -> Classified:
    """Everything of the discovery or revision, and the labels."""
    fields = {name: getattr(entry, name) for name in type(entry).model_fields}
    return Classified(**fields, classification=classification)
