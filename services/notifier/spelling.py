"""Words however they are spelled: case, hyphens and accents make no difference.

Pure. "CAR-T" is found in "CAR T cells", "autoimmune" in "auto-immune", and none of them inside
another word.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_DASHES = re.compile("[-\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d]+")
"""Hyphens and dashes as PubMed's texts have them; the soft hyphen too."""

_END = "\x1f"
"""Between the parts of a text: no phrase holds it."""


@lru_cache(maxsize=8192)
def folded(text: str) -> str:
    """Without case and accents; compatibility forms (PubMed has ligatures) as usual letters."""
    if text.isascii():
        return text.casefold()
    letters = unicodedata.normalize("NFKD", text).casefold().replace("\u2019", "'")
    return "".join(sign for sign in letters if not unicodedata.combining(sign))


@dataclass(frozen=True)
class Text:
    """A text in two spellings: hyphens as spaces, and words with a hyphen as one."""

    apart: str
    joined: str

    @classmethod
    def of(cls, parts: Iterable[str]) -> "Text":
        """The parts of a text, one after the other."""
        bare = [folded(part) for part in parts]
        apart = _END.join(" ".join(_DASHES.sub(" ", part).split()) for part in bare)
        return cls(apart, _END.join(" ".join(_DASHES.sub("", part).split()) for part in bare))

    def has(self, wanted: "Text") -> bool:
        """Whether the wanted words are in it, as whole words."""
        return _within(wanted.apart, self.apart) or _within(wanted.joined, self.joined)


def phrase(words: str) -> Text:
    """Words to look for."""
    return Text.of((words,))


def _within(words: str, text: str) -> bool:
    at = text.find(words) if words else -1
    while at >= 0:
        end = at + len(words)
        before, after = text[at - 1 : at], text[end : end + 1]
        if not (_touch(before, words[0]) or _touch(words[-1], after)):
            return True
        at = text.find(words, at + 1)
    return False


def _touch(left: str, right: str) -> bool:
    """Whether two signs beside each other are of one word."""
    return left.isalnum() and right.isalnum()
