import pytest

from services.classifier.sentences import LONGEST, split


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Cells (e.g. CD19 CAR-T) were given.",
        "See Fig. 2 for the B cells.",
        "Cells were given i.v. CD19 was lost.",
        "CAR-T vs. Rituximab in lupus.",
        "As Smith et al. reported, it works.",
        "A dose of 1.5 million cells was given.",
        "Patient no. 3 relapsed.",
        "E. coli was found.",
    ],
)
def test_a_dot_inside_a_sentence_does_not_end_it(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("B cells were CD19+. Plasma cells were not.", 2),
        ("Patients had MS. They were treated.", 2),
        ("It works (in mice). Patients follow.", 2),
        ("Does it work? It does! Good.", 3),
        ("Vectors were made. mRNA was used.", 2),
        ("IFN-\u03b3 fell. \u03b2 cells lived.", 1),
        ("One line\nAnother line", 2),
        ("", 0),
        ("   ", 0),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, count: int) -> None:
    assert len(sentences(text)) == count


def test_a_stretch_without_full_stops_is_cut_into_bounded_pieces() -> None:
    pieces = sentences("word " * 5_000 + "x" * 5_000)

    assert max(map(len, pieces)) <= LONGEST
    assert sum(piece.count("word") for piece in pieces) == 5_000
