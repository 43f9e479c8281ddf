from collections.abc import Sequence

import pytest

from services.notifier.archive.remark import LONGEST, About, Key, Said, Unclear, labels_of, read
from tests.builders import NOON, a_classification, a_label, classified

ABOUT = About(
    "t", 1, "s1", frozenset({("modality", "caar-t"), ("disease", "sle"), ("scope", "core")})
)
KNOWN: Sequence[Key] = [
    ("modality", "caar-t"), ("modality", "car-nk"), ("disease", "sle"), ("disease", "mg"),
    ("scope", "oncology"), ("scope", "none"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "wanted", "kept"),
    [
        ("modality:caar-t", "", ("wrong-label", "modality", "caar-t", None)),
        ("modality:caar-t", "modality:car-nk", ("wrong-label", "modality", "caar-t", "car-nk")),
        ("missing", "disease:mg", ("wrong-label", "disease", None, "mg")),
        ("not-relevant", "", ("not-relevant", None, None, None)),
        ("not-relevant", "scope:oncology", ("not-relevant", "scope", None, "oncology")),
        ("scope:core", "scope:none", ("wrong-label", "scope", "core", "none")),
    ],
)
def test_what_is_said_is_read(what: str, wanted: str, kept: tuple[str | None, ...]) -> None:
    found = read(Said(what, wanted), ABOUT, KNOWN, NOON)

    assert (found.kind, found.facet, found.label, found.wanted) == kept


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("", ""), ("missing", ""), ("missing", "disease:sle"), ("modality:car-nk", ""),
        ("modality:caar-t", "disease:mg"), ("modality:caar-t", "modality:caar-t"),
        ("modality:caar-t", "modality:made-up"), ("not-relevant", "disease:mg"), ("x", "y"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_asked_again(what: str, wanted: str) -> None:
    with pytest.raises(Unclear):
        read(Said(what, wanted), ABOUT, KNOWN, NOON)


def test_the_same_thing_said_again_is_the_same_remark() -> None:
    def identity(what: str, wanted: str, remark: str = "") -> str:
        return read(Said(what, wanted, remark), ABOUT, KNOWN, NOON).id

    first = identity("modality:caar-t", "modality:car-nk")

    assert identity("modality:caar-t", "", "in other words") == first
    assert identity("disease:sle", "") != first
    assert identity("missing", "modality:car-nk") != first
    assert identity("missing", "disease:mg") != identity("missing", "modality:car-nk")
    assert identity("not-relevant", "") == identity("not-relevant", "scope:none")


def test_own_words_have_an_end_and_no_control_characters() -> None:
    found = read(Said("not-relevant", "", "a\x00b\n" + "c" * 5000), ABOUT, KNOWN, NOON)

    assert found.remark.startswith("a b c")
    assert len(found.remark) <= LONGEST


def test_what_can_be_wrong_are_the_labels_and_the_scope_once() -> None:
    labels = (a_label(), a_label(facet="scope", id="core", name="Core"))
    entry = classified(classification=a_classification(labels=labels)).data

    assert labels_of(entry) == {("modality", "cd19-car-t"), ("scope", "core")}
