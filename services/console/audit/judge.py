"""The rules of an audit. Pure: facts in, findings out."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from services.console.audit.facts import Facts, Key

Kind = Literal["lost", "not in the archive", "not known", "told twice", "not in the ledger",
               "no event"]  # fmt: skip

SKEW = timedelta(hours=1)
"""So far clocks may be apart, at the archive's beginning."""


@dataclass(frozen=True)
class Finding:
    """What contradicts a promise; `says` names articles and subscriptions, never an address."""

    kind: Kind
    says: str


@dataclass(frozen=True)
class Verdict:
    """`places` counts where the poller's articles are; `told` is how many deliveries there were."""

    articles: int
    places: dict[str, int]
    told: int
    findings: tuple[Finding, ...]


def judge(facts: Facts) -> Verdict:
    """Look at everything."""
    places, lost = _places(facts)
    return Verdict(
        articles=len(facts.found),
        places=places,
        told=len(facts.ledger),
        findings=(*lost, *_archive(facts), *_twice(facts), *_ledger(facts)),
    )


def _places(facts: Facts) -> tuple[dict[str, int], list[Finding]]:
    """Where each article is; what is nowhere may be in a queue, if as many messages are there."""
    places: Counter[str] = Counter()
    missing: dict[str, list[Key]] = defaultdict(list)
    for key in facts.found:
        place = _place(facts, key)
        if place.startswith("?"):
            missing[place[1:]].append(key)
        else:
            places[place] += 1
    findings: list[Finding] = []
    for consumer, keys in missing.items():
        if len(keys) <= facts.queued.get(consumer, 0):
            places[f"queued for the {consumer}"] += len(keys)
            continue
        waiting = facts.queued.get(consumer, 0)
        findings += [
            Finding(
                "lost",
                f"{topic} {pmid}: told, and not had by the {consumer}, in no outbox, not parked "
                f"(messages waiting there: {waiting})",
            )
            for topic, pmid in sorted(keys)
        ]
    return dict(places), findings


def _place(facts: Facts, key: Key) -> str:
    """Where an article is by now; `?` and a consumer where only its queue is left."""
    revision = facts.found[key].revision
    if facts.arrived.get(key, 0) >= revision:
        return "at the notifier"
    if key in facts.unpublished["poller"]:
        return "in the poller's outbox"
    if key in facts.unpublished["classifier"]:
        return "in the classifier's outbox"
    consumer = "notifier" if facts.labelled.get(key, 0) >= revision else "classifier"
    if key[1] in facts.parked.get(consumer, ()):
        return f"parked at the {consumer}"
    if (consumer, key) in facts.archived.dropped:
        return "discarded by an operator"
    return f"?{consumer}"


def _archive(facts: Facts) -> Iterator[Finding]:
    """The archive has what the poller told since it began, and the poller knows what it has."""
    first, told = facts.archived.first, facts.archived.told
    for (topic, pmid), one in sorted(facts.found.items()):
        key = (topic, pmid)
        if first is None or one.announced_at <= first + SKEW or key in facts.unpublished["poller"]:
            continue
        if told.get(key, 0) < one.revision:
            yield Finding("not in the archive", f"{topic} {pmid}: revision {one.revision}")
    topics = {topic for topic, _ in facts.found}
    for topic, pmid in sorted(told.keys() - facts.found.keys()):
        if topic in topics:
            yield Finding(
                "not known",
                f"{topic} {pmid}: in the archive, and the poller does not know it (after a "
                "restore it finds it again by itself)",
            )


def _twice(facts: Facts) -> Iterator[Finding]:
    """A person is told a paper once, over all their subscriptions: by archive and by ledger."""
    digests: dict[tuple[str, int], set[str]] = defaultdict(set)
    for one in facts.archived.sent:
        person = facts.people.get(one.subscription_id, one.subscription_id)
        for pmid in one.pmids:
            digests[person, pmid].add(one.digest_id)
    for (subscription, pmid), digest in facts.ledger.items():
        if digest in facts.accepted:
            digests[facts.people.get(subscription, subscription), pmid].add(digest)
    for (_, pmid), by in sorted(digests.items()):
        if len(by) > 1:
            yield Finding("told twice", f"{pmid} to one person, by {' and '.join(sorted(by))}")


def _ledger(facts: Facts) -> Iterator[Finding]:
    """What was sent is in the ledger, and of what the ledger says was sent there is an event."""
    known = facts.people.keys()
    heard = {one.digest_id for one in facts.archived.sent}
    for one in facts.archived.sent:
        if one.subscription_id not in known or one.at > facts.at:
            continue
        free = [pmid for pmid in one.pmids if (one.subscription_id, pmid) not in facts.ledger]
        if free:
            yield Finding(
                "not in the ledger",
                f"digest {one.digest_id} for {one.subscription_id} told "
                f"{' '.join(map(str, free))}, and they would be told again",
            )
    first = facts.archived.first
    for digest, at in sorted(facts.accepted.items()):
        if first and at > first + SKEW and digest not in heard and digest not in facts.digests:
            yield Finding("no event", f"digest {digest} was sent, and is not in the archive")
