"""What of two classifications a reader could tell apart."""

import pytest

from services.console.diff.compare import Failed, compare, is_same, sureness
from shared.events import Classification
from tests.builders import a_classification, a_discovery, a_label, an_article

OLD = a_classification()
LUPUS = a_label(facet="disease", id="sle", name="Lupus")


def regards(new: Classification, old: Classification = OLD) -> tuple[str, ...]:
    found = compare(a_discovery(), "e1", old, new)
    return found.regards if found else ()


def test_the_same_is_no_difference_whatever_versions_said_it() -> None:
    assert regards(a_classification(taxonomy_version="2", classifier_version="3")) == ()


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (a_classification(scope="adjacent"), ("scope",)),
        (a_classification(labels=(a_label(), LUPUS)), ("labels",)),
        (a_classification(labels=()), ("labels", "ranking")),
        (a_classification(labels=(a_label(name="CD19"),)), ("names",)),
        (a_classification(labels=(a_label(confidence=0.79),)), ("confidence",)),
        (a_classification(labels=(a_label(id="caar-t", name="CAAR-T"),)), ("labels", "ranking")),
        (a_classification(scope="unclear"), ("scope", "ranking")),
        (a_classification(trials=("NCT00000001",)), ("trials",)),
    ],
)
def test_what_a_reader_could_see_is_a_difference(
    new: Classification, told: tuple[str, ...]
) -> None:
    assert regards(new) == told
    assert regards(OLD, new) == told


def test_a_little_more_or_less_sure_or_by_other_words_is_none() -> None:
    for label in (a_label(confidence=0.99), a_label(evidence=())):
        new = a_classification(labels=(label,))
        assert regards(new) == ()
        assert not is_same(OLD, new)
    assert is_same(OLD, a_classification(taxonomy_version="2"))


@pytest.mark.parametrize(
    ("confidence", "called"),
    [(0.0, "unsure"), (0.499, "unsure"), (0.5, "likely"), (0.8, "sure"), (1.0, "sure")],
)
def test_how_sure_a_label_is_has_three_classes(confidence: float, called: str) -> None:
    assert sureness(confidence) == called


def test_both_sentences_are_told_with_their_words() -> None:
    found = compare(a_discovery(), "e1", OLD, a_classification(labels=()))

    assert found is not None
    (gone,) = found.labels
    assert (gone.kind, gone.after) == ("removed", None)
    assert gone.before is not None
    assert gone.before.evidence is not None
    assert gone.before.evidence.pieces()[0] == ("CD19 CAR-T cel", True)
    assert found.before is not None
    assert found.before.section == ("cd19-car-t", "CD19 CAR-T")
    assert found.after.section == ("no-modality", "No modality named")


def test_a_notice_stays_among_the_notices_whatever_its_labels() -> None:
    notice = a_discovery(article=an_article(publication_types=("Published Erratum",)))

    found = compare(notice, "e1", OLD, a_classification(labels=()))

    assert found is not None
    assert found.regards == ("labels",)


def test_an_article_without_a_record_is_a_difference_of_its_own() -> None:
    found = compare(a_discovery(), "e1", None, OLD)

    assert found is not None
    assert (found.regards, found.before) == (("unclassified",), None)
    assert found.after.scope == "core"


def test_so_is_one_that_a_side_could_not_classify() -> None:
    for sides in ((OLD, Failed("no")), (Failed("no"), OLD), (Failed("no"), Failed("no"))):
        found = compare(a_discovery(), "e1", *sides)
        assert found is not None
        assert found.regards == ("failed",)
