"""Whatever is planted in a taxonomy: the articles found are those that differ one by one."""

import asyncio
import random
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.classifier.classify import classify
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import Taxonomy, TaxonomyLabel, load_taxonomy
from services.console.demo_articles import demo_articles
from services.console.diff.spool import open_spool
from services.notifier.compose import heading_of
from shared.article import Article
from shared.events import Classification
from tests.builders import NOON, a_discovery, classified
from tests.unit.console.diff.past import SHIPPED, compared, discovery, entries, with_result

ARTICLES = demo_articles()[::2]
PAST = entries(
    event
    for article in ARTICLES
    for event in with_result(discovery(a_discovery(article=article), NOON))
)
OLD = {article.pmid: classify(article, SHIPPED) for article in ARTICLES}
GIVEN = sorted({(x.facet, x.id) for one in OLD.values() for x in one.labels if x.facet != "scope"})
WORDS = sorted({word for one in ARTICLES for word in one.title.split() if word.isalpha()})
REFERRED = {
    name
    for label in SHIPPED.labels
    for name in (*label.implies, f"modality:{label.aimed}", f"{label.facet}:{label.parent}")
}


@dataclass(frozen=True)
class Planted:
    """What is done to one label of the shipped taxonomy."""

    facet: str
    label: str
    how: str
    word: str = ""

    def taxonomy(self) -> Taxonomy:
        whole = load_taxonomy(TAXONOMY)
        labels = tuple(
            self._changed(one) if (one.facet, one.id) == (self.facet, self.label) else one
            for one in whole.labels
        )
        return whole.model_copy(update={"labels": labels})

    def _changed(self, label: TaxonomyLabel) -> TaxonomyLabel:
        if self.how == "name":
            return label.model_copy(update={"name": f"{label.name} (new)"})
        if self.how == "id":
            return label.model_copy(update={"id": f"{label.id}-new"})
        if self.how == "add":
            return label.model_copy(update={"patterns": (*label.patterns, self.word)})
        pick = random.Random(self.word)  # noqa: S311  for the same phrase every time
        kept = {name: tuple(getattr(label, name)) for name in ("strong", "patterns", "weak")}
        name = pick.choice([name for name, phrases in kept.items() if phrases] or ["weak"])
        gone = pick.choice(kept[name]) if kept[name] else ""
        return label.model_copy(update={name: tuple(one for one in kept[name] if one != gone)})


@st.composite
def planted(draw: st.DrawFn) -> Planted:
    how = draw(st.sampled_from(("name", "id", "add", "remove")))
    facet, label = draw(st.sampled_from(GIVEN))
    if how == "id" and (facet != "disease" or f"{facet}:{label}" in REFERRED):
        how = "name"  # the rules speak of the others by their ids
    return Planted(facet, label, how, draw(st.sampled_from(WORDS)))


def _seen(article: Article, found: Classification) -> tuple[object, ...]:
    """By brute force, what a reader could see of a classification."""
    labels = {
        (one.facet, one.id, one.name, (one.confidence >= 0.5) + (one.confidence >= 0.8))
        for one in found.labels
    }
    entry = classified(article=article, classification=found).data
    return found.scope, labels, found.trials, heading_of(entry)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(planted())
def test_the_articles_found_are_those_that_differ_one_by_one(change: Planted) -> None:
    taxonomy = change.taxonomy()
    expected = {
        article.pmid
        for article in ARTICLES
        if _seen(article, OLD[article.pmid]) != _seen(article, classify(article, taxonomy))
    }

    with open_spool() as spool:
        one = asyncio.run(compared(PAST, spool, taxonomy))
        found = [x.pmid for x in one.articles()]

    assert set(found) == expected
    assert len(found) == len(expected) == one.tally.differing
    assert one.tally.changed is bool(expected)


def test_such_changes_do_something() -> None:
    """Or the test above would say nothing."""
    for change in (
        Planted("disease", "pemphigus", "name"),
        Planted("disease", "pemphigus", "id"),
        Planted("disease", "pemphigus", "remove"),
        Planted("disease", "pemphigus", "add", "autoimmune"),
    ):
        taxonomy = change.taxonomy()
        assert any(
            _seen(article, OLD[article.pmid]) != _seen(article, classify(article, taxonomy))
            for article in ARTICLES
        ), change
