"""One record as a query sees it: its words by field, and its days by date field."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date

from shared.pubmed_query.words import Words, words_of

Days = tuple[date, date]
"""The first and the last day that a date may mean: a year alone is all of its days."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "tiab": ("ti", "ab", "ot"),
    "tw": ("tiab", "mh", "pt", "si"),
    "all": ("tw", "la", "ta", "doi", "au", "uid", "more"),
}
"""The fields that are made of others. `more` is what only a search of all fields reaches."""


class Document:
    """A record's texts, split into words where and when a query asks for them.

    Args:
        strings: The texts of a field, by the field's key ("ti", "mh"); fields in `PARTS` are
            put together here.
        days: By the key of a date field the days its dates may mean.
        loose: A record that was not understood. Whole values are looked for like words, its days
            are unknown and may be any, and nothing is ruled out by a NOT.
    """

    def __init__(
        self,
        strings: Callable[[str], Iterable[str]],
        days: Mapping[str, tuple[Days, ...]],
        *,
        loose: bool = False,
    ) -> None:
        self._strings = strings
        self._days = days
        self.loose = loose
        self._texts: dict[str, tuple[Words, ...]] = {}
        self._words: dict[str, frozenset[str]] = {}

    def texts(self, key: str) -> tuple[Words, ...]:
        """The texts of a field, each as its words; those without any are left out."""
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = self._split(key)
        return found

    def words(self, key: str) -> frozenset[str]:
        """Every word of a field: a text that lacks a term's word need not be looked through."""
        found = self._words.get(key)
        if found is None:
            found = self._words[key] = frozenset().union(*self.texts(key))
        return found

    def days(self, key: str) -> tuple[Days, ...]:
        """The days of a date field, a span for each of its dates."""
        return self._days.get(key, ())

    def _split(self, key: str) -> tuple[Words, ...]:
        if key in PARTS:
            return tuple(text for part in PARTS[key] for text in self.texts(part))
        return tuple(words for words in map(words_of, self._strings(key)) if words)
