"""The demo catalogue as labelled examples: for a machine that has no others."""

from typing import Any

from services.classifier.evaluation.gold import Example
from services.ncbi_sim.article import Article as Entry
from services.ncbi_sim.catalogue import Catalogue
from shared.article import AbstractSection, Article


def demo_examples(catalogue: Catalogue) -> tuple[Example, ...]:
    """Articles of the catalogue that say what they should be labelled."""
    return tuple(
        Example(str(entry.pmid), _article(entry), _gold(entry.expect))
        for entry in catalogue.articles
        if entry.expect
    )


def _article(entry: Entry) -> Article:
    """As the stand-in would tell it, but for what no label rests on."""
    text = " ".join(entry.summary)
    return Article(
        pmid=entry.pmid,
        title=entry.title,
        abstract=(AbstractSection(text=text),) if text else (),
        publication_types=tuple(entry.publication_types),
        keywords=tuple(entry.keywords),
    )


def _gold(expect: dict[str, Any]) -> dict[str, frozenset[str]]:
    return {
        facet: frozenset([labels] if isinstance(labels, str) else labels)
        for facet, labels in expect.items()
    }
