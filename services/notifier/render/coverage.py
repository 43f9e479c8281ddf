"""What a digest says about itself: what was checked, how well, and whose words it quotes."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from services.notifier.digest import Coverage, Digest
from services.notifier.health import Drift, Trouble, joined
from services.notifier.item import clean
from services.notifier.render.words import counted, day_text, local

TERMS = 4
"""How many of the terms that PubMed added to a query, or dropped from it, are named."""

TERM_LIMIT = 60

REPLAY = (
    "This is a replay and no news: it is made of events of the past, and an operator sent it to "
    "you on purpose. You may have been sent these papers before, and your digests come as ever."
)
_RECORDED = "Nothing was checked for this message: it is made of recorded events."


class Bulletin(NamedTuple):
    """One thing to know of the source; the same `key` as long as it is the same thing."""

    key: str
    title: str
    text: str


def banner(digest: Digest) -> tuple[str, ...]:
    """What to say first when the source was not well, line by line; nothing when it was.

    A replay says that it is one.
    """
    if digest.kind == "replay":
        return (REPLAY,)
    troubles = _open(digest, digest.coverage.troubles)
    if digest.coverage.healthy:
        return troubles
    since = digest.coverage.unhealthy_since
    when = f" since {local(digest, since):%Y-%m-%d %H:%M} ({digest.time_zone})" if since else ""
    return (
        f"Source unhealthy{when}. This digest may be incomplete; "
        "what is missing comes with a later one.",
        *troubles,
    )


def _open(digest: Digest, troubles: Iterable[Trouble]) -> tuple[str, ...]:
    """A sentence for all relations that are open for one reason since one day."""
    found: dict[tuple[str, str], list[str]] = {}
    for trouble in troubles:
        state = "Not checked" if trouble.alarm else "Not complete"
        when = f" since {day_text(local(digest, trouble.since).date())}" if trouble.since else ""
        found.setdefault((state + when, trouble.why), []).append(trouble.what)
    return tuple(f"{lead}: {', '.join(whats)} ({why})." for (lead, why), whats in found.items())


def demo_note(digest: Digest) -> str:
    """Says whose words the summaries are, when there are demo records."""
    demo = sum(item.is_demo_note is not None for item in digest.everything)
    if not demo:
        return ""
    everything = len(digest.everything)
    which = "all articles" if demo == everything else f"{demo} of {everything} articles"
    whose = "summaries in Carillon's own words, not the authors' abstracts"
    return f"Demo records ({which}): {whose}."


def lines(digest: Digest) -> tuple[str, ...]:
    """What was checked, so that silence is not mistaken for nothing new."""
    if digest.kind == "replay":
        return (_RECORDED, *_withheld(digest))
    coverage = digest.coverage
    lines = [_checked(digest), *(_leg(digest, leg) for leg in coverage.legs), *_healthy(digest)]
    lines += map(drift_line, _untold(digest))
    if coverage.in_processing:
        waiting = counted(coverage.in_processing, "article")
        lines.append(f"{waiting} found and not classified yet: expected in the next digest.")
    if digest.waiting:
        lines.append(f"Left for the next digest: {counted(digest.waiting, 'more article')}.")
    return (*lines, *_withheld(digest))


def _withheld(digest: Digest) -> tuple[str, ...]:
    lines = []
    if digest.kind == "replay" and digest.waiting:
        lines.append(f"{counted(digest.waiting, 'more article')}: there was no room for them.")
    if digest.withheld_retracted:
        held = counted(digest.withheld_retracted, "retracted or withdrawn paper")
        lines.append(f"{held} left out.")
    if digest.withheld_deleted:
        held = counted(digest.withheld_deleted, "record")
        lines.append(f"{held} left out that PubMed has taken out.")
    return tuple(lines)


def bulletins(digest: Digest) -> tuple[Bulletin, ...]:
    """What a feed says of the source by itself: each alarm and each change of a query's reading."""
    alarms = (
        Bulletin(_alarm_key(one), f"Not checked: {one.what}", *_open(digest, [one]))
        for one in digest.coverage.troubles
        if one.alarm
    )
    changes = (
        Bulletin(one.key, f"PubMed reads {one.what} differently", drift_line(one))
        for one in _untold(digest)
    )
    return (*alarms, *changes)


def _alarm_key(trouble: Trouble) -> str:
    name = "-".join(re.findall(r"[a-z0-9]+", trouble.what.lower()))
    return f"{name}:{trouble.since.astimezone(UTC):%Y%m%dT%H%M%S}" if trouble.since else name


def _leg(digest: Digest, leg: str) -> str:
    """The leg's numbers, and since when it is incomplete where that is known."""
    troubles = (one for one in digest.coverage.troubles if leg in one.legs)
    since = next((one.since for one in troubles if one.since), None)
    return clean(f"{leg} since {local(digest, since):%Y-%m-%d %H:%M}" if since else leg)


def _healthy(digest: Digest) -> tuple[str, ...]:
    since = digest.coverage.healthy_since
    if since is None or digest.coverage.troubles:
        return ()
    return (f"Every poll since {local(digest, since):%Y-%m-%d} was complete.",)


def _untold(digest: Digest) -> tuple[Drift, ...]:
    """The changes to be told, those of one query as one; what was taken back is none."""
    found: dict[str, Drift] = {}
    for drift in (one for one in digest.coverage.drifts if not one.told):
        known = found.pop(drift.what, None)
        change = joined(known, drift) if known else drift
        if not known or change.added or change.dropped:
            found[drift.what] = change
    return tuple(found.values())


def drift_line(drift: Drift) -> str:
    """How PubMed reads a query now, told by the terms that came and went."""
    changes = [f"{verb} {_some(terms)}" for verb, terms in _changes(drift) if terms]
    how = " and ".join(changes) or "the same terms, joined in another way"
    return f"PubMed now reads {drift.what} differently: {how}."


def _changes(drift: Drift) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("it adds", drift.added), ("it leaves out", drift.dropped)


def _some(terms: tuple[str, ...]) -> str:
    named = [term if len(term) <= TERM_LIMIT else f"{term[: TERM_LIMIT - 1]}…" for term in terms]
    rest = f" and {len(named) - TERMS} more" if len(named) > TERMS else ""
    return f"{', '.join(named[:TERMS])}{rest}"


def _checked(digest: Digest) -> str:
    coverage = digest.coverage
    if not coverage.polls or coverage.checked_from is None or coverage.checked_to is None:
        return (
            f"No poll ended between {_span(digest, digest.period_from, digest.period_to, 'and')}."
        )
    days = _span(digest, coverage.checked_from, coverage.checked_to, "to")
    return f"Checked {days}: {counted(coverage.polls, 'poll')}, {_numbers(coverage)}."


def _span(digest: Digest, start: datetime, end: datetime, word: str) -> str:
    return f"{local(digest, start):%Y-%m-%d} {word} {local(digest, end):%Y-%m-%d}"


def _numbers(coverage: Coverage) -> str:
    told = f"PubMed counted {coverage.counted}, we hold {coverage.stored}"
    missing = coverage.counted - coverage.stored
    return f"{told}: {missing} still to come" if missing > 0 else told
