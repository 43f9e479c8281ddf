"""Filters: each rule by itself, and what must hold whatever is asked for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.match import is_wanted
from services.notifier.names import is_author, is_journal
from services.notifier.spelling import Text, phrase
from services.notifier.subscription import Filters
from shared.article import AbstractSection, Author, Journal
from shared.events import Classified
from tests.builders import a_classification, a_label, an_article, classified

SCHETT = Author(last_name="Schett", fore_name="Georg", initials="G", orcid="0000-0001-8740-9615")
LANCET = Journal(title="Lancet (London, England)", abbreviation="Lancet", issn="1474-547X")


def entry(scope: str = "core", relatedness: float = 0.4, **changes: Any) -> Classified:
    """Three labels, and what the article itself is to say."""
    facets = changes.pop("labels", {"modality": "caar-t", "disease": "mg", "target": "musk"})
    labels = tuple(a_label(facet=facet, id=name, name=name) for facet, name in facets.items())
    facts = {"authors": (SCHETT,), "journal": LANCET, **changes}
    return classified(
        article=an_article(**facts),
        relatedness=relatedness,
        classification=a_classification(scope=scope, labels=labels),
    ).data


def wanted(one: Classified, **filters: Any) -> bool:
    return is_wanted(one, Filters.model_validate(filters))


@pytest.mark.parametrize(("label", "passes"), [("musk", True), ("cd19", False)])
def test_a_target_is_asked_for_like_any_other_label(label: str, passes: bool) -> None:
    assert wanted(entry(), target={label}) is passes


@pytest.mark.parametrize("facet", ["modality", "disease", "target", "evidence"])
def test_an_unclear_article_without_a_label_of_the_facet_is_shown(facet: str) -> None:
    asked = {facet: {"car-nk" if facet == "modality" else "other"}}
    assert wanted(entry("unclear", labels={}), **asked)
    assert not wanted(entry("core", labels={}), **asked)


# What is looked for, and where; whether it is there.
WORDS = [
    ("CAR-T", "CD19 CAR T cells", True),
    ("car t", "CD19 CAR-T cells", True),
    ("CAR\u2010T", "CAR\u2011T", True),
    ("auto-immune", "An autoimmune disease", True),
    ("autoimmune", "An auto-immune disease", True),
    ("autoimmune", "autoimmunity", False),
    ("CAR", "scar tissue, cars and a carpet", False),
    ("lupus", "SLE/lupus.", True),
    ("anti-CD19", "(anti-CD19)", True),
    ("CD19", "anti-CD19-CAR", True),
    ("CD1", "CD19", False),
    ("CD4+", "CD4+ memory", True),
    ("Sjogren", "Sj\u00f6gren's disease", True),
    ("sj\u00d6gren's", "Sj\u00f6gren\u2019s disease", True),
    ("myasthenia gravis", "myasthenia\n gravis", True),
    ("T cells", "T celled, then T cells", True),
    ("\u03b2-cell", "\u0392 cell", True),
]


@pytest.mark.parametrize(("words", "text", "found"), WORDS)
def test_words_are_found_however_they_are_spelled_and_only_whole(
    words: str, text: str, found: bool
) -> None:
    assert Text.of((text,)).has(phrase(words)) is found


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "On pemphigus"},
        {"abstract": (AbstractSection(text="None."), AbstractSection(text="In pemphigus."))},
        {"keywords": ("B cells", "Pemphigus")},
    ],
)
def test_one_of_the_words_has_to_be_in_title_abstract_or_keywords(changes: dict[str, Any]) -> None:
    assert wanted(entry(**changes), words=("nothing of it", "pemphigus"))
    assert not wanted(entry(), words=("nothing of it", "pemphigus"))


def test_a_phrase_does_not_reach_from_one_part_into_the_next() -> None:
    split = entry(title="Pemphigus", abstract=(AbstractSection(text="vulgaris"),))
    assert not wanted(split, words=("pemphigus vulgaris",))


@pytest.mark.parametrize(
    "name", ["Lancet", "lancet (London, England)", "The Lancet", "LANCET.", "1474-547X"]
)
def test_a_journal_is_known_by_title_abbreviation_and_issn(name: str) -> None:
    assert is_journal(LANCET, name)
    assert not is_journal(Journal(title="Lancet Neurology", abbreviation="Lancet Neurol"), name)
    assert not is_journal(Journal(), name)


FOLLOWED = [
    "Schett G", "schett g", "Georg Schett", "Schett, Georg", "Schett, G.", "G. Schett", "Schett",
    "0000-0001-8740-9615", "https://orcid.org/0000-0001-8740-9615",
]  # fmt: skip


@pytest.mark.parametrize("name", FOLLOWED)
def test_an_author_is_known_by_each_usual_way_of_writing(name: str) -> None:
    assert is_author(SCHETT, name)
    assert is_author(SCHETT, name, strictly=True) is (name != "Schett")
    assert not is_author(Author(last_name="Schettler", fore_name="Georg", initials="G"), name)


# A printed author, what a reader follows or mutes, and whether each of the two holds.
ALIKE = [
    (Author(last_name="Schett", fore_name="Georg A", initials="GA"), "Schett G", True, False),
    (Author(last_name="Schett", fore_name="Georg A", initials="GA"), "Georg Schett", True, False),
    (Author(last_name="Schett", fore_name="G", initials="G"), "Georg Schett", True, False),
    (Author(last_name="Schett", fore_name="Gerda", initials="G"), "Georg Schett", False, False),
    (Author(last_name="Schett", fore_name="Karl", initials="K"), "Schett G", False, False),
    (Author(last_name="M\u00fcller", fore_name="Fabian", initials="F"), "Muller F", True, True),
    (Author(last_name="van der Meer", initials="JW"), "van der Meer JW", True, True),
    (Author(last_name="Smith-Jones", initials="A"), "A. Smith Jones", True, True),
    (Author(last_name="Li", fore_name="Wang", initials="W"), "Wang Li", True, True),
    (Author(collective_name="CARTIMMUNE Study Group"), "cartimmune study group", True, True),
    (Author(collective_name="CARTIMMUNE Study Group"), "Group", False, False),
    (Author(last_name="Doe", initials="J"), "0000-0001-8740-9615", False, False),
    (Author(), "Schett G", False, False),
]


@pytest.mark.parametrize(("author", "name", "followed", "muted"), ALIKE)
def test_who_is_followed_may_be_printed_longer_and_who_is_muted_may_not(
    author: Author, name: str, followed: bool, muted: bool
) -> None:
    assert is_author(author, name) is followed
    assert is_author(author, name, strictly=True) is muted


FOLLOWS = [{"journals": ("Lancet",)}, {"authors": ("Georg Schett",)}]
STRICT: dict[str, Any] = {
    "modality": {"car-nk"}, "words": ("nothing",), "min_relatedness": 1, "scope": {"core"},
}  # fmt: skip


@pytest.mark.parametrize("follows", FOLLOWS)
@pytest.mark.parametrize("scope", ["core", "adjacent", "unclear"])
def test_what_is_followed_comes_whatever_else_is_asked_for(
    follows: dict[str, Any], scope: str
) -> None:
    assert wanted(entry(scope), **STRICT, **follows)
    assert not wanted(entry(scope, authors=(), journal=Journal()), **STRICT, **follows)


@pytest.mark.parametrize("follows", FOLLOWS)
@pytest.mark.parametrize("scope", ["oncology", "none"])
def test_of_who_is_followed_cancer_comes_only_where_it_is_asked_for(
    follows: dict[str, Any], scope: str
) -> None:
    assert not wanted(entry(scope), **follows)
    assert wanted(entry(scope), scope={scope}, **follows)


@pytest.mark.parametrize("muted", [{"muted_journals": ("lancet",)}, {"muted_authors": FOLLOWED}])
def test_what_is_muted_never_comes(muted: dict[str, Any]) -> None:
    assert not wanted(entry(), **muted)
    assert not wanted(entry(), journals=("Lancet",), authors=("Schett G",), **muted)
    assert wanted(entry(authors=(), journal=Journal(title="Other")), **muted)


def test_to_follow_somebody_restricts_nothing_else() -> None:
    assert wanted(entry(authors=(), journal=Journal()), authors=("Schett G",))


names = st.sampled_from(["Lancet", "Schett G", "Nature medicine", "Doe J"])
filters = st.builds(
    Filters,
    modality=st.sets(st.sampled_from(["caar-t", "car-nk"]), max_size=2),
    disease=st.sets(st.sampled_from(["mg", "sle"]), max_size=2),
    scope=st.sets(st.sampled_from(["core", "adjacent", "oncology", "none", "unclear"]), min_size=1),
    words=st.lists(st.sampled_from(["CAR-T", "lupus", "nothing"]), max_size=2).map(tuple),
    min_relatedness=st.sampled_from([0.0, 0.4, 0.5]),
    journals=st.lists(names, max_size=1).map(tuple),
    authors=st.lists(names, max_size=1).map(tuple),
    muted_journals=st.lists(names, max_size=1).map(tuple),
    muted_authors=st.lists(names, max_size=1).map(tuple),
)
entries = st.builds(
    entry,
    scope=st.sampled_from(["core", "adjacent", "oncology", "none", "unclear"]),
    relatedness=st.sampled_from([0.3, 0.4, 0.9]),
    labels=st.sampled_from([{}, {"modality": "caar-t"}, {"modality": "car-nk", "disease": "mg"}]),
    authors=st.sampled_from([(), (SCHETT,)]),
    journal=st.sampled_from([Journal(), LANCET]),
)


@given(one=entries, asked=filters)
def test_to_follow_more_never_loses_a_paper_and_to_mute_more_never_brings_one(
    one: Classified, asked: Filters
) -> None:
    before = is_wanted(one, asked)
    more = asked.model_copy(update={"journals": (*asked.journals, "Lancet")})
    fewer = asked.model_copy(update={"muted_authors": (*asked.muted_authors, "Georg Schett")})
    assert is_wanted(one, more) >= before
    assert is_wanted(one, fewer) <= before


@given(one=entries, asked=filters)
def test_cancer_never_comes_to_who_did_not_ask(one: Classified, asked: Filters) -> None:
    scope = one.classification.scope
    if scope in {"oncology", "none"} and scope not in asked.scope:
        assert not is_wanted(one, asked)


@given(one=entries, asked=filters)
def test_to_ask_for_one_label_more_never_loses_a_paper(one: Classified, asked: Filters) -> None:
    if asked.modality:
        more = asked.model_copy(update={"modality": asked.modality | {"caar-t"}})
        assert is_wanted(one, more) >= is_wanted(one, asked)


@given(words=st.text(min_size=1, max_size=12), text=st.text(max_size=60))
def test_any_text_is_searched_and_a_phrase_is_found_in_itself(words: str, text: str) -> None:
    assert Text.of((text,)).has(phrase(words)) in {True, False}
    if phrase(words).apart:
        assert Text.of((text, words)).has(phrase(words))


@given(name=st.text(max_size=30), last=st.text(max_size=12), initials=st.text(max_size=4))
def test_any_name_is_compared_and_to_be_muted_is_to_be_followed_too(
    name: str, last: str, initials: str
) -> None:
    author = Author(last_name=last, initials=initials)
    assert is_author(author, name) >= is_author(author, name, strictly=True)
    assert is_journal(Journal(title=last), name) in {True, False}
