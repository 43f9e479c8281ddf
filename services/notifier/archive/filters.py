"""The filters of the archive in words: what each facet and each value is called."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from services.notifier.archive.asked import ALL_SCOPES, Answer, Asked, Order
from services.notifier.archive.plots import month_name
from services.notifier.archive.shelf import Shelf
from services.notifier.standing import STANDINGS
from shared.article import Status

TITLES: Mapping[str, str] = {
    "modality": "Approach",
    "disease": "Disease",
    "target": "Target",
    "evidence": "Kind of evidence",
    "product": "Product",
    "scope": "Scope",
    "status": "Status",
    "relation": "Why it is here",
    "kind": "Preprint or article",
    "origin": "News or background",
    "year": "Year",
    "month": "Month",
    "journal": "Journal",
}
"""The facets in the order in which they are shown."""

SHOWN = 8
"""Values of a facet that are shown at once; the others can be unfolded."""

MOST = 60
"""Values of a facet that are offered at all: of journals there may be thousands."""

_NAMES: Mapping[str, Mapping[str, str]] = {
    "scope": {
        "core": "CAR cells in autoimmunity",
        "adjacent": "Adjacent to it",
        "oncology": "CAR in oncology",
        "none": "No CAR therapy",
        "unclear": "We could not tell",
        ALL_SCOPES: "Everything",
    },
    "status": {
        status.value: STANDINGS[status].name if status in STANDINGS else "As published"
        for status in Status
    },
    "relation": {
        "query": "Matches a query",
        "similar": "Similar to the seed",
        "cited-by": "Cites the seed",
        "references": "Cited by the seed",
        "cites-tracked": "Cites articles of this topic",
    },
    "kind": {"article": "Journal article", "preprint": "Preprint"},
    "origin": {"news": "Found by the watch", "background": "From before the watch"},
}


@dataclass(frozen=True)
class Choice:
    """A value that can be chosen, and how many articles that would show."""

    value: str
    name: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Filter:
    """A facet and its values; `is_open` when something of it is chosen."""

    facet: str
    title: str
    choices: tuple[Choice, ...]
    hidden: int

    @property
    def is_open(self) -> bool:
        """Whether something is chosen."""
        return any(choice.is_chosen for choice in self.choices)


@dataclass(frozen=True)
class Active:
    """A filter in force, and the address without it."""

    name: str
    without: str


def name(shelf: Shelf, facet: str, value: str) -> str:
    """What a value is called."""
    if facet == "month":
        return month_name(value) if value in shelf.bits[facet] else value
    known = _NAMES.get(facet, {}).get(value)
    return known or shelf.names.get((facet, value), value)


def filters(answer: Answer) -> list[Filter]:
    """All facets with something to choose, what is chosen always among it."""
    made = (_filter(answer, facet) for facet in TITLES)
    return [one for one in made if len(one.choices) > 1 or one.is_open]


def _filter(answer: Answer, facet: str) -> Filter:
    counts, chosen = answer.counts[facet], set(answer.asked.of(facet))
    values = {value for value, count in counts.items() if count} | chosen
    choices = [
        Choice(value, name(answer.shelf, facet, value), counts.get(value, 0), value in chosen)
        for value in values
    ]
    if facet in {"year", "month"}:
        choices.sort(key=lambda one: one.value, reverse=True)
    else:
        choices.sort(key=lambda one: (-one.count, one.name.casefold()))
    kept = choices[:MOST] + [one for one in choices[MOST:] if one.is_chosen]
    return Filter(facet, TITLES[facet], tuple(kept), len(choices) - len(kept))


def active(answer: Answer) -> list[Active]:
    """What is in force beside the usual, one by one."""
    asked = answer.asked.at(1)
    found = [Active(f"“{asked.search}”", replace(asked, search="").query())] if asked.search else []
    found += [
        Active(_said(answer.shelf, facet, value), _without(asked, facet, value))
        for facet in TITLES
        for value in asked.values.get(facet, ())
    ]
    if asked.since:
        rest = replace(asked, since=None).query()
        found.append(Active(f"Found since {asked.since:%Y-%m-%d}", rest))
    return found


def _said(shelf: Shelf, facet: str, value: str) -> str:
    called = name(shelf, facet, value)
    if facet in {"modality", "disease", "month", "journal"}:
        return called
    return f"{TITLES[facet]}: {called}"


def _without(asked: Asked, facet: str, value: str) -> str:
    left = tuple(one for one in asked.values[facet] if one != value)
    return replace(asked, values={**asked.values, facet: left}).query()


def with_only(asked: Asked, **chosen: str) -> str:
    """The address of the same search with these facets set to one value each."""
    values = {**asked.values, **{facet: (value,) for facet, value in chosen.items()}}
    return replace(asked, values=values, page=1).query()


def with_order(asked: Asked, order: Order) -> str:
    """The address of the same search in another order."""
    return replace(asked, order=order, page=1).query()


def subscribing(topic: str, asked: Asked) -> str:
    """The address of the form of a subscription to the same, as far as one can have that."""
    pairs = [("topic", topic)]
    for facet in ("modality", "disease", "target", "evidence", "scope"):
        pairs += [(facet, value) for value in asked.values.get(facet, ()) if value != ALL_SCOPES]
    # Not journals: following one brings all of it, whatever the other filters say.
    return urlencode(pairs)
