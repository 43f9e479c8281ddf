"""What a curator should know of a taxonomy that loads: examples that fail, phrases that do nothing.

Pure: findings only, for `carillon taxonomy check`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.classifier.classify import classify
from services.classifier.entries import TaxonomyLabel
from services.classifier.phrases import ANY, variants
from services.classifier.taxonomy import Taxonomy
from services.classifier.tokens import normal
from shared.article import AbstractSection, Article
from shared.events import Classification

Row = tuple[str, ...]
PARTS = ("strong", "patterns", "weak", "cells")
"""The lists of a label whose phrases carry it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about one label, "facet:id". A `fault` must be corrected, a remark need not."""

    label: str
    text: str
    fault: bool


def findings(taxonomy: Taxonomy) -> list[Finding]:
    """Everything that is wrong or odd, faults first, else in the order of the file."""
    found = [*failing_examples(taxonomy), *shadowed(taxonomy), *shared(taxonomy)]
    return sorted(found, key=lambda finding: not finding.fault)


def failing_examples(taxonomy: Taxonomy) -> Iterator[Finding]:
    """Examples that do not get their label, and counter-examples that do."""
    for label in taxonomy.labels:
        for text in label.examples:
            if not _gets(text, label, taxonomy):
                yield Finding(label.key, f"does not get its example: {_short(text)}", True)
        for text in label.counter_examples:
            if _gets(text, label, taxonomy):
                yield Finding(label.key, f"gets its counter-example: {_short(text)}", True)


def shadowed(taxonomy: Taxonomy) -> Iterator[Finding]:
    """Phrases that can never count, because all they find stands inside an excluded phrase."""
    for label in taxonomy.labels:
        excluded = [row for phrase in label.exclude for row in variants(phrase)]
        for part in PARTS:
            for phrase in getattr(label, part):
                if excluded and all(_inside(row, excluded) for row in variants(phrase)):
                    text = f"{phrase!r} in {part} can never count: `exclude` covers it"
                    yield Finding(label.key, text, True)


def shared(taxonomy: Taxonomy) -> Iterator[Finding]:
    """Phrases that carry two labels of one facet; sometimes that is meant."""
    owners: dict[tuple[str, Row], list[TaxonomyLabel]] = defaultdict(list)
    for label in taxonomy.labels:
        rows = {row for part in PARTS for p in getattr(label, part) for row in variants(p)}
        for row in rows:
            owners[label.facet, row].append(label)
    for (_, row), labels in owners.items():
        if len(labels) > 1:
            others = ", ".join(other.key for other in labels[1:])
            text = f"{' '.join(row)!r} carries {others} too"
            yield Finding(labels[0].key, text, False)


def moved(before: Taxonomy, after: Taxonomy, articles: Iterable[Article]) -> list[str]:
    """What two taxonomies say differently of the same articles: a line each, by its title."""
    lines = []
    for article in articles:
        old, new = _labels(classify(article, before)), _labels(classify(article, after))
        signs = [f"- {key}" for key in sorted(old - new)] + [
            f"+ {key}" for key in sorted(new - old)
        ]
        if signs:
            lines.append(f"{article.pmid} {article.title}: {', '.join(signs)}")
    return lines


def to_example(text: str) -> Article:
    """An example as an article: the first line is the title, the rest the abstract."""
    title, _, rest = text.strip().partition("\n")
    abstract = (AbstractSection(text=rest.strip()),) if rest.strip() else ()
    return Article(pmid=0, title=title.strip(), abstract=abstract)


def _gets(text: str, label: TaxonomyLabel, taxonomy: Taxonomy) -> bool:
    """A receptor is no label of the answer: it has what makes a scope other than "none"."""
    found = classify(to_example(text), taxonomy)
    if label.facet == "receptor":
        return found.scope not in ("none", "unclear")
    if label.facet == "scope":
        return found.scope == label.id
    return label.key in _labels(found)


def _labels(found: Classification) -> set[str]:
    return {f"{label.facet}:{label.id}" for label in found.labels} | {f"scope:{found.scope}"}


def _short(text: str) -> str:
    line = " / ".join(text.split("\n"))
    return line if len(line) <= 80 else line[:79] + "\u2026"


def _inside(row: Row, excluded: Sequence[Row]) -> bool:
    """Whether every text that the row finds holds one of the excluded phrases, beside gaps."""
    return any(
        all(_covers(no, yes) for no, yes in zip(other, row[place:], strict=False))
        for other in excluded
        if ANY not in other and len(other) <= len(row)
        for place in range(len(row) - len(other) + 1)
    )


def _covers(excluded: str, symbol: str) -> bool:
    """Whether each word that `symbol` finds is found by `excluded` too."""
    if excluded == symbol:
        return True
    word = normal(symbol[1:]) if symbol.startswith("=") else symbol
    if excluded.startswith("=") or symbol == ANY:
        return False
    if excluded.endswith("*"):
        return word.startswith(excluded[:-1])
    return not word.endswith("*") and word == excluded
