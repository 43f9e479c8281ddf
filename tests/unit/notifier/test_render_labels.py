import json

from services.notifier.render.labels import lines
from tests.unit.notifier.digests import a_digest, a_full_digest, a_label, an_entry


def test_each_article_is_one_line_also_those_that_had_no_room() -> None:
    digest = a_digest(*(an_entry(n, a_label()) for n in range(1, 6)), max_items=2)

    told = list(lines(digest))

    assert [json.loads(line)["pmid"] for line in told] == [5, 4, 3, 2, 1]
    assert all("\n" not in line for line in told)


def test_a_line_has_the_labels_by_facet_with_confidence_and_the_words() -> None:
    told = json.loads(next(lines(a_full_digest())))

    assert (told["scope"], told["modality"]) == ("core", ["cd19-car-t"])
    assert (told["disease"], told["evidence"], told["target"]) == (["sle"], ["trial"], [])
    assert told["confidence"] == {
        "modality:cd19-car-t": 0.9,
        "disease:sle": 0.9,
        "evidence:trial": 0.9,
    }
    span = told["spans"][0]
    assert span["label"] == "modality:cd19-car-t"
    assert span["sentence"][span["start"] : span["end"]] == span["matched"] == "CD19 CAR-T"


def test_a_digest_without_articles_has_no_lines() -> None:
    assert list(lines(a_digest())) == []
