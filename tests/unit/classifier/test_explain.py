import pytest

from services.classifier.explain import Explanation, Objection, explain
from shared.article import AbstractSection
from tests.builders import an_article
from tests.unit.classifier.reading import SHIPPED


def _explained(title: str, text: str) -> Explanation:
    abstract = (AbstractSection(text=text),)
    article = an_article(title=title, abstract=abstract, publication_types=(), mesh=(), keywords=())
    return explain(article, SHIPPED)


def _against(found: Explanation, facet: str, name: str) -> list[tuple[str, str]]:
    every: list[tuple[str, str, tuple[Objection, ...]]] = [
        (one.label.facet, one.label.id, one.against) for one in found.labels
    ]
    every += [(one.facet, one.id, one.against) for one in found.refused]
    chosen = [against for f, n, against in every if (f, n) == (facet, name)]
    return [(o.why, o.evidence.matched) for against in chosen for o in against]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Unlike CAR-NK cells, these persist.", "comparison"),
        ("No CAR-NK cells were given.", "negation"),
        ("CAR-NK cells have revolutionised cancer care.", "background"),
        ("They may one day lead to CAR-NK cells.", "future"),
    ],
)
def test_a_label_that_is_only_argued_against_is_refused_with_the_reason(
    text: str, why: str
) -> None:
    found = _explained("CD19 CAR-T cells in lupus", f"Patients got CD19 CAR-T cells. {text}")

    assert _against(found, "modality", "car-nk") == [(why, "CAR-NK")]
    assert "car-nk" in {one.id for one in found.refused}


def test_a_given_label_shows_what_argued_against_it() -> None:
    found = _explained("CD19 CAR-T cells in lupus", "No lupus flare was seen. Lupus remitted.")

    assert _against(found, "disease", "sle") == [("negation", "lupus")]
    assert "sle" not in {one.id for one in found.refused}


def test_a_target_that_is_compared_with_argues_against_its_kind_of_car() -> None:
    found = _explained("CD19 CAR-T cells in lupus", "They act unlike BCMA, which is elsewhere.")

    assert _against(found, "modality", "bcma-car-t") == [("comparison", "BCMA")]


def test_the_answer_is_the_classification_itself() -> None:
    found = _explained("CD19 CAR-T cells in lupus", "All went well.")

    assert [one.label for one in found.labels] == list(found.classification.labels)
    assert all(not one.against for one in found.labels)
    assert found.refused == ()


def test_words_of_an_objection_are_cut_from_its_sentence() -> None:
    found = _explained("CD19 CAR-T cells in lupus", "Unlike CAR-NK cells, these persist.")

    assert found.refused
    for one in found.refused:
        for objection in one.against:
            evidence = objection.evidence
            assert evidence.sentence[evidence.start : evidence.end] == evidence.matched
