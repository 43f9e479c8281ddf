"""Words as they are searched: without case, accents and signs, Greek letters by their names.

So "CAR-T", "car t" and "Car T" are one, as are "Sjögren" and "sjogren".
"""

import re
import unicodedata
from collections.abc import Iterable

MOST_TERMS = 20
"""Terms of one search; what comes behind them is passed over."""

_GREEK = {
    chr(code): f" {name.rsplit(' ', 1)[-1].lower().replace('lamda', 'lambda')} "
    for code in range(0x3B1, 0x3CA)
    if (name := unicodedata.name(chr(code))).count(" ") == 3
}
"""Unicode's own names of them, but for one that it misspells."""
_NOT_WORDS = re.compile(r"[\W_]+")
_QUOTED = re.compile(r'"([^"]*)"|(\S+)')
_WHOLE = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l"})
"""Letters that Unicode does not take apart."""


def folded(text: str) -> str:
    """The words of a text, each between single blanks, and one at either end; "" for none."""
    plain = text.casefold()
    if not plain.isascii():
        plain = _unaccented(plain)
    words = _NOT_WORDS.sub(" ", plain).strip()
    return f" {words} " if words else ""


def _unaccented(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text)
    bare = "".join(sign for sign in parts if not unicodedata.combining(sign))
    named = "".join(_GREEK.get(sign, sign) for sign in bare.casefold())
    return named.translate(_WHOLE)


def joined(texts: Iterable[str]) -> str:
    """Many texts as one to search in; no term is found across the end of one."""
    return "|".join(filter(None, map(folded, texts)))


def terms(search: str) -> tuple[str, ...]:
    """What has to occur in `joined` texts, all of it, for a search as people write it.

    A word finds what begins with it, and so does one with signs in it ("CAR-T", a DOI); words in
    quotes are found whole, in that order.
    """
    found: dict[str, None] = {}
    for quoted, word in _QUOTED.findall(search):
        words = folded(quoted or word.strip('"'))
        if words:
            found[words if quoted else words.rstrip()] = None
    return tuple(found)[:MOST_TERMS]
