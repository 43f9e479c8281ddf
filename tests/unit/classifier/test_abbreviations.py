import pytest

from services.classifier.abbreviations import definitions
from tests.unit.classifier.reading import ids, read


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("the constitutive androstane receptor (CAR)", "CAR", "constitutive androstane receptor"),
        ("a CRP to albumin ratio (CAR)", "CAR", "CRP to albumin ratio"),
        ("coxsackie and adenovirus receptor (CAR)", "CAR", "coxsackie and adenovirus receptor"),
        ("CAR (chimeric antigen receptor) cells", "CAR", "chimeric antigen receptor"),
        ("lupus nephritis (LN; class III)", "LN", "lupus nephritis"),
    ],
)  # fmt: skip
def test_definitions_are_found_as_schwartz_and_hearst_do(text: str, short: str, long: str) -> None:
    assert definitions(text)[short] == long


@pytest.mark.parametrize("text", ["as shown (Fig. 2)", "cells (n = 5)", "(CAR)", "no bracket"])
def test_a_bracket_that_defines_nothing_gives_nothing(text: str) -> None:
    assert definitions(text) == {}


@pytest.mark.parametrize(
    "sense",
    [
        "constitutive androstane receptor",
        "coxsackievirus and adenovirus receptor",
        "C-reactive protein to albumin ratio",
        "conditional autoregressive",
    ],
)
def test_another_meaning_of_car_is_no_chimeric_receptor(sense: str) -> None:
    found = read(f"The {sense} (CAR) in disease", "CAR was measured. CAR rose in T cells.")

    assert found.scope == "none"
    assert ids(found, "modality") == set()


def test_a_short_form_defined_as_something_else_names_no_disease() -> None:
    found = read(
        "Proteins of immune cells",
        "We used mass spectrometry (MS). MS found 40 proteins. MS was run twice.",
        "A dose of 5 milligram (MG) was given. MG is small. MG is used. MG is a unit.",
    )

    assert not ids(found, "disease") & {"ms", "mg"}


def test_a_short_form_counts_where_its_definition_names_the_disease() -> None:
    found = read("A trial in multiple sclerosis (MS)", "MS was active. MS improved.")

    assert "ms" in ids(found, "disease")
