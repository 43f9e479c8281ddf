"""The ledger line of a leg: when it is closed, and what is open about it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.poller.legs import Asked, drift
from shared.events import Leg, LegState

REREAD = "re-read known articles"
"""The name of the ledger line for articles that are read again; no query can be called so."""


@dataclass
class Tally:
    """What became of the ids of a poll. `known` were known before it began.

    `announced` are those of which an event tells, discovered or revised.
    """

    known: frozenset[int]
    understood: set[int] = field(default_factory=set)
    parked: set[int] = field(default_factory=set)
    new: set[int] = field(default_factory=set)
    announced: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)


def settle(asked: Asked, seed: int, tally: Tally) -> Leg:
    """The ledger line of a leg.

    Closed when PubMed's count and the ids agree, and every id is an article we know, or a record
    parked with its bytes. An id that PubMed named and did not send leaves the leg open, so that
    it is asked for again.
    """
    ids = set(asked.reasons)
    understood = {pmid for pmid in ids - tally.failed.keys() if _is_at_hand(pmid, seed, tally)}
    parked = ids & tally.parked
    missing = ids - understood - parked
    error = asked.error or _what_is_open(asked, missing, tally)
    previous_translation, previous_warnings = drift(asked)
    return Leg(
        relation=asked.plan.relation,
        name=asked.plan.name,
        state=_state(asked, error),
        counted=asked.counted,
        received=len(ids),
        fetched=len(understood | parked),
        understood=len(understood),
        new=len(ids & tally.new),
        published=len(ids & tally.announced),
        error=error,
        query_translation=asked.query_translation,
        window_from=asked.window_from,
        window_to=asked.window_to,
        warnings=asked.warnings,
        previous_translation=previous_translation,
        previous_warnings=previous_warnings,
    )


def aged(leg: Leg, since: datetime, now: datetime, limit: timedelta) -> Leg:
    """An open leg with its age: `alarm` when it is open for longer than `limit`."""
    return leg.model_copy(update={"open_since": since, "alarm": now - since > limit})


def _is_at_hand(pmid: int, seed: int, tally: Tally) -> bool:
    return pmid == seed or pmid in tally.known or pmid in tally.understood


def _state(asked: Asked, error: str | None) -> LegState:
    if error:
        return "open"
    return "unknown" if asked.unknown else "closed"


def _what_is_open(asked: Asked, missing: set[int], tally: Tally) -> str | None:
    if asked.counted is not None and asked.counted != len(asked.reasons):
        return (
            f"PubMed counted {asked.counted} and named {len(asked.reasons)}; asked again next time"
        )
    failures = {tally.failed[pmid] for pmid in missing if pmid in tally.failed}
    if failures:
        return "; ".join(sorted(failures))
    if missing:
        some = ", ".join(map(str, sorted(missing)[:5]))
        return f"PubMed named but did not send {len(missing)}: {some}; asked again next time"
    return None


def settle_reread(again: Collection[int], tally: Tally) -> Leg | None:
    """The ledger line of what was to be read again; None when all of it was.

    Its relation is `query`, as the contract has no other for what no leg names. It is open when
    records could not be had: a retraction among them would be missed. What PubMed no longer sends
    leaves it `unknown`: nobody can tell what became of it, and asking again would not help.
    """
    ids = set(again)
    failed = ids & tally.failed.keys()
    understood = (ids & tally.understood) - failed
    missing = ids - understood - failed - tally.parked
    if understood == ids:
        return None
    error = "; ".join(filter(None, (_unread(failed, tally), _gone(missing)))) or None
    return Leg(
        relation="query",
        name=REREAD,
        state="open" if failed else "unknown" if missing else "closed",
        counted=len(ids),
        received=len(ids),
        fetched=len(ids - failed - missing),
        understood=len(understood),
        published=len(ids & tally.announced),
        error=error,
    )


def _unread(failed: set[int], tally: Tally) -> str | None:
    if not failed:
        return None
    causes = "; ".join(sorted({tally.failed[pmid] for pmid in failed}))
    return f"{len(failed)} known articles could not be read again ({causes}); tried next time"


def _gone(missing: set[int]) -> str | None:
    if not missing:
        return None
    some = ", ".join(map(str, sorted(missing)[:5]))
    return f"PubMed no longer sends {len(missing)} known articles: {some}; look them up there"
