"""Article lines in, answer lines out: every span can be cut from the line that was given."""

import io
import json
from typing import Any

import pytest

from services.classifier.answers import answer
from services.classifier.classify import classify
from services.classifier.lines import Unreadable, read_line
from services.console.line_answers import answer_lines
from tests.builders import an_article
from tests.unit.classifier.reading import SHIPPED

TITLE = "CD19 CAR-T cells in refractory lupus"
ABSTRACT = (
    "Lupus may resist treatment. Four patients received CD19 CAR-T cells. "
    "All of them were well after a year. The trial is registered as NCT01234567."
)


def answered(line: dict[str, Any]) -> dict[str, Any]:
    read = read_line(json.dumps(line))
    return answer(read, classify(read.article, SHIPPED))


def spans(answer: dict[str, Any], place: str) -> list[dict[str, Any]]:
    found = [span for group in answer["spans"].values() for span in group]
    return [span for span in found if span["place"] == place]


def test_a_line_is_answered_with_its_labels_confidences_and_trials() -> None:
    found = answered({"id": "a1", "title": TITLE, "abstract": ABSTRACT, "unknown": 1})

    assert (found["id"], found["scope"]) == ("a1", "core")
    assert found["modality"] == ["cd19-car-t"]
    assert found["disease"] == ["sle"]
    assert found["targets"] == ["cd19"]
    assert found["trials"] == ["NCT01234567"]
    assert set(found["confidence"]) == set(found["spans"])
    assert 0 < found["confidence"]["modality:cd19-car-t"] < 1


def test_spans_are_cut_from_title_and_abstract_as_they_were_given() -> None:
    found = answered({"id": "a1", "title": TITLE, "abstract": ABSTRACT})

    assert spans(found, "abstract")
    for span in spans(found, "abstract"):
        assert span["section"] is None
        assert ABSTRACT[span["start"] : span["end"]] == span["text"]
    for span in spans(found, "title"):
        assert TITLE[span["start"] : span["end"]] == span["text"]


def test_spans_of_a_list_of_sections_name_the_section() -> None:
    sections = ["They had lupus. It resisted treatment.", "They received CD19 CAR-T cells."]

    found = answered({"id": "a1", "title": "CD19 CAR-T cells in lupus", "abstract": sections})

    assert {span["section"] for span in spans(found, "abstract")} == {0, 1}
    for span in spans(found, "abstract"):
        assert sections[span["section"]][span["start"] : span["end"]] == span["text"]


def test_a_publication_type_that_carries_a_label_is_found_in_the_list() -> None:
    types = ["Journal Article", "Case Reports"]

    found = answered({"id": "a1", "title": TITLE, "pub_types": types})

    span = spans(found, "publication-type")[0]
    assert types[span["section"]][span["start"] : span["end"]] == span["text"]


def test_modality_is_empty_where_the_scope_is_none() -> None:
    found = answered({"id": "a1", "title": "Rituximab in refractory lupus"})

    assert (found["scope"], found["modality"]) == ("none", [])


def test_our_own_article_and_an_event_that_carries_it_are_answered_alike() -> None:
    article = an_article(title=TITLE).model_dump(mode="json")

    own = answered(article)
    event = answered({"id": "e1", "specversion": "1.0", "data": {"article": article}})

    assert own["id"] == own["pmid"] == article["pmid"]
    assert event["id"] == "e1"
    assert {**event, "id": 0} == {**own, "id": 0}


def test_a_line_without_pmid_or_abstract_is_an_article() -> None:
    found = answered({"id": "a1", "pmid": None, "title": TITLE, "abstract": None, "journal": None})

    assert (found["pmid"], found["scope"]) == (None, "core")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'"a title"', "not a JSON object"),
        (b'{"id": "a1"}', "no title and no abstract"),
        (b'{"id": "a1", "title": 7}', "title"),
        (b'{"id": "a1", "title": "t", "abstract": [[]]}', "abstract"),
        (b'{"id": "a1", "title": "t", "mesh": 4}', "not iterable"),
        (b'{"id": "a1", "data": {"article": {"title": 1}}}', "title"),
    ],
)
def test_a_line_that_is_no_article_is_refused_with_the_reason(line: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read_line(line)


def test_a_bad_line_is_answered_with_an_error_and_the_rest_goes_on() -> None:
    out = io.BytesIO()
    lines = [b'{"id": "\\ud800"}\n', b"\n", json.dumps({"id": "a2", "title": TITLE}).encode()]

    bad = answer_lines(lines, out, SHIPPED)

    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert bad == 1
    assert (first["line"], first["id"]) == (1, "?")
    assert "no title" in first["error"]
    assert (second["id"], second["scope"]) == ("a2", "core")
