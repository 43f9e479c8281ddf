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
        ("coxsackievirus-adenovirus receptor (CAR)", "CAR", "coxsackievirus-adenovirus receptor"),
        ("a C-reactive protein/albumin ratio [CAR]", "CAR", "C-reactive protein/albumin ratio"),
        ("a conditional autoregressive (CAR) prior", "CAR", "conditional autoregressive"),
        ("lupus nephritis (LN; class III)", "LN", "lupus nephritis"),
        ("lupus nephritis (LN [class III])", "LN", "lupus nephritis"),
        ("lupus nephritis (LN or class III)", "LN", "lupus nephritis"),
        ("chimeric antigen receptors (CARs)", "CARs", "chimeric antigen receptors"),
        ("systemic sclerosis (SSc)", "SSc", "systemic sclerosis"),
        ("CAR (conditional autoregressive, MCMC)", "CAR", "conditional autoregressive"),
        ("CAR = conditional autoregressive model", "CAR", "conditional autoregressive model"),
        ("Abbreviations: RA, right atrium; MG, milligram.", "MG", "milligram"),
    ],
)  # fmt: skip
def test_definitions_are_found_as_schwartz_and_hearst_do(text: str, short: str, long: str) -> None:
    assert definitions(text)[short] == [long]


@pytest.mark.parametrize(
    "text",
    [
        "as shown (Fig. 2)", "cells (n = 5)", "(CAR)", "no bracket", "a drug (MS)",
        "Abbreviations: none.", "CAR (a vehicle)", "((((", "CAR (", "5 = five",
    ],
)  # fmt: skip
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


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The right atrium (RA) was dilated. RA volume and RA strain were measured.", "ra"),
        ("All-trans retinoic acid (RA) was given. RA and RA receptors were seen.", "ra"),
        ("Samples were read by MS (mass spectrometry). MS was quick. MS was cheap.", "ms"),
        ("Steady state current (SSc) was low. SSc rose. SSc fell again.", "ssc"),
        ("A milligram [MG] is small. MG by MG it was given. MG is a unit.", "mg"),
    ],
)  # fmt: skip
def test_a_short_form_means_what_the_article_says(text: str, name: str) -> None:
    assert name not in ids(read("A study of many things", text), "disease")


def test_a_definition_in_the_title_holds_in_the_abstract() -> None:
    found = read("Mass spectrometry (MS) of cells", "MS was used. MS was run. MS was quick.")

    assert "ms" not in ids(found, "disease")


def test_the_plural_of_a_short_form_means_the_same() -> None:
    found = read(
        "The constitutive androstane receptor (CAR)", "CARs of mice bind. CARs of men too."
    )

    assert found.scope == "none"


def test_what_is_defined_twice_may_mean_both() -> None:
    found = read(
        "Inflammation and chimeric antigen receptor (CAR) T cells",
        "The CRP to albumin ratio (CAR) was high after CAR-T cells. CAR-T cells worked.",
    )

    assert "car-t-general" in ids(found, "modality")


def test_a_long_form_in_the_words_of_the_labels_definition_names_the_label() -> None:
    found = read("CAR-T cells against prostate-specific membrane antigen (PSMA)")

    assert "psma" in ids(found, "target")


def test_a_short_form_counts_where_its_definition_names_the_disease() -> None:
    found = read("A trial in multiple sclerosis (MS)", "MS was active. MS improved.")

    assert "ms" in ids(found, "disease")
