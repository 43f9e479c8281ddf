import pytest

from services.notifier.archive.fold import MOST_TERMS, folded, joined, terms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CAR-T cells", " car t cells "),
        ("Sjögren\u2019s syndrome", " sjogren s syndrome "),
        ("TNF-\u03b1 and IFN\u03b3", " tnf alpha and ifn gamma "),
        ("λ chains", " lambda chains "),
        ("10.1002/(SICI)1097", " 10 1002 sici 1097 "),
        ("CD4⁺ T₂", " cd4 t2 "),
        ("Straße", " strasse "),
        ("抗体", " 抗体 "),
        (" -- ", ""),
        ("", ""),
    ],
)
def test_words_are_folded(text: str, words: str) -> None:
    assert folded(text) == words


def _finds(search: str, *texts: str) -> bool:
    return all(term in joined(texts) for term in terms(search))


@pytest.mark.parametrize(
    ("search", "is_found"),
    [
        ("lupus", True),
        ("lup", True),
        ("upus", False),
        ("car-t LUPUS", True),
        ("lupus myositis", False),
        ('"t cells"', True),
        ('"t cell"', False),
        ("t-cell", True),
        ('"cells lupus"', False),
        ("", True),
        ('"', True),
        ('"lupus', True),
    ],
)
def test_all_words_have_to_occur(search: str, is_found: bool) -> None:
    assert _finds(search, "CAR-T cells", "Lupus nephritis") is is_found


def test_nothing_is_found_across_two_texts() -> None:
    assert not _finds('"cells lupus"', "CAR-T cells", "lupus")


def test_terms_have_an_end() -> None:
    assert len(terms(" ".join(f"word{n}" for n in range(100)))) == MOST_TERMS
