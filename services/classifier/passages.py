"""The parts of an article that labels may rest on, cut into sentences and words."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.classifier.sentences import LONGEST as SENTENCE
from services.classifier.sentences import split
from services.classifier.tokens import begins, words
from shared.article import Article
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
    _starts: list[int] | None = field(default=None, init=False, repr=False)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The characters from word `first` to word `last` (exclusive)."""
        size = len(self.words[last - 1])
        if self.text.isascii():
            start, end = begins(self.text, first, last - 1)
            return start, end + size
        return self._start(first), self._start(last - 1) + size

    def between(self, one: int, two: int) -> str:
        """The text between the word before `one` and word `two`."""
        return self.text[self._start(one - 1) + len(self.words[one - 1]) : self._start(two)]

    def _start(self, number: int) -> int:
        """Words are found again in their order: between two of them no sign is part of a word."""
        if self._starts is None:
            self._starts = []
        starts = self._starts
        if number >= len(starts):
            known = len(starts)
            place = starts[-1] + len(self.words[known - 1]) if starts else 0
            for word in self.words[known : number + 1]:
                place = self.text.find(word, place)
                starts.append(place)
                place += len(word)
        return starts[number]


def sentences(article: Article) -> list[Sentence]:
    """Every sentence of title, abstract, MeSH headings, keywords and publication types."""
    title = article.title[:SENTENCE]
    found = [Sentence(0, "title", None, title, words(title))]
    left = LONGEST
    for section, part in enumerate(article.abstract):
        text = part.text[:left]
        left -= len(text)
        for piece in split(text):
            found.append(Sentence(len(found), "abstract", section, piece, words(piece)))
    if len(found) > 4:
        found[-2].last = found[-1].last = True
    found.extend(_headings(article, len(found)))
    return found


def _headings(article: Article, first: int) -> Iterator[Sentence]:
    lists: tuple[tuple[Place, tuple[str, ...]], ...] = (
        ("mesh", tuple([heading.name for heading in article.mesh])),
        ("keyword", article.keywords),
        ("publication-type", article.publication_types),
    )
    for place, texts in lists:
        for section, text in enumerate(texts):
            cut = text[:SENTENCE]
            yield Sentence(first, place, section, cut, words(cut))
            first += 1
