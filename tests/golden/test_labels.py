"""A label of a demo article that changes is seen, with its reason, before a reader sees it."""

from dataclasses import replace

import pytest

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import Taxonomy, load_taxonomy
from services.console.demo_articles import demo_articles
from shared.events import Evidence
from tests.builders import a_classification, a_label
from tests.golden.differences import differences
from tests.golden.kept import KEPT, Kept, from_text, kept, label_all, to_text

CD19 = Kept("CD19 CAR-T cells", {"modality.cd19-car-t": "'CD19' in the title"})
DUAL = "'CD19/BCMA' in the title"


def test_the_demo_articles_have_the_labels_that_are_kept() -> None:
    before = from_text(KEPT.read_text(encoding="utf-8"))

    changes = differences(before, label_all(demo_articles(), load_taxonomy(TAXONOMY)))

    if changes:
        advice = "if each of these is meant: make golden, and commit it with the rule"
        pytest.fail("\n".join(["labels have changed", *changes, "", advice]), pytrace=False)


def test_the_file_is_as_it_is_written() -> None:
    text = KEPT.read_text(encoding="utf-8")

    assert to_text(from_text(text)) == text


def test_a_label_that_loses_its_words_is_told_for_each_article_that_had_it() -> None:
    articles = demo_articles()
    before = label_all(articles, load_taxonomy(TAXONOMY))

    told = differences(before, label_all(articles, _without_words("pemphigus")))

    had = [pmid for pmid, one in before.items() if "disease.pemphigus" in one.grounds]
    assert len(had) > 2
    assert sum(line.startswith("  disease: - pemphigus  was by ") for line in told) == len(had)


def _without_words(name: str) -> Taxonomy:
    whole = load_taxonomy(TAXONOMY)
    silent = {"strong": (), "patterns": (), "weak": (), "mesh": ()}
    labels = [one.model_copy(update=silent) if one.id == name else one for one in whole.labels]
    return whole.model_copy(update={"labels": tuple(labels)})


def test_a_label_that_went_and_one_that_came_are_told_with_their_words() -> None:
    after = replace(CD19, grounds={"modality.dual-car-t": DUAL})

    assert differences({1: CD19}, {1: after}) == [
        "1 CD19 CAR-T cells",
        "  modality: - cd19-car-t  was by 'CD19' in the title",
        "  modality: + dual-car-t  because 'CD19/BCMA' in the title",
    ]


def test_a_label_that_stays_for_another_reason_is_told() -> None:
    after = replace(CD19, grounds={"modality.cd19-car-t": "'19BBz' in MeSH (unsure)"})

    assert differences({1: CD19}, {1: after}) == [
        "1 CD19 CAR-T cells",
        "  modality: cd19-car-t by '19BBz' in MeSH (unsure), was by 'CD19' in the title",
    ]


def test_articles_and_trials_that_come_and_go_are_told() -> None:
    named = Kept("A trial", trials=("NCT00000001",))

    assert differences({1: CD19, 2: Kept("A trial")}, {2: named, 3: CD19}) == [
        "1 CD19 CAR-T cells",
        "  is no longer in the catalogue",
        "2 A trial",
        "  trials: -   + NCT00000001",
        "3 CD19 CAR-T cells",
        "  is new in the catalogue",
        "  modality: + cd19-car-t  because 'CD19' in the title",
    ]


def test_a_title_that_was_reworded_is_told() -> None:
    told = differences({1: CD19}, {1: replace(CD19, title="CAR-T cells")})

    assert told == ["1 CAR-T cells", "  title was: CD19 CAR-T cells"]


def test_nothing_is_told_where_nothing_changed() -> None:
    assert differences({1: CD19}, {1: CD19}) == []


@pytest.mark.parametrize(("confidence", "said"), [(0.99, ""), (0.65, ""), (0.6, " (unsure)")])
def test_of_confidences_only_those_far_from_sure_are_kept(confidence: float, said: str) -> None:
    one = kept("T", a_classification(labels=(a_label(confidence=confidence),)))

    assert one.grounds["modality.cd19-car-t"] == f"'CD19 CAR-T cel' in the abstract{said}"


def test_a_whole_title_as_reason_is_kept_by_its_beginning_and_an_assumption_is_marked() -> None:
    title = "A title that has rather many words and goes on and on until it has no end"
    evidence = Evidence(
        place="title", sentence=title, start=0, end=len(title), matched=title, rule="a assumed: it"
    )

    one = kept(title, a_classification(labels=(a_label(evidence=(evidence,)),)))

    words = "A title that has rather many words and goes on and on until ..."
    assert one.grounds["modality.cd19-car-t"] == f"assumed from '{words}' in the title"
