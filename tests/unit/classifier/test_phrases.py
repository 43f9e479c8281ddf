import pytest

from services.classifier.entries import CueRule
from services.classifier.finder import Finder
from services.classifier.phrases import PhraseError
from services.classifier.tokens import spans, words


def finder_of(phrase: str) -> Finder:
    return Finder([CueRule(phrase, "support")])


def matches(phrase: str, text: str) -> list[str]:
    found = words(text)
    places = spans(text)
    _, cues = finder_of(phrase).find(found)
    return [text[places[a][0] : places[b - 1][1]] for _, a, b in cues]


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("CAR T", "car-t and CAR T", ["car-t", "CAR T"]),
        ("=CAR", "a car, a CAR", ["CAR"]),
        ("myasthen*", "myasthenic crisis", ["myasthenic"]),
        ("virus*", "virus, viruses, viral", ["virus", "viruses"]),
        ("CD19|BCMA cell", "BCMA cells", ["BCMA cells"]),
        ("multiple [drug] resistance", "multiple drug resistance", ["multiple drug resistance"]),
        ("multiple [drug] resistance", "multiple resistance", ["multiple resistance"]),
        ("made ~ vivo", "made in the living vivo", ["made in the living vivo"]),
        ("made ~ vivo", "made one two three four vivo", []),
        ("lupus", "no such word", []),
    ],
)
def test_a_phrase_finds_what_its_notation_says(phrase: str, text: str, expected: list[str]) -> None:
    assert matches(phrase, text) == expected


@pytest.mark.parametrize(
    ("phrase", "reason"),
    [
        ("", "may be empty"),
        ("[maybe]", "may be empty"),
        ("open [bracket", "bracket"),
        ("st*ar", "star"),
        ("~ lupus", "begins or ends"),
        ("lupus ~", "begins or ends"),
        (" ".join(["word"] * 15), "longer than"),
        (" ".join(["a|b"] * 12), "split it up"),
        ("???", "not a word"),
    ],
)
def test_a_phrase_that_cannot_be_read_says_why(phrase: str, reason: str) -> None:
    with pytest.raises(PhraseError, match=reason):
        finder_of(phrase)


def test_a_text_made_to_backtrack_is_read_once() -> None:
    """Every prefix of the phrase stays open at every word; the finder keeps only these."""
    finder = finder_of("a ~ a ~ a ~ b")

    assert finder.find(words("a " * 20_000)) == ([], [])


def test_a_finder_that_forgets_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = words("CD19 cells made in the living vivo, BCMA cell, and cells made ex vivo " * 5)
    phrases = [CueRule(one, "support") for one in ("CD19|BCMA cell", "made ~ vivo", "cell made")]
    remembered = Finder(phrases).find(text)
    monkeypatch.setattr("services.classifier.finder.MOST_STEPS", 2)
    monkeypatch.setattr("services.classifier.finder.MOST_WORDS", 2)

    assert Finder(phrases).find(text) == remembered
    assert len(remembered[1]) == 6 * 5
