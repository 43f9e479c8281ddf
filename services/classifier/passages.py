"""The parts of an article that labels may rest on, cut into sentences and words."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.classifier.sentences import LONGEST as SENTENCE
from services.classifier.sentences import split
from services.classifier.tokens import spans, words
from shared.article import AbstractSection, Article
from shared.events import Place

LONGEST = 100_000
"""Characters of an abstract that are read: fifty times an ordinary one."""


@dataclass(slots=True, eq=False)
class Sentence:
    """One sentence of a passage: `text` is really cut from the article.

    `number` counts through the whole article; `last` marks the last two of the abstract, where
    articles conclude. Where the words stand is only looked up when it is asked for.
    """

    number: int
    place: Place
    section: int | None
    text: str
    words: list[str]
    last: bool = False
    _spans: list[tuple[int, int]] = field(default_factory=list, init=False, repr=False)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The characters from word `first` to word `last` (exclusive)."""
        places = self._places()
        return places[first][0], places[last - 1][1]

    def between(self, one: int, two: int) -> str:
        """The text between the word before `one` and word `two`."""
        places = self._places()
        return self.text[places[one - 1][1] : places[two][0]]

    def _places(self) -> list[tuple[int, int]]:
        if not self._spans:
            self._spans = spans(self.text)
        return self._spans


def sentences(article: Article) -> list[Sentence]:
    """Every sentence of title, abstract, MeSH headings, keywords and publication types."""
    title = article.title[:SENTENCE]
    found = [Sentence(0, "title", None, title, words(title))]
    abstract = list(_abstract(article.abstract))
    for place, (section, text) in enumerate(abstract):
        last = place >= len(abstract) - 2 and len(abstract) > 3
        found.append(Sentence(len(found), "abstract", section, text, words(text), last))
    found.extend(_headings(article, len(found)))
    return found


def _abstract(sections: tuple[AbstractSection, ...]) -> Iterator[tuple[int, str]]:
    left = LONGEST
    for number, section in enumerate(sections):
        text = section.text[:left]
        left -= len(text)
        for start, end in split(text):
            yield number, text[start:end]


def _headings(article: Article, first: int) -> Iterator[Sentence]:
    lists: tuple[tuple[Place, tuple[str, ...]], ...] = (
        ("mesh", tuple(heading.name for heading in article.mesh)),
        ("keyword", article.keywords),
        ("publication-type", article.publication_types),
    )
    for place, texts in lists:
        for section, text in enumerate(texts):
            cut = text[:SENTENCE]
            yield Sentence(first, place, section, cut, words(cut))
            first += 1
