"""What an archive is heard to say of one article, and what it is not taken to say."""

from collections.abc import AsyncIterator, Sequence

from services.console.archive.recorded import Recorded, envelop
from services.console.trace.facts import Heard
from services.console.trace.hearing import hear
from shared.events import CloudEvent
from tests.builders import (
    NOON,
    an_article,
    classified,
    digest_delivered,
    discovered,
    parked_resolved,
    poll_completed,
)

PMID = 40000001
OTHER = an_article(pmid=40000002, references=(PMID,))


async def heard(*bodies: bytes | CloudEvent, topic: str | None = None) -> Heard:
    encoded = [body if isinstance(body, bytes) else body.encode() for body in bodies]
    return await hear("x", _read(encoded), PMID, topic)


async def _read(bodies: Sequence[bytes]) -> AsyncIterator[Recorded]:
    for position, body in enumerate(bodies):
        yield envelop(position, body, before=NOON)


async def test_events_about_it_and_not_about_those_that_name_it() -> None:
    found = await heard(discovered(), discovered(article=OTHER), classified())

    assert [one.event.id for one in found.said] == [discovered().id, classified().id]
    assert (found.entries, found.unreadable, found.first) == (3, 0, NOON)


async def test_one_id_is_one_event_and_a_replay_s_is_another() -> None:
    replayed = discovered().model_copy(update={"replayid": "r", "replayhop": 1})

    found = await heard(discovered(), discovered(), replayed)

    assert [(one.times, one.is_original) for one in found.said] == [(2, True), (1, False)]


async def test_polls_and_settlements_only_where_they_concern_it() -> None:
    own, foreign = poll_completed(), poll_completed(poll_id="another")
    settled = parked_resolved(messages=(f"{discovered().id}+3f2a-1",))

    found = await heard(foreign, own, parked_resolved(resolution_id="r2"), settled, discovered())

    assert [*found.polls] == [own.data.poll_id]
    assert [one.data.resolution_id for one in found.settled] == ["r1"]


async def test_digests_that_brought_it_or_a_notice_of_it() -> None:
    article, notice = (
        digest_delivered(),
        digest_delivered(digest_id="d2", pmids=(), notices=(PMID,)),
    )
    other = digest_delivered(digest_id="d3", pmids=(PMID + 1,), message_id=str(PMID))

    found = await heard(article, notice, other)

    assert [one.data.digest_id for one in found.delivered] == ["d1", "d2"]


async def test_what_cannot_be_read_is_counted_and_stops_nothing() -> None:
    wrong = discovered().encode().replace(b'"revision":1', b'"revision":"x"')

    found = await heard(b"\xff", wrong, b'{"id":"1","type":"other.v1"}', discovered())

    assert (found.entries, found.unreadable, len(found.said)) == (4, 3, 1)


async def test_of_one_topic_when_it_is_asked_for() -> None:
    found = await heard(discovered(), discovered(topic="other"), topic="other")

    assert [one.event.data.topic for one in found.said] == ["other"]
