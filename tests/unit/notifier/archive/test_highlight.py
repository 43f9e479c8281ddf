from hypothesis import given
from hypothesis import strategies as st

from services.notifier.archive.highlight import abstract, anchors, cut
from shared.article import AbstractSection
from shared.events import Evidence, Facet, Label
from tests.builders import an_article

TEXT = "CD19 CAR-T cells help. They help in lupus."


def _label(facet: Facet, name: str, sentence: str, matched: str, section: int = 0) -> Label:
    at = sentence.index(matched)
    evidence = Evidence(
        place="abstract", sentence=sentence, start=at, end=at + len(matched), matched=matched,
        rule="r", section=section,
    )  # fmt: skip
    return Label(facet=facet, id=name, name=name, confidence=0.9, evidence=(evidence,))


def test_words_are_marked_in_their_sentence_and_section() -> None:
    article = an_article(
        abstract=(AbstractSection(text="Lupus is here."), AbstractSection(text=TEXT))
    )
    label = _label("disease", "sle", "They help in lupus.", "lupus", 1)

    first, second = abstract(article, [label])

    assert [piece.keys for piece in first.pieces] == [()]
    assert [(piece.text, piece.anchors) for piece in second.pieces if piece.keys] == [
        ("lupus", ("disease-sle",))
    ]


def test_labels_that_share_words_are_all_named_and_each_has_one_anchor() -> None:
    sentence = "CD19 CAR-T cells help."
    labels = [
        _label("modality", "cd19-car-t", sentence, "CD19 CAR-T cells"),
        _label("target", "cd19", sentence, "CD19"),
    ]

    sections = abstract(an_article(abstract=(AbstractSection(text=TEXT),)), labels)

    marked = [(piece.text, piece.keys, piece.anchors) for piece in sections[0].pieces if piece.keys]
    assert marked == [
        ("CD19", ("modality-cd19-car-t", "target-cd19"), ("modality-cd19-car-t", "target-cd19")),
        (" CAR-T cells", ("modality-cd19-car-t",), ()),
    ]
    assert anchors(sections) == {"modality-cd19-car-t", "target-cd19"}


def test_a_sentence_that_is_not_in_the_abstract_any_more_marks_nothing() -> None:
    article = an_article(abstract=(AbstractSection(text="Another text."),))

    sections = abstract(article, [_label("disease", "sle", "They help in lupus.", "lupus")])

    assert anchors(sections) == frozenset()


@given(
    st.text(max_size=40),
    st.lists(
        st.tuples(st.integers(-3, 45), st.integers(-3, 45), st.sampled_from("abc")), max_size=8
    ),
)
def test_pieces_are_the_text_and_carry_what_covers_them(
    text: str, spans: list[tuple[int, int, str]]
) -> None:
    pieces = cut(text, spans)

    assert "".join(piece.text for piece in pieces) == text
    at = 0
    inside = [(a, b, name) for a, b, name in spans if 0 <= a < b <= len(text)]
    for piece in pieces:
        assert piece.text
        for place in range(at, at + len(piece.text)):
            assert set(piece.keys) == {name for a, b, name in inside if a <= place < b}
        at += len(piece.text)
