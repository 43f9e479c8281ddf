"""Rules on what is found and carried: catalogue, stores, archive, queues and outboxes agree."""

from collections import defaultdict
from collections.abc import Callable, Iterator

from tests.chaos.case import Case, Finding
from tests.chaos.evidence import Kept, Key
from tests.chaos.papers import Paper


def _found(case: Case) -> Iterator[Finding]:
    """Every paper of a topic is kept there as it is in truth, and nothing else is.

    But for what PubMed had and deleted between two polls: that is counted, and printed.
    """
    kept = dict(case.evidence.kept)
    for paper in case.papers.values():
        for topic, relations in paper.relations.items():
            row = kept.pop(Key(topic, paper.pmid), None)
            if row is None and case.is_beyond_knowing(topic, paper):
                continue
            if row is None:
                yield Finding("lost", f"{topic} has no paper {paper.pmid}", paper.pmid)
            elif wrong := "; ".join(_differences(row, paper, relations)):
                says = f"{topic} has paper {paper.pmid} otherwise: {wrong}"
                yield Finding("unaccounted", says, paper.pmid)
    for key in kept:
        yield Finding("unaccounted", f"{key.topic} has paper {key.pmid}: why?", key.pmid)


def _differences(row: Kept, paper: Paper, relations: frozenset[str]) -> Iterator[str]:
    if row.status != paper.status:
        yield f"it is {row.status} here and {paper.status} in truth"
    if row.title != paper.title:
        yield f"it is called {row.title!r} here and {paper.title!r} in truth"
    if row.is_background is not paper.is_background:
        yield f"background is {row.is_background}"
    if row.relations != relations:
        yield f"it is here for {sorted(row.relations)}, in truth for {sorted(relations)}"
    if paper.indexed and not row.is_indexed:
        yield "its headings are missing"


def _same_revision(case: Case) -> Iterator[Finding]:
    """Classifier and notifier have each article in the poller's last revision, and no other."""
    evidence = case.evidence
    for key, row in evidence.kept.items():
        for name, store in (("classifier", evidence.labelled), ("notifier", evidence.projected)):
            there = store.get(key)
            if there is None:
                yield Finding("lost", f"the {name} has no {key}", key.pmid)
            elif there.revision != row.revision:
                says = f"the {name} has {key} in revision {there.revision}, not {row.revision}"
                yield Finding("lost", says, key.pmid)
        seen = evidence.projected.get(key)
        if seen and seen.status != row.status:
            yield Finding("lost", f"the notifier believes {key} {seen.status}", key.pmid)
    for key in (evidence.labelled.keys() | evidence.projected.keys()) - evidence.kept.keys():
        yield Finding("unaccounted", f"{key} is known to others than the poller", key.pmid)


def _announced(case: Case) -> Iterator[Finding]:
    """The archive has one discovery of each article, and one event of each later revision."""
    told: dict[Key, list[int]] = defaultdict(list)
    for event in case.events.values():
        if event.key in {"article.discovered", "article.revised"}:
            told[Key(event.topic, int(event.subject))].append(event.revision)
    for key, row in case.evidence.kept.items():
        numbers = sorted(told.pop(key, []))
        if numbers != list(range(1, row.revision + 1)):
            kind = "duplicated" if len(set(numbers)) < len(numbers) else "lost"
            says = f"{key} has revision {row.revision}; the archive has {numbers}"
            yield Finding(kind, says, key.pmid)  # type: ignore[arg-type]
    for key in told:
        yield Finding("unaccounted", f"the archive tells of {key}, nobody keeps it", key.pmid)


def _answered(case: Case) -> Iterator[Finding]:
    """Every event was taken in by who wants it, and has the one event that follows from it."""
    follows: dict[str, list[str]] = defaultdict(list)
    for event in case.events.values():
        if event.key == "article.classified":
            follows[event.cause or ""].append(event.id)
            if event.id not in case.evidence.noticed:
                yield _missed(f"the notifier never took in {event.id}", event.subject)
    for event in case.events.values():
        if event.key not in {"article.discovered", "article.revised"}:
            continue
        if event.id not in case.evidence.classified:
            yield _missed(f"the classifier never took in {event.id}", event.subject)
        found = follows.pop(event.id, [])
        if not found:
            yield _missed(f"no article.classified follows from {event.id}", event.subject)
        elif len(found) > 1:
            says = f"{len(found)} article.classified follow from {event.id}"
            yield Finding("duplicated", says, int(event.subject))
    for cause in follows.keys() - case.evidence.planted.idle:
        yield Finding("unaccounted", f"an article.classified follows from {cause}, unknown")


def _missed(says: str, subject: str) -> Finding:
    return Finding("lost", says, int(subject))


def _polls(case: Case) -> Iterator[Finding]:
    """Every poll was told of, and the notifier knows it."""
    told = {event.poll for event in case.events.values() if event.key == "poll.completed"}
    for poll in case.evidence.polls - told:
        yield Finding("lost", f"no poll.completed tells of poll {poll}")
    for poll in told - case.evidence.polls:
        yield Finding("unaccounted", f"a poll.completed tells of poll {poll}, unknown")
    for poll in told - case.evidence.known_polls:
        yield Finding("lost", f"the notifier does not know poll {poll}")


def _nothing_waits(case: Case) -> Iterator[Finding]:
    """Queues and outboxes are empty, and no record waits to be understood."""
    for queue, count in case.evidence.queues.items():
        if count and not queue.endswith(".parked") and queue != "carillon.archive":
            yield Finding("lost", f"{count} messages are still in {queue}")
    for service, count in case.evidence.outboxes.items():
        if count:
            yield Finding("lost", f"{count} events are still in the outbox of {service}")
    for reason in case.evidence.unread:
        yield Finding("lost", f"a record of PubMed waits to be understood: {reason}")


def _as_promised(case: Case) -> Iterator[Finding]:
    """No log speaks of a bug, and every process ended as it was told to."""
    for line in case.evidence.bugs:
        yield Finding("unaccounted", f"a bug in a log: {line[:600]}")
    for end in case.evidence.exits:
        yield Finding("unaccounted", f"a process ended otherwise than promised: {end}")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _found,
    _same_revision,
    _announced,
    _answered,
    _polls,
    _nothing_waits,
    _as_promised,
)
