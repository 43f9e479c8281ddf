"""When a topic is polled next."""

from datetime import datetime, timedelta

from services.poller.topic import Topic


def next_poll_at(topic: Topic, last_finished: datetime | None, now: datetime) -> datetime:
    """The instant of the next poll: now for a topic that was never polled.

    A last poll in the future (the clock was put back) does not silence the topic: it is polled
    one interval from now at the latest.
    """
    interval = timedelta(minutes=topic.poll_every_minutes)
    return now if last_finished is None else min(last_finished, now) + interval


def due(topic: Topic, last_finished: datetime | None, now: datetime) -> bool:
    """Whether the topic is to be polled now."""
    return next_poll_at(topic, last_finished, now) <= now
