"""The parts of an article that labels may rest on, cut into sentences and words."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from services.classifier.sentences import split
from services.classifier.tokens import Word, words
from shared.article import AbstractSection, Article
from shared.events import Place

LONGEST = 200_000
"""Characters of one passage that are read: a hundred times an abstract."""


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """One sentence of a passage: `text` is really cut from the article.

    `number` counts through the whole article; `last` marks the last two of the abstract, where
    articles conclude. `heading` is the label of a structured abstract's section.
    """

    number: int
    place: Place
    section: int | None
    text: str
    words: list[Word]
    heading: str = ""
    last: bool = False


def sentences(article: Article) -> list[Sentence]:
    """Every sentence of title, abstract, MeSH headings, keywords and publication types."""
    found = [Sentence(0, "title", None, article.title[:LONGEST], words(article.title[:LONGEST]))]
    abstract = list(_abstract(article.abstract))
    for place, (section, heading, text) in enumerate(abstract):
        last = place >= len(abstract) - 2 and len(abstract) > 3
        cut = Sentence(len(found), "abstract", section, text, words(text), heading, last)
        found.append(cut)
    return found + list(_headings(article, len(found)))


def _abstract(sections: tuple[AbstractSection, ...]) -> Iterator[tuple[int, str, str]]:
    for number, section in enumerate(sections):
        text = section.text[:LONGEST]
        for start, end in split(text):
            yield number, (section.label or "").casefold(), text[start:end]


def _headings(article: Article, first: int) -> Iterator[Sentence]:
    lists: tuple[tuple[Place, tuple[str, ...]], ...] = (
        ("mesh", tuple(heading.name for heading in article.mesh)),
        ("keyword", article.keywords),
        ("publication-type", article.publication_types),
    )
    for place, texts in lists:
        for section, text in enumerate(texts):
            yield Sentence(first, place, section, text[:LONGEST], words(text[:LONGEST]))
            first += 1


def word_at(sentence: Sentence, offset: int) -> int:
    """The number of the word that stands at or before a character offset."""
    return max(0, bisect_right(sentence.words, offset, key=lambda word: word.start) - 1)
