"""Things with sensible defaults: a test mentions only what it is about."""

from datetime import UTC, datetime
from typing import Any, TypeVar

from shared.article import AbstractSection, Article, Journal, PartialDate
from shared.events import (
    ArticleClassified,
    ArticleDiscovered,
    ArticleRevised,
    Classification,
    Classified,
    CloudEvent,
    DigestDelivered,
    DigestSent,
    Discovery,
    Evidence,
    Label,
    Leg,
    ParkedMessages,
    ParkedResolved,
    Poll,
    PollCompleted,
    Reason,
    Replay,
    ReplayFinished,
    Revision,
    event_id,
)
from shared.marks import Marks, attributes

NOON = datetime(2026, 9, 7, 12, tzinfo=UTC)
SENTENCE = "CD19 CAR-T cells depleted B cells in two patients with lupus."


def an_article(**overrides: Any) -> Article:
    return Article(
        **{
            "pmid": 40000001,
            "title": "CD19 CAR-T cells in lupus",
            "abstract": (AbstractSection(text=SENTENCE),),
            "journal": Journal(title="Journal of Examples", abbreviation="J Ex"),
            "published": PartialDate(year=2026),
            "entered_at": NOON,
            "publication_types": ("Journal Article",),
            **overrides,
        }
    )


def a_discovery(**overrides: Any) -> Discovery:
    return Discovery(**_discovery_fields(**overrides))


def _discovery_fields(**overrides: Any) -> dict[str, Any]:
    return {
        "topic": "car-autoimmune",
        "article": an_article(),
        "revision": 1,
        "reasons": (Reason(relation="query", name="core"),),
        "relatedness": 0.4,
        "poll_id": "0c1f3f3e-0000-5000-8000-000000000001",
        "discovered_at": NOON,
        **overrides,
    }


def discovered(**overrides: Any) -> ArticleDiscovered:
    data = a_discovery(**overrides)
    source = f"urn:carillon:poller:{data.topic}"
    return ArticleDiscovered(
        id=event_id(source, "article.discovered", data.article.pmid, data.revision),
        source=source,
        subject=str(data.article.pmid),
        time=NOON,
        data=data,
    )


def revised(**overrides: Any) -> ArticleRevised:
    fields = _discovery_fields(**{"revision": 2, "changed": ("title",), **overrides})
    data = Revision(**fields)
    source = f"urn:carillon:poller:{data.topic}"
    return ArticleRevised(
        id=event_id(source, "article.revised", data.article.pmid, data.revision),
        source=source,
        subject=str(data.article.pmid),
        time=NOON,
        data=data,
    )


def a_label(**overrides: Any) -> Label:
    evidence = Evidence(
        place="abstract", sentence=SENTENCE, start=0, end=14, matched=SENTENCE[:14],
        rule="cd19-car-t", section=0,
    )  # fmt: skip
    return Label(
        **{
            "facet": "modality",
            "id": "cd19-car-t",
            "name": "CD19 CAR-T",
            "confidence": 0.9,
            "evidence": (evidence,),
            **overrides,
        }
    )


def a_classification(**overrides: Any) -> Classification:
    return Classification(
        **{
            "scope": "core",
            "labels": (a_label(),),
            "taxonomy_version": "1",
            "classifier_version": "1",
            **overrides,
        }
    )


def classified(**overrides: Any) -> ArticleClassified:
    fields = _discovery_fields(**{"classification": a_classification(), **overrides})
    data = Classified(**fields)
    source = f"urn:carillon:classifier:{data.topic}"
    return ArticleClassified(
        id=event_id(source, "article.classified", data.article.pmid, data.revision),
        source=source,
        subject=str(data.article.pmid),
        time=NOON,
        data=data,
    )


def a_leg(**overrides: Any) -> Leg:
    return Leg(
        **{
            "relation": "query",
            "name": "core",
            "state": "closed",
            "counted": 1,
            "received": 1,
            "fetched": 1,
            "understood": 1,
            "new": 1,
            **overrides,
        }
    )


def poll_completed(**overrides: Any) -> PollCompleted:
    data = Poll(
        **{
            "topic": "car-autoimmune",
            "topic_title": "CAR cells for autoimmune disease",
            "seed": 39450112,
            "poll_id": "0c1f3f3e-0000-5000-8000-000000000001",
            "started_at": NOON,
            "finished_at": NOON,
            "legs": (a_leg(),),
            "announced": 1,
            "healthy": True,
            **overrides,
        }
    )
    source = f"urn:carillon:poller:{data.topic}"
    return PollCompleted(
        id=event_id(source, "poll.completed", data.poll_id),
        source=source,
        subject=data.poll_id,
        time=NOON,
        data=data,
    )


def digest_delivered(**overrides: Any) -> DigestDelivered:
    data = DigestSent(
        **{
            "topic": "car-autoimmune",
            "digest_id": "d1",
            "subscription_id": "s1",
            "channel": "email",
            "pmids": (40000001,),
            "period_from": NOON,
            "period_to": NOON,
            **overrides,
        }
    )
    source = f"urn:carillon:notifier:{data.topic}"
    return DigestDelivered(
        id=event_id(source, "digest.delivered", data.digest_id),
        source=source,
        subject=data.digest_id,
        time=NOON,
        data=data,
    )


def parked_resolved(**overrides: Any) -> ParkedResolved:
    data = ParkedMessages(
        **{
            "resolution_id": "r1",
            "resolution": "redriven",
            "consumer": "classifier",
            "messages": ("0c1f3f3e-0000-5000-8000-000000000002",),
            "reasons": {"exhausted": 1},
            "by": "ada",
            "because": "the database has room again",
            **overrides,
        }
    )
    source = "urn:carillon:console"
    return ParkedResolved(
        id=event_id(source, "parked.resolved", data.resolution_id, data.consumer),
        source=source,
        subject=data.resolution_id,
        time=NOON,
        data=data,
    )


def replay_finished(**overrides: Any) -> ReplayFinished:
    data = Replay(
        **{
            "replay_id": "0c1f3f3e-0000-5000-8000-000000000003",
            "target": "broker",
            "selection": "since 2026-09-01T00:00:00+00:00",
            "by": "ada",
            "because": "the new taxonomy",
            "started_at": NOON,
            "finished_at": NOON,
            "state": "finished",
            "chosen": 3,
            "sent": 3,
            "processed": 1,
            "deduplicated": 2,
            **overrides,
        }
    )
    source = "urn:carillon:console"
    return ReplayFinished(
        id=event_id(source, "replay.finished", data.replay_id),
        source=source,
        subject=data.replay_id,
        time=NOON,
        data=data,
    )


REPLAY = "6d7f3a62-0d0a-4a57-9f0e-5f8f1f0a7c11"
AnEvent = TypeVar("AnEvent", bound=CloudEvent)


def replayed(
    event: AnEvent,
    replay_id: str = REPLAY,
    *,
    hop: int = 1,
    force: bool = False,
    to: tuple[str, ...] = (),
) -> AnEvent:
    """The event as a replay sends it."""
    marks = Marks(replay_id, hop, force, to)
    return event.model_copy(update=dict(attributes(marks)))
