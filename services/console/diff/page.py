"""A comparison as one HTML file: nothing is loaded from elsewhere, and it needs no script."""

from collections.abc import Iterator
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
    """A sentence that one side goes by, and which label it carries ("" for what a digest shows)."""

    label: str
    quote: Quote
    rule: str = ""


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
    old = tuple((f"{one.facet} {one.id}", one.before) for one in found.labels)
    new = tuple((f"{one.facet} {one.id}", one.after) for one in found.labels)
    return ("Old", _column(found.before, old)), ("New", _column(found.after, new))


def _column(verdict: Verdict | None, labels: tuple[tuple[str, Given | None], ...]) -> Column:
    """The sentence of each label that differs; without any, the one that a digest shows."""
    sentences = [
        Sentence(label, given.evidence, given.rule)
        for label, given in labels
        if given and given.evidence
    ]
    if not sentences and verdict and verdict.evidence:
        sentences = [Sentence("", verdict.evidence)]
    return Column(verdict, tuple(sentences))
