"""When a topic is polled next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.poller.topic import Topic

UNHEALTHY_RETRY = timedelta(minutes=5)
"""After a poll with an open leg: soon, and gentle enough on an NCBI that is out of order."""


@dataclass(frozen=True)
class LastPoll:
    """How a topic's last poll ended."""

    finished_at: datetime
    healthy: bool = True


def next_poll_at(topic: Topic, last: LastPoll | None, now: datetime) -> datetime:
    """The instant of the next poll: now for a topic that was never polled.

    What could not be checked is asked again in minutes, not at the next full interval. A last
    poll in the future (the clock was put back) says nothing of when the topic was last seen:
    it is polled now.
    """
    if last is None or last.finished_at > now:
        return now
    interval = timedelta(minutes=topic.poll_every_minutes)
    wait = interval if last.healthy else min(interval, UNHEALTHY_RETRY)
    return last.finished_at + wait


def due(topic: Topic, last: LastPoll | None, now: datetime) -> bool:
    """Whether the topic is to be polled now."""
    return next_poll_at(topic, last, now) <= now
