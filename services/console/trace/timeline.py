"""One article's life in the order of time, out of what each place knows of it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from services.console.trace.events import (
    Moment,
    of_delivered,
    of_polls,
    of_rehearsed,
    of_said,
    of_settled,
)
from services.console.trace.facts import Facts, Gap
from services.console.trace.waiting import waiting
from services.notifier.item import clean
from services.notifier.trace.delivery import REPLAY, Delivery, happenings
from services.notifier.trace.fate import Group, grouped


@dataclass(frozen=True)
class Untold:
    """Subscriptions of a topic that were not told, and why."""

    topic: str
    group: Group


@dataclass(frozen=True)
class Trace:
    """What is shown: `now` is where it stands or waits, `untold` who does not have it.

    `gaps` could not be looked at; `doubts` are sentences on what nobody can tell.
    """

    pmid: int
    title: str
    topics: tuple[str, ...]
    moments: tuple[Moment, ...]
    now: tuple[str, ...]
    deliveries: tuple[Delivery, ...]
    untold: tuple[Untold, ...]
    looked_at: tuple[str, ...]
    gaps: tuple[Gap, ...]
    doubts: tuple[str, ...]
    is_known: bool


def trace(facts: Facts) -> Trace:
    """The facts in order."""
    moments = sorted(_moments(facts), key=lambda one: one.at)
    live = (one for life in facts.lives for one in life.deliveries)
    deliveries = (*live, *facts.sent_again)
    return Trace(
        pmid=facts.pmid,
        title=_title(facts),
        topics=_topics(facts),
        moments=tuple(moments),
        now=tuple(waiting(facts)),
        deliveries=deliveries,
        untold=tuple(
            Untold(life.topic, group) for life in facts.lives for group in grouped(life.fates)
        ),
        looked_at=tuple(_looked_at(facts)),
        gaps=facts.gaps,
        doubts=(*facts.doubts, *_doubts(facts)),
        is_known=facts.is_known,
    )


def _moments(facts: Facts) -> Iterator[Moment]:
    yield from of_polls(facts)
    yield from of_said(facts)
    yield from _of_stores(facts)
    yield from _of_parked(facts)
    yield from of_settled(facts)
    yield from of_rehearsed(facts)
    yield from of_delivered(facts)
    for life in facts.lives:
        yield from _told(life.deliveries)
    for one in facts.sent_again:
        replay = one.what.removeprefix(REPLAY)
        yield from (replace(moment, replay=replay) for moment in _told([one]))


def _told(deliveries: Iterable[Delivery]) -> Iterator[Moment]:
    for one in happenings(deliveries):
        yield Moment(one.at, "notifier", one.title, one.lines, is_grave=one.is_grave)


def _of_stores(facts: Facts) -> Iterator[Moment]:
    """What a store knows and the archive does not say, or does not say any more."""
    said = {one.event.id for one in facts.heard.said} if facts.heard else set()
    found = {one.event.data.topic for one in facts.heard.said} if facts.heard else set()
    for row in facts.held:
        if row.topic not in found:
            title = f"Found; by the poller's store it is in revision {row.revision} now"
            yield Moment(row.discovered_at, "poller", title, (f"status {row.status}",))
        if row.reread_at > row.announced_at:
            yield Moment(row.reread_at, "poller", "Read again, the last time", ("no change",))
    for record in facts.not_understood:
        lines = (record.reason, f"tried again {_at(record.tried_at)}")
        title = "A record of it was not understood, and is kept with its bytes"
        yield Moment(record.parked_at, "poller", title, lines, is_grave=True)
    for life in facts.lives:
        for step, arrival in zip(life.steps, life.arrivals, strict=False):
            if arrival.event_id not in said:
                lines = (f"scope {step.told.scope}", f"event {arrival.event_id}")
                title = f"Labelled, revision {step.revision}, as the notifier has it"
                yield Moment(step.at, "classifier", title, lines)


def _of_parked(facts: Facts) -> Iterator[Moment]:
    for one in facts.parked:
        named = f"event {one.id}"
        first = one.first_failed_at
        if first is not None and first != one.parked_at:
            title = f"Failed at the {one.consumer} for the first time"
            yield Moment(first, one.consumer, title, (named,), is_grave=True)
        at = one.parked_at or first
        if at is not None:
            title = f"Parked at the {one.consumer}: {one.reason} (attempt {one.attempts})"
            back = (f"put back before: {one.redriven} times",) if one.redriven else ()
            yield Moment(at, one.consumer, title, (one.error, *back, named), is_grave=True)


def _title(facts: Facts) -> str:
    lives = (life.known.entry.article.title for life in facts.lives)
    said = (one.event.data.article.title for one in facts.heard.said) if facts.heard else ()
    return clean(next(iter((*lives, *said)), ""))


def _topics(facts: Facts) -> tuple[str, ...]:
    named = {row.topic for row in facts.held} | {row.topic for row in facts.labelled}
    named |= {row.topic for row in facts.not_understood} | {life.topic for life in facts.lives}
    said = facts.heard.said if facts.heard else ()
    return tuple(sorted(named | {one.event.data.topic for one in said}))


def _looked_at(facts: Facts) -> Iterator[str]:
    heard = facts.heard
    if heard is not None and heard.first is not None and heard.last is not None:
        yield (f"{heard.name}: {heard.entries} events from {_at(heard.first)} to {_at(heard.last)}")
    elif heard is not None:
        yield f"{heard.name}: it is empty"
    missing = " ".join(gap.place for gap in facts.gaps)
    places = ("the poller's store", "the poller's records", "the classifier's store",
              "the notifier's store", "the poller's outbox", "the classifier's outbox",
              "the notifier's outbox", "the parked messages")  # fmt: skip
    yield from (place for place in places if place not in missing)


def _doubts(facts: Facts) -> Iterable[str]:
    heard = facts.heard
    if heard is None:
        return ()
    told: list[str] = []
    if heard.unreadable:
        told.append(f"{heard.unreadable} entries of the archive are no event that is known")
    began = min((row.discovered_at for row in facts.held), default=None)
    if began and (heard.first is None or began < heard.first):
        told.append(f"the archive does not reach back to {_at(began)}, when it was found")
    return told


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
