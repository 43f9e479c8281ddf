"""One thing in many spellings: signs, dashes, letters and blanks as authors set them."""

import pytest

from tests.unit.classifier.reading import ids, read


@pytest.mark.parametrize(
    "name",
    [
        "anti-CD19 CAR T cells", "CD19-directed CAR-T cells", "CD19.CAR-T cells", "CD19 CARTs",
        "anti\u2010CD19 CAR\u2011T cells", "anti\u2013CD19 CAR\u2013T cells",
        "CART19", "CAR\u2011T19 cells",
        "CD19-CAR T-cell therapy", "CD19\u00a0CAR\u00a0T cells", "CD\u00ad19 CAR T\u00ad cells",
        "CD19CAR T cells", "CAR-T cells against CD19\u207a cells", "\u03b1CD19 CAR-T cells",
        "\uff23\uff21\uff32-T cells against CD19",
        "CD-19 CAR-T cells", "anti\u2212CD19 CAR\u2212T cells",
    ],
)  # fmt: skip
def test_a_car_against_cd19_is_known_however_it_is_written(name: str) -> None:
    assert ids(read(f"{name} in lupus"), "modality") == {"cd19-car-t"}


@pytest.mark.parametrize(
    "name",
    [
        "CD19/BCMA CAR-T", "CD19-BCMA CAR-T", "CD19xCD20 CAR-T", "CD19\u00d7BCMA CAR T cells",
        "CD19 \u00d7 CD20 CAR-T cells", "BCMA-CD19 cCAR", "CD19\u2013BCMA CAR-T cells",
        "CD19+BCMA CAR-T", "BCMA/CD19 compound CAR T cells",
    ],
)  # fmt: skip
def test_two_targets_of_one_car_are_known_whatever_joins_them(name: str) -> None:
    assert ids(read(f"{name} in lupus"), "modality") == {"dual-car-t"}


@pytest.mark.parametrize(
    "name",
    [
        "\u03b3\u03b4 CAR-T cells", "gamma-delta CAR-T cells", "gamma/delta T cells with a CAR",
        "CAR-\u03b3\u03b4 T cells", "CAR \u03b3/\u03b4 T cells", "gamma delta CAR T cells",
        "\u03b3\u03b4T CAR cells",
    ],
)  # fmt: skip
def test_greek_letters_are_known_as_signs_and_as_words(name: str) -> None:
    assert "car-other-cell" in ids(read(f"{name} in lupus"), "modality")


@pytest.mark.parametrize("dash", "-\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d")
def test_every_dash_joins(dash: str) -> None:
    assert ids(read(f"CAR{dash}NK cells in lupus"), "modality") == {"car-nk"}
