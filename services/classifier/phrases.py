"""The phrase language of the taxonomy, and one pass over a text that finds every phrase.

A phrase is words separated by blanks; hyphens and slashes count as blanks. It knows

    word            this word, in any case, singular or plural, with or without accents
    =WORD           this word in exactly this spelling
    word*           any word that begins so
    one|two         either
    [one|two]       either, or nothing
    ~               up to three words, whatever they are

`Finder` (finder.py) looks for all phrases of a taxonomy in one pass.
"""

from itertools import product

from services.classifier.tokens import normal, words

ANY = "~"
GAP = 3
LONGEST = 14
MOST_VARIANTS = 2_000


class PhraseError(ValueError):
    """A phrase that cannot be read; the message says why."""


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
    found = words(choice)
    if not found or "*" in choice[:-1]:
        raise PhraseError(f"{choice!r} is not a word; a star may only end a word")
    if exact:
        return tuple("=" + word for word in found)
    plain = [normal(word) for word in found]
    return (*plain[:-1], stem(found[-1]) + "*") if star else tuple(plain)


def stem(word: str) -> str:
    """The normal form without the plural's rule: "virus*" is meant as it is written."""
    return word.lower() if word.isascii() else normal(word + "x")[:-1]
