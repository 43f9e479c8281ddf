"""Whatever the text: an answer, and evidence that is really in the article."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.classifier.classify import classify
from shared.article import AbstractSection, Article, MeshHeading
from shared.events import Evidence
from tests.bench.hostile import TEXTS, hostile
from tests.unit.classifier.reading import SHIPPED

PIECES = st.sampled_from(
    [
        "CAR", "CAR-T cells", "anti-CD19", "CD19/BCMA", "CAR\u2011NK", "CAR-Treg", "(CAR)", "lupus",
        "systemic sclerosis", "γδ T cells", "unlike", "no", "targeting", "e.g.", "Fig. 2.", ". ",
        "\n", "in vivo", "mRNA", "Descartes-08", "lymphoma",
        "(", ")", "[", "\u0301", "\u0131", "\u00df", "\ufb01",
        "constitutive androstane receptor (CAR)", "a phase 1 trial", "mice", "?", "\u0130", "\x00",
    ]
)  # fmt: skip
TEXT = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=25).map(" ".join))
ARTICLES = st.builds(
    Article,
    pmid=st.just(1),
    title=TEXT,
    abstract=st.lists(st.builds(AbstractSection, text=TEXT), max_size=3).map(tuple),
    mesh=st.lists(st.builds(MeshHeading, name=TEXT), max_size=2).map(tuple),
    keywords=st.lists(TEXT, max_size=2).map(tuple),
    publication_types=st.lists(TEXT, max_size=2).map(tuple),
)


def place_of(evidence: Evidence, article: Article) -> str:
    """The text of the article that the evidence names."""
    if evidence.place == "title":
        return article.title
    assert evidence.section is not None
    texts = {
        "abstract": [section.text for section in article.abstract],
        "mesh": [heading.name for heading in article.mesh],
        "keyword": list(article.keywords),
        "publication-type": list(article.publication_types),
    }
    return texts[evidence.place][evidence.section]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ARTICLES)
def test_every_label_has_evidence_cut_from_the_article(article: Article) -> None:
    found = classify(article, SHIPPED)

    for label in found.labels:
        assert label.evidence
        assert 0 < label.confidence < 1
        for evidence in label.evidence:
            assert evidence.sentence in place_of(evidence, article)
            assert evidence.sentence[evidence.start : evidence.end] == evidence.matched != ""


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ARTICLES)
def test_modalities_are_given_exactly_where_a_receptor_is(article: Article) -> None:
    found = classify(article, SHIPPED)
    modalities = [label for label in found.labels if label.facet == "modality"]

    assert bool(modalities) == (found.scope in {"core", "adjacent", "oncology"})


@pytest.mark.parametrize("name", TEXTS)
def test_a_megabyte_made_to_be_slow_is_read_in_bounded_time(name: str) -> None:
    article = hostile(TEXTS[name])

    started = time.process_time()
    found = classify(article, SHIPPED)

    assert found.scope
    assert time.process_time() - started < 3  # seconds; tests.bench.classifying asks for one
