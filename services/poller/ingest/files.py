"""NLM's files by their names: in which order they are taken in, and which are missing between.

`pubmed26n0001.xml.gz` to `pubmed26n1334.xml.gz` are the baseline of 2026, and the daily update
files go on counting. See https://pubmed.ncbi.nlm.nih.gov/download/
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"pubmed(\d{2})n(\d{4,})\.xml(?:\.gz)?", re.IGNORECASE)


class Place(NamedTuple):
    """Where a file stands: the two digits of the baseline's year, and the number in it."""

    year: int
    number: int


def place_of(name: str) -> Place | None:
    """The place of one of NLM's files; None for a file with a name of its own."""
    found = _NAME.fullmatch(name)
    return Place(int(found[1]), int(found[2])) if found else None


def in_order(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files by NLM's numbers; in the order given, if any of them has a name of its own.

    A file that is named twice is taken once.
    """
    distinct = tuple({path.resolve(): path for path in paths}.values())
    places = {path: place_of(path.name) for path in distinct}
    numbered = {path: place for path, place in places.items() if place}
    if len(numbered) < len(distinct):
        return distinct
    return tuple(sorted(distinct, key=numbered.__getitem__))


def latest(names: Iterable[str]) -> Mapping[int, int]:
    """By year, the highest number among files that were taken in."""
    highest: dict[int, int] = {}
    for place in filter(None, map(place_of, names)):
        highest[place.year] = max(place.number, highest.get(place.year, 0))
    return highest


def missing_before(name: str, before: Mapping[int, int]) -> Sequence[int]:
    """The numbers that were left out between the last file taken in and this one."""
    place = place_of(name)
    last = before.get(place.year) if place else None
    return range(last + 1, place.number) if place and last else ()
