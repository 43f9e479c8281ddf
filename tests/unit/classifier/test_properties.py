"""What holds of every answer, whatever the article says and however it is written."""

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.classifier.classify import classify
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.demo_articles import demo_articles
from shared.article import AbstractSection, Article
from shared.events import Classification
from tests.unit.classifier.any_article import ARTICLES, ODD, SAID, text_named
from tests.unit.classifier.reading import SHIPPED

whatever = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def every_label_is_sound(found: Classification, article: Article) -> None:
    """What the contract promises of each label; fails with the label that breaks it."""
    for label in found.labels:
        assert f"{label.facet}:{label.id}" in SHIPPED.by_key
        assert label.name == SHIPPED.by_key[f"{label.facet}:{label.id}"].name
        assert 0 < label.confidence <= 1
        assert label.evidence, label
        for evidence in label.evidence:
            assert evidence.matched
            assert evidence.sentence[evidence.start : evidence.end] == evidence.matched
            assert evidence.sentence in text_named(evidence, article)
            assert evidence.rule


def every_answer_is_whole(found: Classification) -> None:
    """The facets fit together: one scope, one kind of study, modalities where there is a CAR."""
    named = Counter((label.facet, label.id) for label in found.labels)
    facets = Counter(label.facet for label in found.labels)
    assert set(named.values()) <= {1}
    assert f"scope:{found.scope}" in SHIPPED.by_key
    assert {label.id for label in found.labels if label.facet == "scope"} <= {found.scope}
    assert facets["evidence"] <= 1
    assert bool(facets["modality"]) == (found.scope in {"core", "adjacent", "oncology"})
    assert facets["modality"] or not facets["target"] + facets["product"]


@whatever
@given(ARTICLES)
def test_every_article_gets_an_answer_that_is_sound_and_whole(article: Article) -> None:
    found = classify(article, SHIPPED)

    every_label_is_sound(found, article)
    every_answer_is_whole(found)


@pytest.mark.parametrize("article", demo_articles(), ids=lambda article: str(article.pmid))
def test_the_answers_about_the_demo_are_sound_and_whole(article: Article) -> None:
    found = classify(article, SHIPPED)

    every_label_is_sound(found, article)
    every_answer_is_whole(found)


@settings(whatever, max_examples=12)
@given(
    st.lists(st.one_of(SAID, ODD), min_size=1, max_size=12),
    st.sampled_from([" ", "", ". ", ", ", "-"]),
    st.sampled_from([3_000, 30_000, 100_000]),
    st.integers(0, 200),
)
def test_long_texts_and_many_sections_are_answered_as_short_ones(
    pieces: list[str], joint: str, size: int, sections: int
) -> None:
    once = joint.join(pieces) + joint
    text = once * (size // len(once or "x") + 1)
    parts = tuple(AbstractSection(text=text[:2_000], label=once) for _ in range(sections))
    article = Article(pmid=1, title=text, abstract=(AbstractSection(text=text), *parts))

    found = classify(article, SHIPPED)

    every_label_is_sound(found, article)
    every_answer_is_whole(found)


@whatever
@given(ARTICLES)
def test_the_same_article_gets_the_same_bytes(article: Article) -> None:
    again = Article.model_validate_json(article.model_dump_json())

    assert (
        classify(article, SHIPPED).model_dump_json() == classify(again, SHIPPED).model_dump_json()
    )


def test_what_was_read_before_has_no_part_in_an_answer() -> None:
    articles = demo_articles()
    one, other = load_taxonomy(TAXONOMY), load_taxonomy(TAXONOMY)

    forwards = [classify(article, one) for article in articles]
    backwards = [classify(article, other) for article in reversed(articles)]

    assert forwards == backwards[::-1]


@whatever
@given(ARTICLES, st.randoms(use_true_random=False))
def test_the_order_of_keywords_is_of_no_account(article: Article, random: Random) -> None:
    shuffled = random.sample(article.keywords, len(article.keywords))

    other = classify(article.model_copy(update={"keywords": tuple(shuffled)}), SHIPPED)

    assert other.scope == classify(article, SHIPPED).scope
