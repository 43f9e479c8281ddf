"""Where an article stands now: what has not got to where it is to go, and why. Pure."""

from collections.abc import Iterator
from datetime import datetime

from services.console.trace.facts import Facts, Said
from shared.events import ArticleClassified


def waiting(facts: Facts) -> Iterator[str]:
    """A sentence for each thing that is open; none when everything is where it is to go."""
    for one in facts.unpublished:
        why = f", tried {one.attempts} times: {one.error}" if one.attempts else ""
        yield (
            f"{_kind(one.type)} {one.event_id} is in the {one.service}'s outbox since "
            f"{_at(one.created_at)}, not published yet{why}"
        )
    for queued in facts.queued:
        tries = f"tried {queued.attempt} times" if queued.attempt else "not tried yet"
        why = f", the last error: {queued.error}" if queued.error else ""
        yield (
            f"event {queued.event_id} waits for the {queued.consumer}, {tries}, due "
            f"{_at(queued.due_at)}{why}"
        )
    for parked in facts.parked:
        yield (
            f"event {parked.id} is parked at the {parked.consumer}: mend the cause, then "
            f"`carillon parked redrive {parked.id}`"
        )
    yield from _on_the_way(facts)


def _on_the_way(facts: Facts) -> Iterator[str]:
    """Events that are published, and that nobody has had, has in a queue or has parked."""
    if facts.heard is None or facts.gaps:
        return  # it may be where nobody could look
    seen = {one.event_id for one in facts.receipts} | {one.event_id for one in facts.queued}
    # What a replay's copy came to says nothing of the live event, which has the same id.
    seen |= {name for one in facts.parked if not one.replay_id for name in one.names}
    settled = {name for one in facts.heard.settled if one.data.resolution != "redriven"
               for name in one.data.messages}  # fmt: skip
    for said in facts.heard.said:
        if said.is_original and said.event.id not in seen | settled and not _is_had(said, facts):
            who = "notifier" if isinstance(said.event, ArticleClassified) else "classifier"
            yield (
                f"{said.event.ROUTING_KEY} {said.event.id} is published, and the {who} has not had "
                "it: it is in its queue or between two tries (`carillon status`)"
            )


def _is_had(said: Said, facts: Facts) -> bool:
    """Whether its effect is there; the inbox forgets after some months, and effects stay."""
    entry = said.event.data
    if isinstance(said.event, ArticleClassified):
        arrived = {one.event_id for life in facts.lives for one in life.arrivals}
        newer = (life.known.entry.revision for life in facts.lives if life.topic == entry.topic)
        return said.event.id in arrived or max(newer, default=0) > entry.revision
    rows = (one.revision for one in facts.labelled if one.topic == entry.topic)
    return max(rows, default=0) >= entry.revision


def _kind(event_type: str) -> str:
    return event_type.removeprefix("carillon.").rpartition(".v")[0] or event_type


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
