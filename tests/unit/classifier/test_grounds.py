"""The words that are shown for a label are the words that it names, and say by which rule."""

from functools import cache

import pytest
from hypothesis import given

from services.classifier.classify import classify
from services.classifier.entries import CueRule
from services.classifier.finder import Finder
from services.classifier.grounds import SILENT
from services.classifier.tokens import words
from services.console.demo_articles import demo_articles
from shared.article import Article, MeshHeading
from shared.events import Evidence, Label
from tests.unit.classifier.any_article import ARTICLES
from tests.unit.classifier.reading import SHIPPED, label, read
from tests.unit.classifier.test_properties import whatever

CUES: dict[str, tuple[str, ...]] = {cue.kind: cue.patterns for cue in SHIPPED.cues}


@cache
def finder_of(*phrases: str) -> Finder:
    return Finder([CueRule(phrase, "support") for phrase in phrases])


def finds(phrases: tuple[str, ...], text: str) -> bool:
    _, found = finder_of(*phrases).find(words(text))
    return bool(found)


def names(evidence: Evidence, given_for: Label) -> bool:
    """Whether the words shown are words that the rule shown looks for."""
    key, _, phrase = evidence.rule.partition(" ")
    if phrase.startswith("assumed: "):
        return phrase.removeprefix("assumed: ") == SILENT[given_for.facet]
    if phrase.startswith("cue "):
        return finds(CUES[phrase.removeprefix("cue ")], evidence.matched)
    carrier = SHIPPED.by_key[key]
    headings = {name.casefold() for name in (*carrier.mesh, *carrier.publication_types)}
    if phrase.casefold() in headings and evidence.matched in phrase:
        return True
    known = {*carrier.strong, *carrier.patterns, *carrier.weak, *carrier.cells}
    return phrase in known and finds((phrase,), evidence.matched)


def unnamed(article: Article) -> list[tuple[str, str, str]]:
    """Label, rule and words of every evidence that does not name what it is shown for."""
    found = classify(article, SHIPPED)
    return [
        (one.id, evidence.rule, evidence.matched)
        for one in found.labels
        for evidence in one.evidence
        if not names(evidence, one)
    ]


@whatever
@given(ARTICLES)
def test_the_words_of_every_label_are_found_by_the_rule_that_is_named(article: Article) -> None:
    assert unnamed(article) == []


def test_the_words_of_the_demos_labels_are_found_by_the_rules_that_are_named() -> None:
    assert [unnamed(article) for article in demo_articles() if unnamed(article)] == []


def shown(one: Label) -> tuple[str, str]:
    """The words that carry a label most, and its rule without the label's own name."""
    return one.evidence[0].matched, one.evidence[0].rule.partition(" ")[2]


@pytest.mark.parametrize(
    ("title", "kind", "words"),
    [
        ("CD19-directed CAR-T cells in lupus", "cd19-car-t", "CD19-directed CAR-T cells"),
        ("CAR-T cells against BCMA in myasthenia", "bcma-car-t", "CAR-T cells against BCMA"),
        ("CD7/CD38 CAR-T cells in lupus", "dual-car-t", "CD7/CD38 CAR-T cells"),
        ("CAR-T cells against CD19 and BCMA", "dual-car-t", "CAR-T cells against CD19 and BCMA"),
    ],
)  # fmt: skip
def test_a_kind_of_car_is_shown_by_target_and_receptor_together(
    title: str, kind: str, words: str
) -> None:
    assert label(read(title), "modality", kind).evidence[0].matched == words


def test_a_disease_that_a_ruling_assumes_is_shown_by_the_receptor() -> None:
    found = label(read("CAR-T cells with a second signal"), "disease", "cancer")

    assert shown(found) == ("CAR-T cells", "assumed: a CAR and no disease is named")


def test_a_use_beyond_cancer_is_shown_by_the_words_that_say_so() -> None:
    found = label(read("CAR-T cells beyond oncology"), "disease", "other")

    assert shown(found) == ("beyond oncology", "cue beyond-cancer")


def test_a_kind_that_is_not_named_is_shown_by_the_receptor() -> None:
    found = label(read("Chimeric antigen receptors in lupus"), "modality", "car-t-general")

    assert shown(found) == ("Chimeric antigen receptors", "assumed: no kind of CAR is named")


def test_no_car_is_shown_by_the_other_meaning_where_that_is_named() -> None:
    found = label(read("The constitutive androstane receptor CAR in the liver"), "scope", "none")

    assert shown(found) == ("androstane", "cue other-sense")


def test_no_car_is_else_shown_by_the_whole_title() -> None:
    found = label(read("Belimumab for lupus in children"), "scope", "none")

    words, rule = shown(found)
    assert words == "Belimumab for lupus in children"
    assert rule == "assumed: no chimeric receptor is named"


def test_an_unclear_scope_is_shown_by_the_letters_that_leave_it_open() -> None:
    found = label(read("CAR in the clinic"), "scope", "unclear")

    assert shown(found) == ("CAR", "=CAR")


def test_a_kind_of_study_that_is_not_named_is_shown_by_its_patients_or_the_title() -> None:
    seen = read("CAR-T cells in lupus", "The patients went home.")
    made = read("CAR-T cells in lupus", "A new receptor is described.")

    assert shown(label(seen, "evidence", "observational")) == ("patients", "cue patients")
    words, rule = shown(label(made, "evidence", "preclinical"))
    assert words == "CAR-T cells in lupus"
    assert rule == "assumed: no kind of study is named"


def test_a_record_whose_title_has_no_words_is_labelled_by_its_first_sentence() -> None:
    found = read("", "It rained. It stopped.")

    assert label(found, "scope", "none").evidence[0].matched == "It rained"


def test_a_record_without_any_words_has_a_scope_and_no_labels() -> None:
    found = read("?", "...")

    assert found.scope == "unclear"
    assert found.labels == ()


def test_a_disease_that_comes_with_another_shows_the_words_of_that() -> None:
    found = read("CAR-T cells in lupus nephritis", mesh=(MeshHeading(name="Lupus Nephritis"),))

    assert {one.rule.partition(" ")[0] for one in label(found, "disease", "sle").evidence} <= {
        "disease:sle", "disease:lupus-nephritis",
    }  # fmt: skip
