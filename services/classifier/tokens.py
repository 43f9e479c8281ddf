"""Words of a text with their places, and the normal form under which they are compared.

Offsets always point into the text as it was given. Only the normal form of a single word forgets
case, accents, Unicode variants, Greek letters and the plural; nothing is shifted by it.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_WORD = re.compile(r"[\w\u0300-\u036f]+")


class Word(NamedTuple):
    """A word as it stands in the text: `text[start:end]`."""

    raw: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words in order. Hyphens, slashes and every other sign separate words."""
    return [Word(found.group(), *found.span()) for found in _WORD.finditer(text)]


@lru_cache(maxsize=65_536)
def normal(word: str) -> str:
    """The form under which two spellings of a word are the same.

    "Sjögren" and "Sjogren", "γδ" and "gammadelta", "Tregs" and "treg" meet.
    """
    plain = unicodedata.normalize("NFKD", word).casefold()
    if not plain.isascii():
        plain = "".join(_spelled(c) for c in plain if not unicodedata.combining(c))
    return _singular(plain)


def _spelled(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return name.rsplit(" ", 1)[1].lower() if name.startswith("GREEK SMALL LETTER ") else letter


def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "as")):
        return word
    return word[:-3] + "y" if word.endswith("ies") and len(word) > 5 else word[:-1]
