import pytest

from services.classifier.tokens import begins, normal, spans, words


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Sjögren", "Sjogren"),
        ("Sjo\u0308gren", "sjogren"),
        ("γδ", "gammadelta"),
        ("IFN\u03b1", "IFNalpha"),
        ("Tregs", "treg"),
        ("therapies", "therapy"),
        ("\u00b5", "mu"),
    ],
)
def test_spellings_of_a_word_meet_in_one_form(one: str, two: str) -> None:
    assert normal(one) == normal(two)


@pytest.mark.parametrize("word", ["lupus", "sclerosis", "pemphigus", "mass", "MS", "as"])
def test_a_word_that_only_ends_like_a_plural_keeps_its_end(word: str) -> None:
    assert normal(word) == word.lower()


def test_any_hyphen_parts_words_and_places_point_into_the_original() -> None:
    text = "CD19\u2011directed CAR\u2013T, anti\u2010CD20"
    found = words(text)

    assert found == ["CD19", "directed", "CAR", "T", "anti", "CD20"]
    assert [text[start:end] for start, end in spans(text)] == found


@pytest.mark.parametrize(
    "text", ["CAR-T cells\u00a0in SLE", "\u03b1CD19 x5", "Sjo\u0308gren's", "a\ud800b"]
)
def test_words_are_the_same_whatever_signs_stand_beside_them(text: str) -> None:
    assert words(text) == [text[start:end] for start, end in spans(text)]


def test_where_words_begin_is_counted_over_all_signs_between_them() -> None:
    text = " (CAR-T)  cells, in lupus. "

    assert [text[place] for place in begins(text, 0, 3)] == ["C", "i"]
    assert begins(text, 2, 2) == (text.index("cells"), text.index("cells"))
