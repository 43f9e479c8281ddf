import pytest

from services.classifier.sentences import LONGEST, split


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
        "Receptors (i.e. CARs) were made.",
        "It fell to p < .05 in all.",
        "A dose of 10.5 x 10(6) cells/kg was given.",
        "As Smith et al. (2020) and Fias et al. CAR-T was safe.",
        "As reported by J. Smith and by A. B. Jones, it works.",
        "See Figs. 2 and 3, vol. 3, pp. 12.",
        "The drug (approx. 5 mg, cf. Table 1) was given.",
        "In the U.S. Food and Drug Administration's view it is safe.",
        "It was given on Jan. 5 in St. Louis.",
        "A method after Dr. Smith was used.",
        "CD19.CAR-T cells and 4-1BB.z were made.",
    ],
)
def test_a_dot_inside_a_sentence_does_not_end_it(text: str) -> None:
    assert split(text) == [text]


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
        ("One line\n\n  Another line.", 2),
        ("Cells were given i.v. The patients recovered.", 2),
        ("So said Smith et al. However, it was not so.", 2),
        ("It is sold in the U.S. We bought it.", 2),
        ("They had hepatitis B. Patients were treated.", 2),
        ("They lacked vitamin D. Vitamins were given.", 2),
        ("Values fell in zones A and B. MARD was high.", 2),
        ("There were CAR-T, CAR-NK, etc. These were compared.", 2),
        ("There was no. It stopped.", 2),
        ("They used SPP. We used PISA.", 2),
        ('He asked: "Why?" She left.', 2),
        ("It worked.) They left.", 2),
        ("CD19\u207a. Then CD19\u207b.", 2),
        ("CD19+/CD20\u2212. CARs were made.", 2),
        ("", 0),
        ("   ", 0),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, count: int) -> None:
    assert len(split(text)) == count


def test_a_stretch_without_full_stops_is_cut_into_bounded_pieces() -> None:
    pieces = split("word " * 5_000 + "x" * 5_000)

    assert max(map(len, pieces)) <= LONGEST
    assert sum(piece.count("word") for piece in pieces) == 5_000
