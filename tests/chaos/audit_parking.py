"""Rules on parking: exactly what was corrupted on purpose is there, each with its reason."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

from tests.chaos.case import Case, Finding
from tests.chaos.evidence import Parked

_INVENTED = re.compile(r"[0-9a-f]{32}")
"""Our own ids have dashes, and those that are planted a name."""

WORDS = (
    "carillon-reason", "carillon-traceback", "carillon-attempt", "carillon-first-failed-at",
    "carillon-origin-exchange", "carillon-origin-routing-key",
)  # fmt: skip
"""The headers that every parked message must have; the default exchange has no name."""


def _exactly_what_was_planted(case: Case) -> Iterator[Finding]:
    """A copy that came twice, as its sender died before its own was gone, is one message."""
    planted = case.evidence.planted
    there = Counter(_name(one) for one in case.evidence.parked)
    for message, count in Counter(planted.parked).items():
        if there[message] < count:
            yield Finding("lost", f"the corrupted message {message!r} is not parked")
    for message in there.keys() - set(planted.parked):
        if not (planted.unsure and (not message or message.startswith("chaos-"))):
            says = f"message {message!r} is parked: {_why(case, message)}"
            yield Finding("unaccounted", says)


def _name(one: Parked) -> str:
    """Its id; none for one without any, whom the client library has given one of its own."""
    return "" if _INVENTED.fullmatch(one.message_id) else one.message_id


def _with_its_reason(case: Case) -> Iterator[Finding]:
    for one in case.evidence.parked:
        missing = [word for word in WORDS if _is_missing(one, word)]
        if missing:
            says = f"message {one.message_id} is parked without {', '.join(missing)}"
            yield Finding("unaccounted", says)


def _is_missing(one: Parked, word: str) -> bool:
    if word == "carillon-origin-exchange":
        return word not in one.headers
    return not one.headers.get(word)


def _why(case: Case, message: str) -> str:
    found = (one for one in case.evidence.parked if _name(one) == message)
    return str(next(found).headers.get("carillon-reason", "no reason"))


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _exactly_what_was_planted,
    _with_its_reason,
)
