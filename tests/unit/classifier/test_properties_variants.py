"""Two texts that say the same get the same labels; one more word that matters changes them."""

import re
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.classifier.classify import classify
from services.classifier.phrases import variants
from services.classifier.taxonomy import TaxonomyLabel
from services.console.demo_articles import demo_articles
from shared.article import AbstractSection, Article
from shared.events import Classification
from tests.unit.classifier.any_article import SAID
from tests.unit.classifier.reading import SHIPPED, ids, read

DEMO = demo_articles()
TOPICS = ("modality", "disease", "target", "product", "scope")
DASHES = "\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"
WEATHER = "It rained on Monday, and the wind came from the west."


def topics(found: Classification) -> set[tuple[str, str]]:
    """Every label but the kind of evidence."""
    return {(label.facet, label.id) for label in found.labels if label.facet in TOPICS}


def titled(found: Classification) -> set[tuple[str, str]]:
    """Those of which the title speaks most; a text that is too thin may well be made clear."""
    spoken = [one for one in found.labels if one.evidence[0].place == "title"]
    told: set[tuple[str, str]] = {
        (label.facet, label.id) for label in spoken if label.facet in TOPICS
    }
    return told - {("scope", "unclear")}


def labels(found: Classification) -> set[tuple[str, str]]:
    """Every label."""
    return {(label.facet, label.id) for label in found.labels}


def changed(pairs: Mapping[Article, Article]) -> dict[int, set[tuple[str, str]]]:
    """By PMID: the labels that only one of an article and its variant has."""
    both = {
        one.pmid: labels(classify(one, SHIPPED)) ^ labels(classify(other, SHIPPED))
        for one, other in pairs.items()
    }
    return {pmid: labels for pmid, labels in both.items() if labels}


def reworded(article: Article, old: str, new: str | Callable[[re.Match[str]], str]) -> Article:
    """The article with every match of a pattern in its texts replaced."""
    parts = [
        section.model_copy(update={"text": re.sub(old, new, section.text)})
        for section in article.abstract
    ]
    fields = {"title": re.sub(old, new, article.title), "abstract": tuple(parts)}
    return article.model_copy(update=fields)


@pytest.mark.parametrize("dash", DASHES, ids=lambda dash: f"U+{ord(dash):04X}")
def test_every_dash_inside_a_word_is_a_hyphen(dash: str) -> None:
    assert changed({a: reworded(a, r"(?<=\w)-(?=\w)", dash) for a in DEMO}) == {}


@pytest.mark.parametrize("blank", "\u00a0\u2009\u202f\u3000", ids=lambda b: f"U+{ord(b):04X}")
def test_every_blank_between_words_is_a_blank(blank: str) -> None:
    assert changed({a: reworded(a, r"(?<=\w) (?=\w)", blank) for a in DEMO}) == {}


@pytest.mark.parametrize("form", [str.capitalize, str.upper], ids=["Capital", "CAPITALS"])
def test_capitals_do_not_change_the_labels(form: Callable[[str], str]) -> None:
    def loud(word: re.Match[str]) -> str:
        return form(word.group())

    assert changed({a: reworded(a, r"\b[a-z]{5,}\b", loud) for a in DEMO}) == {}


@pytest.mark.parametrize("article", DEMO, ids=lambda article: str(article.pmid))
def test_a_sentence_about_the_weather_removes_no_topic_of_a_demo_article(article: Article) -> None:
    parts = (*article.abstract, AbstractSection(text=WEATHER))

    rained_on = classify(article.model_copy(update={"abstract": parts}), SHIPPED)

    assert titled(classify(article, SHIPPED)) <= topics(rained_on)


@settings(max_examples=150, deadline=None)
@given(st.lists(SAID, min_size=1, max_size=8).map(" ".join), st.lists(SAID, max_size=8))
def test_a_sentence_about_the_weather_removes_nothing_that_the_title_says(
    title: str, said: list[str]
) -> None:
    abstract = [f"They saw {' '.join(said)}.", "They wrote it down."]

    before = read(title, " ".join(abstract))
    after = read(title, " ".join([*abstract, WEATHER]))

    assert titled(before) <= topics(after)


def plain_phrases() -> Iterator[tuple[TaxonomyLabel, str]]:
    """Each disease with the first of its phrases that can be said as it is written."""
    for label in SHIPPED.labels:
        if label.facet == "disease" and label.group in ("autoimmune", "immune"):
            rows = (row for phrase in label.patterns for row in variants(phrase))
            said = (" ".join(row) for row in rows if not re.search(r"[*~=]", " ".join(row)))
            yield from ((label, phrase) for phrase in list(said)[:1])


@pytest.mark.parametrize(
    ("label", "phrase"), list(plain_phrases()), ids=lambda one: getattr(one, "id", None)
)
def test_a_disease_that_is_denied_is_no_topic(label: TaxonomyLabel, phrase: str) -> None:
    title = "CD19 CAR-T cells in a small study"
    said = [f"They had {phrase}.", f"All of them had {phrase}.", f"It was {phrase}."]
    denied = [f"They had no {phrase}.", f"None had it without {phrase}.", f"It was not {phrase}."]

    assert label.id in ids(read(title, " ".join(said)), "disease")
    assert label.id not in ids(read(title, " ".join(denied)), "disease")


@pytest.mark.parametrize(
    ("name", "words"),
    [("car-nk", "CAR-NK cells"), ("car-treg", "CAR-Tregs"), ("caar-t", "CAAR-T cells")],
)
def test_a_kind_of_cell_that_is_denied_is_no_topic(name: str, words: str) -> None:
    title = "CD19 CAR-T cells in lupus"

    assert name in ids(read(title, f"We made {words}. We gave {words}. {words} grew."), "modality")
    assert name not in ids(
        read(title, f"We made no {words}. We did not give {words}. There were no {words}."),
        "modality",
    )
