import pytest

from tests.unit.classifier.reading import ids, label, read

MAIN = "CAR-Treg cells were infused. CAR-Treg cells persisted in lupus."


@pytest.mark.parametrize(
    "sentence",
    [
        "Unlike CAR-NK cells, they need no cytokine.",
        "They lived longer, in contrast to CAR-NK cells.",
        "No CAR-NK cells were used.",
        "We gave them without CAR-NK cells.",
        "In the future, CAR-NK cells warrant study.",
        "They were chosen rather than CAR-NK cells.",
        "They were given instead of CAR-NK cells.",
        "Contrary to CAR-NK cells, they persist.",
        "There was no evidence of CAR-NK cells.",
        "CAR-NK cells may one day be used.",
        "CAR-NK cells could eventually be used.",
        "CAR-NK cells might in time be an option.",
        "CAR-NK cells were not used.",
        "CAR-NK cells are not studied here.",
        "CAR-NK cells have transformed lymphoma care.",
    ],
)
def test_a_kind_that_is_only_contrasted_negated_or_promised_is_not_covered(sentence: str) -> None:
    found = read("Engineered cells for lupus", MAIN, f"{sentence} {sentence} They were well.")

    assert ids(found, "modality") == {"car-treg"}


@pytest.mark.parametrize(
    "sentence",
    [
        "CAR-NK cells were made; antibodies were not used.",
        "CAR-NK cells did not exhaust.",
        "CAR-NK cells worked, but antibodies may one day be used.",
        "CAR-NK cells warrant further study.",
    ],
)
def test_a_kind_is_covered_where_something_else_of_it_is_denied_or_promised(sentence: str) -> None:
    found = read("Engineered cells for lupus", MAIN, f"{sentence} {sentence} They were well.")

    assert ids(found, "modality") == {"car-treg", "car-nk"}


def test_a_kind_that_is_reported_on_is_covered() -> None:
    found = read(
        "Engineered cells for lupus", MAIN, "CAR-NK cells were made too. CAR-NK cells worked."
    )

    assert ids(found, "modality") == {"car-treg", "car-nk"}


def test_background_on_lymphoma_does_not_make_an_article_one_about_cancer() -> None:
    found = read(
        "CD19 CAR-T cells in lupus",
        "CAR-T cells have transformed the treatment of lymphoma. We treated patients with lupus.",
    )

    assert found.scope == "core"
    assert ids(found, "disease") == {"sle"}


def test_a_negated_mention_lowers_the_confidence_that_plain_ones_give() -> None:
    plain = read("CAR-T cells", "Patients had lupus. Lupus was severe. They had lupus nephritis.")
    negated = read("CAR-T cells", "Patients had lupus. Lupus was severe. They had no lupus.")

    assert label(negated, "disease", "sle").confidence < label(plain, "disease", "sle").confidence


def test_a_title_gives_more_confidence_than_one_sentence_and_two_more_than_one() -> None:
    def sure(title: str, *abstract: str) -> float:
        return label(read(title, *abstract), "disease", "ssc").confidence

    title_only = sure("Systemic sclerosis")
    two = sure("A disease", "It is systemic sclerosis. Systemic sclerosis is rare.")
    three = sure("A disease", "Systemic sclerosis. Systemic sclerosis. Systemic sclerosis.")

    assert two < three < title_only
