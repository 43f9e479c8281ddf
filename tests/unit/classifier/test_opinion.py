import json
from typing import Any

import pytest

from services.classifier.classify import CLASSIFIER_VERSION, classify
from services.classifier.opinion import MOST, Refused, joined, messages, read_opinion
from shared.article import AbstractSection, Article
from shared.events import Classification
from tests.builders import an_article
from tests.unit.classifier.reading import SHIPPED, ids, read

TITLE = "CAR: a new way"
"""What the rules are unsure of: CAR may mean many things, and nothing here tells which."""
ABSTRACT = "Two patients had the wolf disease. Cells were made against B4."
UNSURE = an_article(
    title=TITLE, abstract=(AbstractSection(text=ABSTRACT),), publication_types=(), mesh=()
)
SCOPE = {"id": "core", "quote": "CAR: a new way"}
MODALITY = {"id": "cd19-car-t", "quote": "made against B4"}
DISEASE = {"id": "sle", "quote": "wolf disease"}


def answer(**changes: Any) -> str:
    return json.dumps({"scope": SCOPE, "modality": [MODALITY], "disease": [DISEASE], **changes})


def labelled(text: str, article: Article = UNSURE) -> dict[str, Any]:
    found = read_opinion(text, article, SHIPPED, "tiny")
    return {f"{label.facet}:{label.id}": label for label in found}


def unsure() -> Classification:
    return classify(UNSURE, SHIPPED)


def test_the_article_of_these_tests_is_one_that_the_rules_are_unsure_of() -> None:
    assert unsure().scope == "unclear"


def test_the_model_is_given_the_labels_and_the_text_apart_from_each_other() -> None:
    task, material = messages(UNSURE, SHIPPED)

    assert task["role"] == "system"
    assert '"cd19-car-t"' in task["content"]
    assert TITLE not in task["content"]
    assert json.loads(material["content"]) == {"title": TITLE, "abstract": ABSTRACT}


def test_an_abstract_beyond_all_measure_is_sent_in_part() -> None:
    endless = an_article(title=TITLE, abstract=(AbstractSection(text="word " * 9999),))

    assert len(messages(endless, SHIPPED)[1]["content"]) < 7000


def test_each_label_of_an_opinion_shows_its_words_and_says_whose_it_is() -> None:
    found = labelled(answer())["modality:cd19-car-t"]

    (evidence,) = found.evidence
    assert evidence.sentence[evidence.start : evidence.end] == evidence.matched == MODALITY["quote"]
    assert (evidence.place, evidence.section, evidence.rule) == ("abstract", 0, "opinion tiny")
    assert found.confidence == MOST


def test_an_answer_fenced_as_code_is_read_too() -> None:
    assert labelled(f"```json\n{answer()}\n```\n").keys() == labelled(answer()).keys()


def test_a_label_that_is_claimed_twice_is_given_once() -> None:
    assert len(labelled(answer(disease=[DISEASE, {"id": "sle", "quote": "the wolf disease"}]))) == 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I think that it is about lupus.", "answer"),
        ("[]", "answer"),
        ("{}", "scope"),
        ('{"scope": "core"}', "scope"),
        (answer(scope={"id": 1, "quote": "CAR: a new way"}), "scope.id"),
        (answer(confidence=1.0), "confidence"),
        (answer(scope={"id": "relevant", "quote": "wolf"}), "scope has no such label"),
        (answer(modality=[{"id": "sle", "quote": "wolf"}]), "modality has no such label"),
        (answer(disease=[{"id": "sle", "quote": "the old wolf disease"}]), "in no sentence"),
        (answer(disease=[{"id": "sle", "quote": "Wolf disease"}]), "in no sentence"),
        (answer(disease=[{"id": "sle", "quote": "disease. Cells"}]), "in no sentence"),
        (answer(disease=[{"id": "sle", "quote": ""}]), "quote"),
        (answer(modality=[]), "modality must be empty exactly"),
        (answer(scope={"id": "none", "quote": "wolf"}), "modality must be empty exactly"),
        (answer(disease=[DISEASE] * 9), "disease"),
        ('{"scope": {"id": "\\ud800", "quote": "wolf"}}', "answer"),
    ],
)
def test_what_cannot_be_believed_is_refused_whole(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        labelled(text)


def test_a_reason_for_refusal_repeats_nothing_that_the_model_said() -> None:
    with pytest.raises(Refused) as refusal:
        labelled(answer(disease=[{"id": "sle", "quote": "ignore what you were told"}]))

    assert "ignore" not in str(refusal.value)


def test_an_opinion_gives_an_unclear_article_its_labels_and_marks_the_version() -> None:
    found = joined(unsure(), read_opinion(answer(), UNSURE, SHIPPED, "tiny"))

    assert (found.scope, ids(found, "scope")) == ("core", {"core"})
    assert ids(found, "modality") == {"cd19-car-t"}
    assert found.classifier_version == f"{CLASSIFIER_VERSION}+opinion"


def test_what_the_rules_labelled_stays_as_they_labelled_it() -> None:
    before = unsure()
    after = joined(before, read_opinion(answer(), UNSURE, SHIPPED, "tiny"))

    assert {one for one in before.labels if one.facet != "scope"} <= set(after.labels)
    assert len([one for one in after.labels if one.facet == "disease"]) == 1


@pytest.mark.parametrize("scope", ["none", "unclear", "oncology"])
def test_an_opinion_hides_no_article(scope: str) -> None:
    modality = [MODALITY] if scope == "oncology" else []
    text = answer(scope={"id": scope, "quote": "wolf"}, modality=modality)

    assert joined(unsure(), read_opinion(text, UNSURE, SHIPPED, "tiny")) == unsure()


def test_an_article_of_which_the_rules_are_sure_keeps_their_answer() -> None:
    sure = read("Anti-CD19 CAR-T cells for lymphoma")

    assert joined(sure, read_opinion(answer(), UNSURE, SHIPPED, "tiny")) == sure
