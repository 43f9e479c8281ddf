import pytest

from services.classifier.scoring import to_label
from tests.unit.classifier.reading import SHIPPED


def test_what_makes_an_article_one_about_receptors_is_no_label_of_the_answer() -> None:
    with pytest.raises(ValueError, match="receptor"):
        to_label(SHIPPED.by_key["receptor:car"], (), 0.9)


@pytest.mark.parametrize(("given", "kept"), [(1.7, 0.99), (-1.0, 0.01), (0.12345, 0.123)])
def test_a_confidence_is_never_certain_and_never_nothing(given: float, kept: float) -> None:
    assert to_label(SHIPPED.by_key["disease:sle"], (), given)["confidence"] == kept
