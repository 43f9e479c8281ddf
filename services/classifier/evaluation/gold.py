"""Labelled examples: article lines that also say which labels a person gave.

A line is an article line (see `services.classifier.lines`) with `scope`, `modality`, `disease` and
`evidence`, by the ids of the taxonomy. A facet that a line does not have was not judged, and is not
measured on that article.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.classifier.lines import Unreadable, read_line
from services.classifier.taxonomy import Taxonomy
from shared.article import Article
from shared.errors import ConfigurationError

FACETS = ("scope", "modality", "disease", "evidence")


@dataclass(frozen=True, slots=True)
class Example:
    """An article and, by facet, the labels it should have."""

    id: str
    article: Article
    gold: Mapping[str, frozenset[str]]


def read_gold(paths: Iterable[Path], *taxonomies: Taxonomy) -> tuple[Example, ...]:
    """The examples of all files; of two with one id the later counts.

    Their labels are those of any of the taxonomies.

    Raises:
        ConfigurationError: a file or line cannot be read, or names a label nobody knows; it says
            which line and what to correct.
    """
    known = frozenset(key for taxonomy in taxonomies for key in taxonomy.by_key)
    found: dict[str, Example] = {}
    for path in paths:
        for number, line in enumerate(_lines(path), start=1):
            if line.strip():
                example = _example(line, f"{path}, line {number}", known)
                found[example.id] = example
    if not found:
        raise ConfigurationError("no labelled example in any file: give one object a line")
    return tuple(found.values())


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}; give a file of examples") from error


def _example(line: bytes, place: str, known: frozenset[str]) -> Example:
    try:
        read = read_line(line)
    except Unreadable as error:
        raise ConfigurationError(f"{place}: {error}") from error
    gold = {facet: _labels(read.fields, facet, place) for facet in FACETS if facet in read.fields}
    for facet, ids in gold.items():
        unknown = sorted(one for one in ids if f"{facet}:{one}" not in known)
        if unknown:
            raise ConfigurationError(
                f"{place}: {facet} {unknown[0]!r} is no label of the taxonomy: correct it"
            )
    if not gold:
        raise ConfigurationError(f"{place}: no labels; give {', '.join(FACETS)} or some of them")
    return Example(str(read.id if read.id is not None else place), read.article, gold)


def _labels(fields: Mapping[str, Any], facet: str, place: str) -> frozenset[str]:
    given = fields[facet]
    many = facet in ("modality", "disease")
    ids = given if many else [given]
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        kind = "a list of ids" if many else "one id"
        raise ConfigurationError(f"{place}: {facet} is {given!r}; give {kind}")
    return frozenset(ids)
