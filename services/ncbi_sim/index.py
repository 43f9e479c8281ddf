"""The words of the records of all times, and which records a search term finds.

Sets of records are integers: the record of number n is bit n. What a term finds never changes, so
it is looked up once; a search then only joins such sets with the set of today's records.
"""

import sys
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from services.ncbi_sim.markup import plain
from services.ncbi_sim.record import Record
from services.ncbi_sim.vocabulary import LANGUAGES
from shared.pubmed_query.words import STOPWORDS, Words, holds, is_author, is_whole, singular
from shared.pubmed_query.words import words_of as words_of_plain

Hits = int
Texts = Mapping[str, Sequence[Words]]

_TESTS: Mapping[str, Callable[[Words, Words], bool]] = {
    "whole": is_whole,
    "uid": is_whole,
    "author": is_author,
}


def words_of(text: str) -> Words:
    """The words of a text of the catalogue, without its inline markup."""
    return words_of_plain(plain(text))


def bits_of(numbers: Iterable[int]) -> Hits:
    """The set of these records."""
    all_numbers = list(numbers)
    # Bit by bit in one integer would copy it each time.
    mask = bytearray(max(all_numbers, default=0) // 8 + 1)
    for number in all_numbers:
        mask[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(mask, "little")


def numbers_in(hits: Hits) -> Iterator[int]:
    """The numbers of the records in a set, lowest first."""
    while hits:
        lowest = hits & -hits
        yield lowest.bit_length() - 1
        hits ^= lowest


class Index:
    """The records of all times, each at the place of its number."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._found: dict[tuple[str, str, Words], Hits] = {}
        self._dated: dict[str, list[tuple[datetime, int]]] = {}

    @cached_property
    def _texts(self) -> Sequence[Texts]:
        split = _Splitter()
        return [_texts(record, split) for record in self._records]

    @cached_property
    def _postings(self) -> Mapping[str, Hits]:
        """Which records hold a word anywhere."""
        holders: dict[str, list[int]] = defaultdict(list)
        for number, texts in enumerate(self._texts):
            for word in {word for text in texts["all"] for word in text}:
                holders[word].append(number)
        return {word: bits_of(numbers) for word, numbers in holders.items()}

    @cached_property
    def _sorted_words(self) -> Sequence[str]:
        return sorted(self._postings)

    @cached_property
    def _forms(self) -> Mapping[str, Sequence[str]]:
        """Every word under its singular."""
        grouped: dict[str, list[str]] = defaultdict(list)
        for word in self._sorted_words:
            grouped[singular(word)].append(word)
        return grouped

    @cached_property
    def headings(self) -> frozenset[Words]:
        """All MeSH headings in use."""
        return frozenset(heading for texts in self._texts for heading in texts["heading"])

    def forms(self, word: str) -> Sequence[str]:
        """The words with the same singular."""
        return self._forms.get(singular(word), ())

    def within(self, datetype: str, first: datetime, last: datetime) -> Hits:
        """The records whose `crdt`, `edat`, `mdat` or `pdat` lies in the span, ends included."""
        if datetype not in self._dated:
            dated = sorted((record.instants[datetype], record.number) for record in self._records)
            self._dated[datetype] = dated
        dated = self._dated[datetype]
        start, end = bisect_left(dated, (first, -1)), bisect_right(dated, (last, sys.maxsize))
        return bits_of(number for _, number in dated[start:end])

    def find(self, key: str, kind: str, pattern: Words) -> Hits:
        """The records whose field `key` holds the pattern as fields of that kind do."""
        if not pattern or kind == "date" or (len(pattern) == 1 and pattern[0] in STOPWORDS):
            return 0
        asked = (key, kind, pattern)
        if asked not in self._found:
            self._found[asked] = self._look(key, kind, pattern)
        return self._found[asked]

    def _look(self, key: str, kind: str, pattern: Words) -> Hits:
        test = _TESTS.get(kind, holds)
        candidates = self._candidates(pattern, cut=kind == "author")
        return bits_of(
            number
            for number in numbers_in(candidates)
            if any(test(text, pattern) for text in self._texts[number][key])
        )

    def _candidates(self, pattern: Words, *, cut: bool) -> Hits:
        """The records that hold every word; a cut last word may go on."""
        words = [*pattern[:-1], f"{pattern[-1].rstrip('*')}*"] if cut else pattern
        found = -1
        for word in words:
            found &= (
                self._beginning(word[:-1]) if word.endswith("*") else self._postings.get(word, 0)
            )
        return found

    def _beginning(self, start: str) -> Hits:
        words, found = self._sorted_words, 0
        at = bisect_left(words, start)
        while at < len(words) and words[at].startswith(start):
            found |= self._postings[words[at]]
            at += 1
        return found


class _Splitter:
    """Splits each text once: most records of an article share most of their texts."""

    def __init__(self) -> None:
        self._known: dict[str, Words] = {}

    def __call__(self, values: Iterable[str]) -> list[Words]:
        return [words for words in map(self._split, values) if words]

    def _split(self, text: str) -> Words:
        if text not in self._known:
            self._known[text] = tuple(map(sys.intern, words_of(text)))
        return self._known[text]


def _texts(record: Record, split: _Splitter) -> dict[str, list[Words]]:
    article = record.article
    fields = {
        "ti": [article.title],
        "ab": [" ".join(article.summary)],
        "ot": list(article.keywords),
        "heading": [heading.name for heading in article.mesh],
        "mh": _headings(record, major_only=False),
        "majr": _headings(record, major_only=True),
        "pt": list(record.publication_types),
        "la": [article.language, LANGUAGES[article.language]],
        "ta": [article.journal, article.journal_abbreviation or ""],
        "si": [form for trial in article.trials for form in (trial, f"ClinicalTrials.gov/{trial}")],
        "doi": [article.doi or ""],
        "au": [form for author in article.authors for form in _names(author.name, author.fore)],
        "uid": [str(article.pmid)],
    }
    texts = {key: split(values) for key, values in fields.items()}
    texts["tiab"] = texts["ti"] + texts["ab"] + texts["ot"]
    texts["tw"] = texts["tiab"] + texts["mh"] + texts["pt"] + texts["si"]
    has_abstract = split(["hasabstract"]) if article.summary else []
    rest = ("la", "ta", "doi", "au", "uid")
    texts["all"] = texts["tw"] + [text for key in rest for text in texts[key]] + has_abstract
    return texts


def _headings(record: Record, *, major_only: bool) -> list[str]:
    headings = [h for h in record.article.mesh if h.major or not major_only]
    qualified = [f"{heading.name}/{q}" for heading in headings for q in heading.qualifiers]
    return [heading.name for heading in headings] + qualified


def _names(name: str, fore: str | None) -> Iterable[str]:
    yield name
    if fore:
        last = name.rsplit(" ", 1)[0]
        yield f"{last} {fore}"
        yield f"{fore} {last}"
