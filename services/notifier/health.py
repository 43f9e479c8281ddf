"""What of the source is not well, in a reader's words.

Pure. It is relations that stay open, and queries that PubMed has begun to read otherwise.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence

from pydantic import AwareDatetime

from services.notifier.item import clean
from shared.article import Record
from shared.events import Leg, Poll

WHY_LIMIT = 200
"""Characters of an error that a reader is shown."""

_LINKED = {
    "similar": "similar articles",
    "cited-by": "articles that cite the seed",
    "references": "the references of the seed",
    "cites-tracked": "articles that cite several of this topic",
}
_REREAD = "re-read"
_BY_ENTRY = " (entry date)"
_ANSWER = re.compile(r"e[a-z]+: (?P<words>.*?)(?: \((?P<verdict>throttled|transient)\))?")
_UNREACHED = re.compile(r"(Connect|Read|Write|Pool|Network|RemoteProtocol)(Error|Timeout)\b")
_JOINTS = re.compile(r"\s+(?:AND|OR|NOT)\s+")


class Trouble(Record):
    """A relation that could not be completed, and since when; `None` if the poller did not say.

    `alarm`: for longer than its topic allows. `legs` are its lines in the coverage.
    """

    what: str
    why: str
    since: AwareDatetime | None = None
    alarm: bool = False
    legs: tuple[str, ...] = ()


class Drift(Record):
    """A query that PubMed reads otherwise than before: the terms that came and went.

    `key` tells one change from the next. `told`: an earlier digest said it already.
    """

    what: str
    key: str
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    told: bool = False


def troubles(legs: Iterable[Leg]) -> tuple[Trouble, ...]:
    """The open relations of a poll, alarms first; a query asked by two dates is one relation."""
    found: dict[str, Trouble] = {}
    for leg in legs:
        if leg.state == "open" or leg.alarm:
            trouble = _trouble(leg)
            found[trouble.what] = _joined(found.get(trouble.what), trouble)
    return tuple(sorted(found.values(), key=lambda one: not one.alarm))


def _trouble(leg: Leg) -> Trouble:
    return Trouble(
        what=relation(leg),
        why=reason(leg),
        since=leg.open_since,
        alarm=leg.alarm,
        legs=(line(leg),),
    )


def _joined(one: Trouble | None, other: Trouble) -> Trouble:
    if one is None:
        return other
    since = min((t.since for t in (one, other) if t.since), default=None)
    alarm = one.alarm or other.alarm
    changes = {"since": since, "alarm": alarm, "legs": (*one.legs, *other.legs)}
    return one.model_copy(update=changes)


def relation(leg: Leg) -> str:
    """What a leg asks for, as a reader would say it."""
    if leg.relation != "query":
        return _LINKED[leg.relation]
    if leg.name == _REREAD:
        return "changes of articles that are known already"
    return f"query '{clean(leg.name.removesuffix(_BY_ENTRY))}'" if leg.name else "the query"


def line(leg: Leg) -> str:
    """A leg's numbers: "query 'core': 12 of 12"."""
    name = f"{leg.relation} '{leg.name}'" if leg.name else leg.relation
    if leg.state == "unknown":
        return f"{name}: {leg.error or 'PubMed cannot tell'}"
    counted = "an unknown number" if leg.counted is None else leg.counted
    told = f"{name}: {leg.fetched} of {counted}"
    if leg.understood < leg.fetched:
        told += f", {leg.fetched - leg.understood} not understood"
    return told if leg.state == "closed" else f"{told}, incomplete"


def reason(leg: Leg) -> str:
    """Why a leg is open, without the names of our own parts."""
    error = clean(leg.error or "")
    if not error:
        return "the numbers do not agree yet"
    answer = _ANSWER.fullmatch(error)
    if answer is None:
        return _cut(error)
    if answer["verdict"] == "throttled":
        return "PubMed was too busy to answer"
    if answer["verdict"] and _UNREACHED.match(answer["words"]):
        return "PubMed could not be reached"
    did = "did not answer properly" if answer["verdict"] else "refused the question"
    return _cut(f"PubMed {did}: {answer['words']}")


def _cut(text: str) -> str:
    return text if len(text) <= WHY_LIMIT else text[: WHY_LIMIT - 1].rstrip() + "…"


def drifts(polls: Iterable[Poll]) -> tuple[Drift, ...]:
    """Every change in how PubMed reads a query that these polls saw, each once."""
    found: dict[str, Drift] = {}
    for leg in (leg for poll in polls for leg in poll.legs):
        if leg.previous_translation and leg.query_translation:
            drift = _drift(leg, leg.previous_translation, leg.query_translation)
            found.setdefault(drift.key, drift)
    return tuple(found.values())


def _drift(leg: Leg, before: str, now: str) -> Drift:
    was, reads = _terms(before), _terms(now)
    key = "\x1f".join((relation(leg), *sorted(was), "", *sorted(reads)))
    return Drift(
        what=relation(leg),
        key=hashlib.sha256(key.encode()).hexdigest()[:16],
        added=tuple(term for term in reads if term not in was),
        dropped=tuple(term for term in was if term not in reads),
    )


def joined(first: Drift, then: Drift) -> Drift:
    """Two changes of one query, one after the other, as one."""
    added = [*(term for term in first.added if term not in then.dropped), *then.added]
    dropped = [*(term for term in first.dropped if term not in then.added), *then.dropped]
    return Drift(
        what=first.what,
        key=then.key,
        added=tuple(term for term in dict.fromkeys(added) if term not in first.dropped),
        dropped=tuple(term for term in dict.fromkeys(dropped) if term not in first.added),
    )


def _terms(translation: str) -> dict[str, None]:
    """The terms of a translation in their order, without what joins them and without dates."""
    parts = (clean(part).strip("() ") for part in _JOINTS.split(translation))
    return dict.fromkeys(part for part in parts if part and not re.match(r"\d{4}/\d", part))


def still_to_tell(seen: Sequence[Drift], last: Sequence[Drift], *, was_sent: bool) -> list[Drift]:
    """The drifts of a digest, given those of the one before it and whether that one was sent.

    What a digest that was skipped would have said comes along, and what was told is marked so.
    """
    before = {drift.key: drift.told or was_sent for drift in last}
    kept = [drift for drift in last if not before[drift.key]]
    found = {drift.key: drift for drift in (*kept, *seen)}
    return [
        drift.model_copy(update={"told": before.get(key, False)}) for key, drift in found.items()
    ]
