"""What readers are told of a file that was taken in: a poll of its own. Pure.

Digests wait for the articles that it announced, and a topic that is followed by files alone has
a source that was checked. It never makes a source look better than the last poll left it.
"""

from datetime import datetime, timedelta

from services.poller.ingest.ledger import FileRow, LastLegs
from services.poller.poll import Moment
from services.poller.schedule import LastPoll, next_poll_at
from services.poller.topic import Topic
from shared.events import Leg, Poll, Relation, event_id

NEXT_FILE = timedelta(days=2)
"""NLM makes a file a day. A topic that is never polled and gets none for longer is not checked."""


def ingest_id(topic: Topic, sha256: str, times: int) -> str:
    """The id under which a file's articles are announced.

    The same after a crash in the middle, another one when the file is taken in once more.
    """
    return event_id(topic.source, "ingest", sha256, times)


def as_poll(moment: Moment, started: datetime, row: FileRow, last: LastLegs | None) -> Poll:
    """The poll that tells of a file; how many articles it announced is still to be counted."""
    legs = (_leg(row), *(last.open if last else _left_to_polls(moment.topic)))
    return Poll(
        topic=moment.topic.id,
        topic_title=moment.topic.title,
        seed=moment.topic.seed,
        poll_id=moment.poll_id,
        started_at=started,
        finished_at=moment.now,
        legs=legs,
        announced=0,
        healthy=all(leg.state != "open" for leg in legs) and (last is None or last.healthy),
        next_at=_next_at(moment, last),
    )


def _leg(row: FileRow) -> Leg:
    matched, parked = row.counts["matched"], row.counts["parked"]
    return Leg(
        relation="query",
        name=f"ingest {row.name}",
        state="closed" if row.state == "applied" else "open",
        counted=matched + parked,
        received=matched + parked,
        fetched=matched + parked,
        understood=matched,
        new=row.counts["new"],
        published=row.counts["new"] + row.counts["revised"] + row.counts["deleted"],
        error=row.error,
    )


def _left_to_polls(topic: Topic) -> tuple[Leg, ...]:
    """What no file can tell, of a topic that was never polled."""
    wanted: tuple[tuple[Relation, object], ...] = (
        ("similar", topic.similar),
        ("cites-tracked", topic.cites_tracked),
    )
    why = "no file tells; it takes a poll"
    return tuple(Leg(relation=one, state="unknown", error=why) for one, asked in wanted if asked)


def _next_at(moment: Moment, last: LastLegs | None) -> datetime:
    if last is None:
        return moment.now + NEXT_FILE
    ended = LastPoll(last.finished_at, last.healthy)
    return next_poll_at(moment.topic, ended, moment.now)
