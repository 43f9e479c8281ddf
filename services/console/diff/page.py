"""A comparison as one HTML file: nothing is loaded from elsewhere, and it needs no script."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from services.console.diff import words
from services.console.diff.compare import ArticleDifference, Given, Verdict
from services.console.diff.run import Comparison
from services.console.diff.words import Names
from services.notifier.item import Quote, plain
from shared.errors import ConfigurationError

MOST = 500
"""Articles and digests on the page; JSON has all of them."""


@dataclass(frozen=True)
class Sentence:
    """A sentence that one side goes by, and what for."""

    why: str
    quote: Quote


@dataclass(frozen=True)
class Column:
    """One side of an article."""

    verdict: Verdict | None
    sentences: tuple[Sentence, ...]


def write_page(path: Path, names: Names, found: Comparison) -> None:
    """Write the page, with its folder.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            file.writelines(render(names, found))
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}): name another file with --html"
        ) from error


def render(names: Names, found: Comparison) -> Iterator[str]:
    """The page, piece by piece."""
    environment = Environment(
        loader=PackageLoader("services.console.diff"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_legal,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").generate(
        names=names,
        tally=found.tally,
        gold=found.gold,
        words=words,
        articles=islice(found.articles(), MOST),
        digests=islice(found.digests(), MOST),
        columns=columns,
        most=MOST,
    )


def _legal(value: object) -> object:
    return plain(value) if type(value) is str else value


def columns(found: ArticleDifference) -> tuple[tuple[str, Column], tuple[str, Column]]:
    """Both sides of an article, old and new, with the sentences that they go by."""
    old, new = (list(_given(found, side)) for side in (0, 1))
    return ("Old", _column(found.before, old)), ("New", _column(found.after, new))


def _given(found: ArticleDifference, side: int) -> Iterator[tuple[str, Given]]:
    """The labels that differ, by name, as one side has them."""
    for one in found.labels:
        given = (one.before, one.after)[side]
        if given:
            yield f"{one.facet} {one.id}", given


def _column(verdict: Verdict | None, labels: Iterable[tuple[str, Given]]) -> Column:
    """The sentence of each label that differs; without any, the one that a digest shows."""
    sentences = [
        Sentence(f"{label}: {_phrase(given.rule, label)}", given.evidence)
        for label, given in labels
        if given.evidence
    ]
    if not sentences and verdict and verdict.evidence:
        sentences = [Sentence("what a digest shows", verdict.evidence)]
    return Column(verdict, tuple(sentences))


def _phrase(rule: str, label: str) -> str:
    """The rule without the label's own name."""
    return rule.removeprefix(label.replace(" ", ":", 1)).strip() or "its name"
