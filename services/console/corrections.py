"""On which of readers' corrections the present rules agree."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.classifier.classify import classify
from services.classifier.evaluation.ours import given
from services.classifier.lines import Unreadable, read_line
from services.classifier.taxonomy import Taxonomy
from shared.article import Article
from shared.errors import ConfigurationError


@dataclass(frozen=True)
class Correction:
    """What a reader said of one label, and what the rules say now of its facet."""

    article: str
    facet: str
    wrong: str | None
    wanted: str | None
    now: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether the rules say what the reader does, of this label."""
        return self.wrong not in self.now and (self.wanted is None or self.wanted in self.now)


def corrections(path: Path, taxonomy: Taxonomy) -> tuple[Correction, ...]:
    """Every correction of a file that `carillon feedback export` wrote.

    Raises:
        ConfigurationError: the file or a line of it cannot be read; it says which.
    """
    found: list[Correction] = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: {error.strerror}; give a file that 'carillon feedback export' wrote"
        ) from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            found += _of_line(line, f"{path}, line {number}", taxonomy)
    return tuple(found)


def _of_line(line: bytes, place: str, taxonomy: Taxonomy) -> Iterable[Correction]:
    try:
        read = read_line(line)
    except Unreadable as error:
        raise ConfigurationError(f"{place}: {error}") from error
    said = _said(read.fields.get("corrections"))
    if said is None:
        raise ConfigurationError(
            f"{place}: no corrections; give a file that 'carillon feedback export' wrote"
        )
    now = _now(read.article, taxonomy)
    return [_correction(str(read.id), one, now) for one in said]


def _said(given: object) -> list[dict[str, str]] | None:
    if not isinstance(given, list):
        return None
    whole = all(isinstance(one, dict) and isinstance(one.get("facet"), str) for one in given)
    return given if whole else None


def _correction(
    article: str, said: Mapping[str, str], now: Mapping[str, tuple[str, ...]]
) -> Correction:
    facet = said["facet"]
    return Correction(article, facet, said.get("label"), said.get("wanted"), now.get(facet, ()))


def _now(article: Article, taxonomy: Taxonomy) -> dict[str, tuple[str, ...]]:
    answer = given(classify(article, taxonomy))
    return {facet: tuple(sorted(labels)) for facet, labels in answer.items()}


def print_corrections(console: Console, found: tuple[Correction, ...]) -> None:
    """A line for each, those on which rules and reader differ first."""
    table = Table("Article", "Facet", "Reader says", "Rules say", "", title="Readers' corrections")
    for one in sorted(found, key=lambda one: one.agrees):
        said = f"not {one.wrong}" if one.wrong else ""
        wanted = f"{one.wanted}" if one.wanted else ""
        cells = (
            one.article,
            one.facet,
            ", ".join(filter(None, (wanted, said))),
            ", ".join(one.now),
        )
        table.add_row(*map(escape, cells), "agree" if one.agrees else "[red]differ[/red]")
    console.print(table)
    agreed = sum(one.agrees for one in found)
    console.print(f"The rules agree with {agreed} of {len(found)} corrections", highlight=False)
