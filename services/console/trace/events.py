"""What the archive's events about one article say, each as a moment of its life. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.console.trace.facts import Facts, Said
from services.notifier.health import relation
from services.notifier.item import why_line
from services.notifier.trace.delivery import named
from shared.article import Status
from shared.events import (
    ArticleClassified,
    ArticleRevised,
    Classification,
    Discovery,
    Leg,
    Poll,
    Reason,
)

_HANDLED_BY = {"article.discovered": "classifier", "article.revised": "classifier",
               "article.classified": "notifier"}  # fmt: skip
_SETTLED = {"redriven": "Put back", "edited": "Edited and sent", "discarded": "Discarded"}


@dataclass(frozen=True)
class Moment:
    """Something that happened: when, by the clock of whoever did it; what, with its details.

    `by` is poller, classifier, notifier or operator. `replay` is the replay that it is part of.
    """

    at: datetime
    by: str
    title: str
    lines: tuple[str, ...] = ()
    replay: str | None = None
    is_grave: bool = False


def of_polls(facts: Facts) -> Iterator[Moment]:
    """The polls that announced it, each once."""
    if facts.heard is None:
        return
    reasons = {one.event.data.poll_id: one.event.data.reasons for one in facts.heard.said}
    for poll_id, poll in facts.heard.polls.items():
        state = "complete" if poll.healthy else "not complete"
        lines = [f"poll {poll_id}, ended {poll.finished_at:%H:%M:%S}, announced {poll.announced}"]
        lines += dict.fromkeys(_legs(poll, reasons[poll_id]))
        yield Moment(poll.started_at, "poller", f"Polled for {poll.topic}: {state}", tuple(lines))


def _legs(poll: Poll, reasons: tuple[Reason, ...]) -> Iterator[str]:
    """The relations by which it is here."""
    for leg in poll.legs:
        if any(_is_by(reason, leg) for reason in reasons):
            counted = "?" if leg.counted is None else leg.counted
            yield f"{relation(leg)}: {leg.state}, PubMed counted {counted}, new {leg.new}"


def _is_by(reason: Reason, leg: Leg) -> bool:
    """A query may have a second leg, whose name begins as its own."""
    named_so = (leg.name or "").startswith(reason.name or "")
    return leg.relation == reason.relation and named_so


def of_said(facts: Facts) -> Iterator[Moment]:
    """Each event about the article; those that a replay said are marked so."""
    for said in facts.heard.said if facts.heard else ():
        title, lines = _told(said)
        lines = [*lines, *_carried(said, facts)]
        if said.marks is None:
            yield Moment(said.event.time, _by(said), title, tuple(lines))
        else:
            lines += _replay(said)
            at = max(said.event.time, said.published_at)
            title = f"Replayed: {title[:1].lower()}{title[1:]}"
            yield Moment(at, _by(said), title, tuple(lines), replay=said.marks.replay_id)


def _by(said: Said) -> str:
    return "classifier" if isinstance(said.event, ArticleClassified) else "poller"


def _told(said: Said) -> tuple[str, list[str]]:
    event, entry = said.event, said.event.data
    if isinstance(event, ArticleClassified):
        return f"Labelled, revision {entry.revision}", _labels(event.data.classification)
    if isinstance(event, ArticleRevised):
        changed = ", ".join(event.data.changed)
        title = f"Changed in PubMed, revision {entry.revision}: {changed}"
        return title, [*_status(event.data.previous_status, entry), *_why(entry)]
    title = "Taken in as background" if entry.backfill else "Found"
    return f"{title}, revision {entry.revision}", [*_status(Status.PUBLISHED, entry), *_why(entry)]


def _why(entry: Discovery) -> list[str]:
    line = why_line(entry.reasons)
    return [f"{line[:1].upper()}{line[1:]}; relatedness {entry.relatedness:.2f}"] if line else []


def _status(before: Status, entry: Discovery) -> list[str]:
    now = entry.article.status
    return [] if now == before else [f"status: {before} became {now}"]


def _labels(found: Classification) -> list[str]:
    by_facet: dict[str, list[str]] = {}
    for label in (one for one in found.labels if one.facet != "scope"):
        by_facet.setdefault(label.facet, []).append(label.id)
    labels = "; ".join(f"{facet} {', '.join(ids)}" for facet, ids in by_facet.items())
    versions = f"taxonomy {found.taxonomy_version}, classifier {found.classifier_version}"
    return [f"scope {found.scope}{'; ' if labels else ', no label'}{labels}", versions]


def _carried(said: Said, facts: Facts) -> Iterator[str]:
    """Published when, and had by whom when."""
    again = f", {said.times} times" if said.times > 1 else ""
    yield f"event {said.event.id}, published {said.published_at:%Y-%m-%d %H:%M:%S}{again}"
    if said.marks is None:
        for one in facts.receipts:
            if one.event_id == said.event.id:
                who = _HANDLED_BY[said.event.ROUTING_KEY]
                yield f"had by the {who} {one.at:%Y-%m-%d %H:%M:%S} ({one.handler})"


def _replay(said: Said) -> Iterator[str]:
    if said.marks is None:
        return
    forced = ", forced" if said.marks.force else ""
    to = f", may be sent to {named(said.marks.to)}" if said.marks.to else ", sent to nobody"
    yield f"replay {said.marks.replay_id}, hop {said.marks.hop}{forced}{to}"


def of_rehearsed(facts: Facts) -> Iterator[Moment]:
    """What became of its events in replays: nothing that a reader could notice."""
    replays = facts.heard.replays if facts.heard else {}
    for one in facts.rehearsed:
        lines = [f"replay {one.replay_id}, event {one.event_id} ({one.handler})"]
        if (audit := replays.get(one.replay_id)) is not None:
            because = f", because: {audit.data.because}" if audit.data.because else ""
            lines.append(f"by {audit.data.by}{because}; {audit.data.state}")
        title = f"Replayed at the {one.service}: {one.outcome}"
        yield Moment(one.at, one.service, title, tuple(lines), replay=one.replay_id)


def of_settled(facts: Facts) -> Iterator[Moment]:
    """What operators did with it when it was parked."""
    for one in facts.heard.settled if facts.heard else ():
        data = one.data
        title = f"{_SETTLED[data.resolution]} at the {data.consumer} by {data.by}"
        because = (f"because: {data.because}",) if data.because else ()
        yield Moment(one.time, "operator", title, (*because, f"run {data.resolution_id}"))


def of_delivered(facts: Facts) -> Iterator[Moment]:
    """Digests that the archive tells of, and the notifier's store does not, or not any more."""
    known = {one.digest_id for life in facts.lives for one in life.deliveries}
    by_instant: dict[tuple[datetime, str], list[str]] = {}
    channels: Counter[tuple[datetime, str]] = Counter()
    for event in facts.heard.delivered if facts.heard else ():
        if event.data.digest_id not in known:
            what = "article" if facts.pmid in event.data.pmids else "notice"
            key = (event.time, what)
            by_instant.setdefault(key, []).append(event.data.subscription_id)
            channels[key] += 1
    for (at, what), ids in by_instant.items():
        title = f"Delivered ({what}) to {channels[at, what]}, by the archive alone"
        yield Moment(at, "notifier", title, (named(ids),))
