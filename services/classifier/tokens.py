"""Words of a text with their places, and the normal form under which they are compared.

Offsets always point into the text as it was given. Only the normal form of a single word forgets
case, accents, Unicode variants, Greek letters, invisible signs and the plural; nothing is shifted
by it.
"""

import re
import unicodedata
from functools import lru_cache

INVISIBLE = "\u00ad\u200c\u200d\u2060\ufeff"
"""Signs inside a word that a reader does not see: the soft hyphen, joiners, the byte order mark."""

_WORD = re.compile(rf"\w[\w\u0300-\u036f{INVISIBLE}]*")
_ASCII = re.compile(r"\w+", re.ASCII)
_BLANKS = bytes(
    sign if sign > 127 or chr(sign).isalnum() or chr(sign) == "_" else 32 for sign in range(256)
)
"""A blank for every ASCII sign that separates words."""
_UNSEEN = dict.fromkeys(map(ord, INVISIBLE))


def words(text: str) -> list[str]:
    """The words in order. Hyphens, slashes and every other sign separate words."""
    # As a pattern finds them, in a fifth of the time; it is asked about what is not ASCII alone.
    if text.isascii():
        return text.encode("ascii").translate(_BLANKS).decode("ascii").split()
    parts = text.encode("utf-8", "surrogatepass").translate(_BLANKS)
    found: list[str] = []
    for part in parts.decode("utf-8", "surrogatepass").split():
        if part.isascii():
            found.append(part)
        else:
            found += _WORD.findall(part)
    return found


def begins(text: str, first: int, second: int) -> tuple[int, int]:
    """Where in an ASCII text the words with two numbers begin, the second not before the first.

    What is left behind so many words tells it: a third of the time of looking for word after word.
    """
    rest = text.encode("ascii").translate(_BLANKS).split(None, first)[first]
    tail = rest.split(None, second - first)[-1] if second > first else rest
    return len(text) - len(rest), len(text) - len(tail)


def spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each of `words(text)`, in characters."""
    form = _ASCII if text.isascii() else _WORD
    return [found.span() for found in form.finditer(text)]


def visible(word: str) -> str:
    """The word without invisible signs: what a phrase that asks for a spelling is compared with."""
    return word if word.isascii() else word.translate(_UNSEEN)


@lru_cache(maxsize=65_536)
def normal(word: str) -> str:
    """The form under which two spellings of a word are the same.

    "Sjögren" and "Sjogren", "γδ" and "gammadelta", "Tregs" and "treg" meet.
    """
    if word.isascii():
        return _singular(word.lower())
    plain = unicodedata.normalize("NFKD", visible(word)).casefold()
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
