import pytest

from services.notifier.item import (
    Quote,
    authors_line,
    clean,
    date_text,
    in_order,
    item,
    strongest,
    why_line,
)
from shared.article import Author, Journal, PartialDate
from shared.events import Reason
from tests.unit.notifier.digests import a_label, an_entry

NOTE = "Demo record: facts from PubMed, summary in Carillon's own words."


def people(number: int) -> tuple[Author, ...]:
    return tuple(Author(last_name=f"N{n}", initials="A") for n in range(1, number + 1))


@pytest.mark.parametrize(
    ("authors", "line"),
    [
        ((), ""),
        (people(2), "N1 A, N2 A"),
        (people(4), "N1 A, N2 A, N3 A, N4 A"),
        (people(12), "N1 A, N2 A, N3 A, … N12 A (12 authors)"),
        ((Author(collective_name="The X Group"),), "The X Group"),
        ((Author(last_name="Doe", fore_name="Jo"),), "Doe Jo"),
        ((Author(),), ""),
    ],
)
def test_authors_are_named_as_far_as_a_line_goes(authors: tuple[Author, ...], line: str) -> None:
    assert authors_line(authors) == line


@pytest.mark.parametrize(
    ("date", "text"),
    [
        (PartialDate(year=2024, month=10, day=9), "9 Oct 2024"),
        (PartialDate(year=2024, month=10), "Oct 2024"),
        (PartialDate(year=2024), "2024"),
        (PartialDate(year=2024, day=9), "2024"),
        (PartialDate(year=2024, month=13), "2024"),
        (PartialDate(year=2024, text="2024 Winter"), "2024 Winter"),
        (PartialDate(), ""),
    ],
)
def test_a_date_is_as_precise_as_pubmed_has_it(date: PartialDate, text: str) -> None:
    assert date_text(date) == text


def test_the_journal_goes_by_its_short_name_where_it_has_one() -> None:
    assert item(an_entry()).journal_line == "J Ex · 8 Sep 2026"
    assert item(an_entry(journal=Journal(title="Long"))).journal_line == "Long · 8 Sep 2026"


def test_the_why_line_names_every_relation_the_closest_first() -> None:
    reasons = (
        Reason(relation="query", name="core"),
        Reason(relation="similar", rank=12, of=140),
        Reason(relation="cited-by"),
        Reason(relation="references"),
    )

    assert why_line(reasons) == (
        "cites the seed; cited by the seed; similar, rank 12 of 140; matches query 'core'"
    )


@pytest.mark.parametrize(
    ("cites", "told"),
    [(4, "4 articles"), (1, "1 article"), (None, "several articles")],
)
def test_the_why_line_says_how_many_of_the_topic_an_article_cites(
    cites: int | None, told: str
) -> None:
    hop = Reason(relation="cites-tracked", cites=cites)
    query = Reason(relation="query", name="core")

    assert why_line((query, hop)) == f"cites {told} of this topic; matches query 'core'"


def test_the_why_line_does_without_rank_and_name() -> None:
    reasons = (Reason(relation="similar"), Reason(relation="query"))

    assert why_line(reasons) == "similar to the seed; matches the query"


def test_a_rank_without_a_length_is_told_alone() -> None:
    assert why_line((Reason(relation="similar", rank=3),)) == "similar, rank 3"


def test_preprints_and_demo_records_are_known_as_such() -> None:
    assert item(an_entry(publication_types=("Preprint",))).is_preprint
    assert item(an_entry(copyright=NOTE)).is_demo_note == NOTE
    assert item(an_entry(copyright="Copyright 2026 The Authors.")).is_demo_note is None


def test_labels_stand_by_facet_and_modalities_in_the_order_of_the_taxonomy() -> None:
    labels = (a_label("trial", "evidence"), a_label("caar-t"), a_label("sle", "disease"), a_label())

    assert [x.id for x in in_order(labels)] == ["cd19-car-t", "caar-t", "sle", "trial"]


def test_one_sentence_shows_the_words_of_all_labels_that_it_carries() -> None:
    text = "CD19 CAR-T cells helped in lupus."
    quote = strongest(
        (a_label(sentence=text, matched="CD19"), a_label("sle", "disease", text, "lupus"))
    )

    assert quote is not None
    assert [words for words, marked in quote.pieces() if marked] == ["CD19", "lupus"]
    assert "".join(words for words, _ in quote.pieces()) == text


def test_overlapping_words_are_marked_once() -> None:
    text = "CD19 CAR-T cells"
    quote = strongest(
        (a_label(sentence=text, matched="CD19 CAR"), a_label("x", "target", text, "CAR-T"))
    )

    assert quote is not None
    assert quote.spans == ((0, 10),)


def test_the_abstract_goes_before_the_title_which_is_shown_anyway() -> None:
    quote = strongest(
        (
            a_label(sentence="CAAR-T cells", matched="CAAR-T", place="title"),
            a_label("caar-t", sentence="We made CAAR-T cells.", matched="CAAR-T"),
        )
    )

    assert quote is not None
    assert quote.place == "abstract"


def test_a_sentence_for_the_modality_goes_before_one_for_the_disease() -> None:
    quote = strongest(
        (
            a_label("sle", "disease", "It was lupus.", "lupus"),
            a_label(sentence="CAR-NK in the title", matched="CAR-NK", place="title"),
        )
    )

    assert quote is not None
    assert quote.sentence == "CAR-NK in the title"


def test_no_label_with_words_means_no_quote() -> None:
    assert strongest((a_label(),)) is None


def test_a_span_outside_its_sentence_is_not_marked() -> None:
    label = a_label(sentence="short", matched="short")
    beyond = label.evidence[0].model_copy(update={"end": 99})

    quote = strongest((label.model_copy(update={"evidence": (beyond,)}),))

    assert quote == Quote(sentence="short")


@pytest.mark.parametrize("at", [0, 500, 1985])
def test_a_long_sentence_is_cut_around_its_marked_words(at: int) -> None:
    sentence = "x" * at + "CD19" + "y" * (1989 - at)
    short = Quote(sentence=sentence, spans=((at, at + 4),)).shortened(100)

    assert len(short.sentence) <= 100
    assert ("CD19", True) in short.pieces()
    assert short.sentence.startswith("…") == (at > 0)


@pytest.mark.parametrize("sign", ["\n", "\r", "\x00", "\x0b", "\u2028", "\u202e", "\ufffe"])
def test_control_and_direction_signs_become_spaces(sign: str) -> None:
    assert clean(f"a{sign}b") == "a b"


def test_a_title_never_brings_a_line_break() -> None:
    shown = item(an_entry(title="Two\r\nlines", title_html="<i>Two</i>\n lines"))

    assert (shown.title, shown.title_html) == ("Two lines", "<i>Two</i> lines")
