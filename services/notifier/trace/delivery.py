"""What became of an article in the digests that it was put into. Pure; never an address."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.notifier.archive.history import Happening
from services.notifier.history import ARTICLE, NOTICE

Outcome = Literal[
    "accepted", "accepted, maybe twice", "waiting", "tried again", "maybe sent", "given up",
    "given up, maybe sent", "failed", "not on record",
]  # fmt: skip
"""How a digest stands. `maybe`: an attempt ended without an answer of the channel."""

GRAVE = frozenset({"given up", "given up, maybe sent", "failed", "not on record"})

REPLAY = "replay:"

SHOWN = 5
"""Ids of subscriptions that a line names."""


@dataclass(frozen=True)
class Delivery:
    """An article in one digest.

    `what` is `article` or `notice:<status>`, as in the ledger, or `replay:<id>` for a digest that
    a replay was allowed to send.
    `at` is when it came to this outcome: accepted, given up, or else cut. `due_at` is None, as
    `channel`, where the row that told it is gone (its reader was forgotten).
    """

    digest_id: str
    subscription_id: str
    channel: str | None
    what: str
    outcome: Outcome
    at: datetime
    due_at: datetime | None
    attempts: int = 0
    error: str | None = None


def outcome(
    state: str | None, *, attempts: int, maybe_sent: bool, is_given_up: bool = False
) -> Outcome:
    """How a row of `digests` stands; `state` is None where there is none any more."""
    if state == "sent":
        return "accepted, maybe twice" if maybe_sent else "accepted"
    if state in ("intent", "waiting"):
        if maybe_sent:
            return "maybe sent"
        return "tried again" if attempts else "waiting"
    if state == "failed":
        if maybe_sent:
            return "given up, maybe sent"
        return "given up" if is_given_up else "failed"
    return "not on record"


def happenings(deliveries: Iterable[Delivery]) -> list[Happening]:
    """What was told, the first first: one for all that came to the same of the same due instant."""
    groups: dict[tuple[str, datetime | None, str], list[Delivery]] = {}
    for one in deliveries:
        groups.setdefault((one.what, one.due_at, one.outcome), []).append(one)
    told = [_happening(members) for members in groups.values()]
    return sorted(told, key=lambda one: (one.at, one.title))


def _happening(members: Sequence[Delivery]) -> Happening:
    first = members[0]
    where = f"the digest due {first.due_at:%Y-%m-%d %H:%M} UTC" if first.due_at else "a digest"
    if first.what.startswith(REPLAY):
        where = f"the digest of the replay {first.what.removeprefix(REPLAY)}"
    elif first.what != ARTICLE:
        where = f"a notice ({first.what.removeprefix(NOTICE)}) in {where}"
    title = f"In {where}: {first.outcome} for {_subscriptions(len(members))}"
    errors = sorted({one.error for one in members if one.error})
    lines = [_by_channel(members), named([one.subscription_id for one in members]), *errors[:3]]
    attempts = max(one.attempts for one in members)
    if attempts > 1:
        lines.append(f"up to {attempts} attempts")
    at = min(one.at for one in members)
    return Happening(at, title, tuple(lines), first.outcome in GRAVE)


def _by_channel(members: Sequence[Delivery]) -> str:
    counts = Counter(one.channel or "a subscription that is gone" for one in members)
    return "by " + ", ".join(f"{channel} {count}" for channel, count in sorted(counts.items()))


def named(ids: Sequence[str]) -> str:
    """The first few ids, and how many more."""
    shown = ", ".join(sorted(ids)[:SHOWN])
    return f"{shown} and {len(ids) - SHOWN} more" if len(ids) > SHOWN else shown


def _subscriptions(number: int) -> str:
    return "1 subscription" if number == 1 else f"{number} subscriptions"
