"""The parts of an article that labels may rest on, cut into sentences and words."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.classifier.sentences import LONGEST as SENTENCE
from services.classifier.sentences import stretches
from services.classifier.tokens import begin, blanked, words, words_of
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

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The characters from word `first` to word `last` (exclusive)."""
        start = self._start(first)
        final = last - 1
        return start, (start if final == first else self._start(final)) + len(self.words[final])

    def between(self, one: int, two: int) -> str:
        """The text between the word before `one` and word `two`."""
        return self.text[self._start(one - 1) + len(self.words[one - 1]) : self._start(two)]

    def _start(self, number: int) -> int:
        """Where a word begins."""
        text, word = self.text, self.words[number]
        place = text.find(word)
        if text.find(word, place + 1) < 0:
            return place  # as most words, it is there once
        if text.isascii():
            return begin(text, number)
        # Found again in their order: between two words no sign is part of a word.
        place = 0
        for earlier in self.words[:number]:
            place = text.find(earlier, place) + len(earlier)
        return text.find(word, place)


def sentences(article: Article) -> list[Sentence]:
    """Every sentence of title, abstract, MeSH headings, keywords and publication types."""
    title = article.title[:SENTENCE]
    found = [Sentence(0, "title", None, title, words(title))]
    left = LONGEST
    for section, part in enumerate(article.abstract):
        text = part.text[:left]
        left -= len(text)
        plain = blanked(text)
        for start, end in stretches(text):
            piece = text[start:end].strip()
            if piece:
                spoken = words_of(plain[start:end])
                found.append(Sentence(len(found), "abstract", section, piece, spoken))
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
