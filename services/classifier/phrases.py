"""The phrase language of the taxonomy, and one pass over a text that finds every phrase.

A phrase is words separated by blanks; hyphens and slashes count as blanks. It knows

    word            this word, in any case, singular or plural, with or without accents
    =WORD           this word in exactly this spelling
    word*           any word that begins so
    one|two         either
    [one|two]       either, or nothing
    ~               up to three words, whatever they are

Phrases become one trie over words, so that the cost of a text does not grow with the number of
phrases, and no phrase can be made to backtrack: every word is looked at once, by at most as many
open phrases as the longest phrase has words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

from services.classifier.tokens import Word, normal, words

ANY = "~"
GAP = 3
LONGEST = 14
MOST_VARIANTS = 2_000


class PhraseError(ValueError):
    """A phrase that cannot be read; the message says why."""


@dataclass(slots=True)
class _Node:
    after: "dict[str, _Node]" = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)


def variants(phrase: str) -> list[tuple[str, ...]]:
    """Every sequence of symbols that a phrase stands for.

    Raises:
        PhraseError: nothing in it, an open bracket, a star in the middle, too many variants.
    """
    parts = [_choices(part) for part in phrase.split()]
    size = 1
    for part in parts:
        size *= len(part)
    if size > MOST_VARIANTS:
        raise PhraseError(f"{phrase!r} stands for {size} phrases: split it up")
    found = [tuple(symbol for part in row for symbol in part) for row in product(*parts)]
    if not all(found) or not found:
        raise PhraseError(f"{phrase!r} may be empty: give it at least one word that must occur")
    for row in found:
        _check(phrase, row)
    return found


def _check(phrase: str, row: tuple[str, ...]) -> None:
    if row[0] == ANY or row[-1] == ANY:
        raise PhraseError(f"{phrase!r} begins or ends with ~: a gap stands between words")
    if len(row) > LONGEST:
        raise PhraseError(f"{phrase!r} is longer than {LONGEST} words: shorten it")


def _choices(part: str) -> list[tuple[str, ...]]:
    if part == ANY:
        return [(ANY,) * count for count in range(GAP + 1)]
    optional = part.startswith("[") and part.endswith("]")
    inner = part[1:-1] if optional else part
    if "[" in inner or "]" in inner:
        raise PhraseError(f"{part!r}: a bracket holds one place, like [one|two], without blanks")
    choices = [_symbols(choice) for choice in inner.split("|")]
    return [*choices, ()] if optional else choices


def _symbols(choice: str) -> tuple[str, ...]:
    star, exact = choice.endswith("*"), choice.startswith("=")
    found = [word.raw for word in words(choice)]
    if not found or "*" in choice[:-1]:
        raise PhraseError(f"{choice!r} is not a word; a star may only end a word")
    if exact:
        return tuple("=" + word for word in found)
    plain = [normal(word) for word in found]
    return (*plain[:-1], _stem(found[-1]) + "*") if star else tuple(plain)


def _stem(word: str) -> str:
    # The plural must not be cut from a stem: "virus*" is meant as it is written.
    return normal(word + "x")[:-1]


class Finder:
    """All phrases at once. Phrase number `n` is the `n`-th that was given."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._root = _Node()
        self._stems: set[str] = set()
        self._known: set[str] = set()
        for number, phrase in enumerate(phrases):
            for row in variants(phrase):
                self._add(row, number)
        self._longest = max(map(len, self._stems), default=0)
        self._symbols: dict[str, tuple[str, ...]] = {}

    def _add(self, row: tuple[str, ...], number: int) -> None:
        node = self._root
        for symbol in row:
            self._known.add(symbol)
            if symbol.endswith("*"):
                self._stems.add(symbol[:-1])
            node = node.after.setdefault(symbol, _Node())
        node.ends.append(number)

    def find(self, text: Sequence[Word]) -> list[tuple[int, int, int]]:
        """Every occurrence as (phrase, first word, last word + 1)."""
        found: list[tuple[int, int, int]] = []
        active: list[tuple[_Node, int]] = []
        begins, cache = self._root.after, self._symbols
        for place, word in enumerate(text):
            symbols = cache.get(word[0])
            if symbols is None:
                symbols = self._learn(word[0])
            if not symbols and not active:
                continue
            active = _advance(active, begins, symbols, place)
            for node, start in active:
                if node.ends:
                    found.extend([(number, start, place + 1) for number in node.ends])
        return found

    def _learn(self, raw: str) -> tuple[str, ...]:
        plain = normal(raw)
        exact = "=" + raw
        symbols = [symbol for symbol in (plain, exact) if symbol in self._known]
        whole = _stem(raw[: self._longest + 8])
        ends = range(1, min(len(whole), self._longest) + 1)
        symbols += [whole[:end] + "*" for end in ends if whole[:end] in self._stems]
        if len(self._symbols) > 100_000:
            self._symbols.clear()
        return self._symbols.setdefault(raw, tuple(symbols))


def _advance(
    active: list[tuple[_Node, int]], begins: dict[str, _Node], symbols: tuple[str, ...], place: int
) -> list[tuple[_Node, int]]:
    moved = [(begins[symbol], place) for symbol in symbols if symbol in begins]
    for node, start in active:
        after = node.after
        moved += [(after[symbol], start) for symbol in symbols if symbol in after]
        if ANY in after:
            moved.append((after[ANY], start))
    return moved
