"""What a reader typed into the form of a subscription: read into a wish, or told what is wrong.

Pure. The fields are those of a `Wish` and its `Filters`, but for `email`, the mailbox that
confirms, and `url`, the target of a channel that is no mailbox.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.notifier.recipient import MAIL
from services.notifier.senders.targets import BadTarget, Gate, check_target
from services.notifier.subscription import Wish
from services.notifier.wording import LISTS, SETS

CHANNELS = ("email", "slack", "webhook", "apprise")
"""What a page offers; `capture` is the operator's."""

TRAP = "website"
"""A field that people do not see, and programs that fill in everything do."""

LONGEST = 5_000
"""Characters of one field that are looked at."""

_PLAIN = ("topic", "channel", "cadence", "weekday", "day", "hour", "time_zone", "max_items",
          "when_empty", "notices", "preprints")  # fmt: skip
NOBODY = "nobody@example.org"
"""Stands for a mailbox where none is asked for yet; nothing with it is ever kept."""

_WORDS = {
    "int_parsing": "Please write a whole number.",
    "float_parsing": "Please write a number between 0 and 1.",
    "literal_error": "Please choose one of the list.",
    "string_pattern_mismatch": "Please choose one of the list.",
    "too_short": "Please tick at least one: with none, nothing would ever come.",
    "too_long": "Please write at most 50 lines.",
    "string_too_short": "Please write at least two letters in each line.",
    "string_too_long": "Please write at most 100 letters in each line.",
}


@dataclass(frozen=True)
class Filled:
    """A form's fields as they were sent, to read and to show again."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, object]]) -> "Filled":
        """From the pairs of a request; files are no fields of ours."""
        found: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            if isinstance(value, str):
                found[name] = (*found.get(name, ()), value[:LONGEST])
        return cls(found)

    def one(self, name: str, default: str = "") -> str:
        """The last value of a field, without spaces around it."""
        return self.values.get(name, (default,))[-1].strip()

    def has(self, name: str, value: str) -> bool:
        """Whether a box is ticked."""
        return value in self.values.get(name, ())

    def with_topic(self, topic: str) -> "Filled":
        """The same for a topic that is known without the form."""
        return Filled({**self.values, "topic": (topic,)})

    def any(self, *names: str) -> bool:
        """Whether something stands in one of the fields."""
        return any(value.strip() for name in names for value in self.values.get(name, ()))


@dataclass(frozen=True)
class Read:
    """A wish, or by field what is wrong."""

    wish: Wish | None
    faults: Mapping[str, str]


def blank(topic: str = "") -> Filled:
    """The form as it is shown first: what holds where nothing is said."""
    return of_wish(_usual(topic or "topic"), topic=topic)


def begun(pairs: Iterable[tuple[str, str]]) -> Filled:
    """The form as an address begins it: a topic, and filters as a search of the archive has."""
    given = Filled.of(pairs)
    values = dict(blank(given.one("topic")).values)
    values |= {name: given.values[name] for name in SETS if name in given.values}
    values |= {name: ("\n".join(given.values[name]),) for name in LISTS if name in given.values}
    return Filled(values)


def of_wish(wish: Wish, topic: str | None = None) -> Filled:
    """The form of a wish that is on record; its mailbox and target are not shown."""
    told = wish.model_dump(mode="json", exclude={"address", "owner", "secret"})
    filters = told.pop("filters")
    values: dict[str, tuple[str, ...]] = {name: (str(told[name]),) for name in _PLAIN}
    values |= {name: tuple(sorted(filters[name])) for name in SETS}
    values |= {name: ("\n".join(filters[name]),) for name in LISTS}
    values["min_relatedness"] = (f"{wish.filters.min_relatedness:g}",)
    values["background"] = ("yes",) if wish.background else ()
    values["topic"] = (wish.topic if topic is None else topic,)
    return Filled(values)


def _usual(topic: str) -> Wish:
    return Wish.model_validate({"topic": topic, "address": NOBODY})


def read(filled: Filled, gate: Gate) -> Read:
    """What somebody who subscribes asks for."""
    faults = _mailbox_faults(filled, gate)
    raw = choices(filled) | _target(filled)
    return _validated(raw, faults)


def read_choices(filled: Filled) -> Read:
    """What is asked for, whoever it is for: the address in it is nobody's."""
    return _validated(choices(filled) | {"channel": "email", "address": NOBODY}, {})


def choices(filled: Filled) -> dict[str, Any]:
    """What of the fields is a reader's choice, by the names of a `Wish`; nothing is checked."""
    filters: dict[str, Any] = {name: list(filled.values.get(name, ())) for name in SETS}
    filters |= {name: _lines(filled.one(name)) for name in LISTS}
    filters["min_relatedness"] = filled.one("min_relatedness").replace(",", ".") or "0"
    given = {name: filled.one(name) for name in _PLAIN if filled.one(name)}
    return {**given, "filters": filters, "background": filled.has("background", "yes")}


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _target(filled: Filled) -> dict[str, Any]:
    email = filled.one("email")
    if filled.one("channel", "email") in MAIL:
        return {"address": email or NOBODY}
    return {"address": filled.one("url") or "https://nowhere.example", "owner": email or NOBODY}


def _mailbox_faults(filled: Filled, gate: Gate) -> dict[str, str]:
    faults: dict[str, str] = {}
    channel = filled.one("channel", "email")
    if not filled.one("email"):
        faults["email"] = "Please write the address that the question to confirm goes to."
    if channel not in CHANNELS:
        faults["channel"] = "Please choose one of the list."
    elif channel not in MAIL:
        try:
            check_target(channel, filled.one("url"), gate)
        except BadTarget as fault:
            faults["url"] = _sentence(str(fault))
    return faults


def _validated(raw: dict[str, Any], faults: Mapping[str, str]) -> Read:
    found = dict(faults)
    try:
        wish = Wish.model_validate(raw)
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            found.setdefault(_place(fault, raw), _said(fault))
        return Read(None, found)
    return Read(None if found else wish, found)


def _place(fault: ErrorDetails, raw: Mapping[str, Any]) -> str:
    where = [str(part) for part in fault["loc"]]
    name = where[1] if where[:1] == ["filters"] and len(where) > 1 else (where or ["when_empty"])[0]
    if name == "address":
        return "email" if raw.get("channel", "email") in MAIL else "url"
    return "email" if name == "owner" else name


def _said(fault: ErrorDetails) -> str:
    if fault["type"] in {"less_than_equal", "greater_than_equal"}:
        context = fault.get("ctx", {})
        bound, word = next(
            (context[key], said)
            for key, said in (("le", "at most"), ("ge", "at least"))
            if key in context
        )
        return f"Please write a number that is {word} {bound:g}."
    words = fault["msg"].removeprefix("Value error, ")
    return _WORDS.get(fault["type"]) or _sentence(words)


def _sentence(words: str) -> str:
    words = words.removeprefix("when_empty: ")
    return words[:1].upper() + words[1:] + "."
