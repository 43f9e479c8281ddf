"""An abstract with the words that carry labels marked in their places. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.notifier.item import plain
from shared.article import Article
from shared.events import Evidence, Label

Span = tuple[int, int, str]
"""Start and end (exclusive) in a text, and the key of the label that they carry."""


@dataclass(frozen=True)
class Piece:
    """Words with the keys of the labels that they carry; `anchors` are those that begin here."""

    text: str
    keys: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A section of the abstract, cut where marks begin and end."""

    label: str | None
    pieces: tuple[Piece, ...]


def key(label: Label) -> str:
    """What a label is called inside a page."""
    return f"{label.facet}-{label.id}"


def cut(text: str, spans: Iterable[Span]) -> tuple[Piece, ...]:
    """The text in pieces; where spans overlap, a piece carries several labels.

    Spans outside the text are passed over. Put together the pieces are the text.
    """
    inside = [(a, b, name) for a, b, name in spans if 0 <= a < b <= len(text)]
    edges = sorted({0, len(text), *(edge for a, b, _ in inside for edge in (a, b))})
    return tuple(
        Piece(text[start:end], _carried(inside, start, end)) for start, end in pairwise(edges)
    )


def _carried(spans: Sequence[Span], start: int, end: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for a, b, name in spans if a <= start and end <= b))


def abstract(article: Article, labels: Sequence[Label]) -> tuple[Section, ...]:
    """The sections of an abstract with all marks; each label's first mark is its anchor."""
    seen: set[str] = set()
    return tuple(
        Section(
            section.label,
            tuple(_anchored(cut(plain(section.text), _spans(at, section.text, labels)), seen)),
        )
        for at, section in enumerate(article.abstract)
    )


def _anchored(pieces: Iterable[Piece], seen: set[str]) -> Iterator[Piece]:
    for piece in pieces:
        first = tuple(name for name in piece.keys if name not in seen)
        seen.update(first)
        yield Piece(piece.text, piece.keys, first)


def _spans(at: int, text: str, labels: Iterable[Label]) -> Iterator[Span]:
    for label in labels:
        for one in label.evidence:
            if one.place == "abstract" and one.section == at:
                yield from _span(text, one, key(label))


def _span(text: str, one: Evidence, name: str) -> Iterator[Span]:
    start = text.find(one.sentence)
    if start >= 0 and 0 <= one.start < one.end <= len(one.sentence):
        yield start + one.start, start + one.end, name


def anchors(sections: Iterable[Section]) -> frozenset[str]:
    """The labels that have a mark in the abstract."""
    pieces = (piece for section in sections for piece in section.pieces)
    return frozenset(name for piece in pieces for name in piece.anchors)
