"""Words of a text, and whether they hold the words of a search term."""

import re
import unicodedata

Words = tuple[str, ...]

# The lower-case words PubMed leaves out of an untagged search (excerpt of its stopword list).
STOPWORDS = frozenset(
    (
        *("a", "an", "and", "as", "at", "by", "for", "from", "in", "is", "not", "of", "on", "or"),
        *("that", "the", "to", "was", "with"),
    )
)

_WORD = re.compile(r"[^\W_]+\*?")


def words_of(text: str) -> Words:
    """The words of a text without case, accents and punctuation; a final * stays on its word."""
    lowered = text.lower()
    if lowered.isascii():
        return tuple(_WORD.findall(lowered))
    decomposed = unicodedata.normalize("NFKD", lowered)
    # A text has few distinct signs: to look at each of them is quicker than at each place.
    for sign in set(decomposed):
        if unicodedata.combining(sign):
            decomposed = decomposed.replace(sign, "")
    return tuple(_WORD.findall(decomposed))


def singular(word: str) -> str:
    """The word without a plural ending, as far as English rules tell."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def plural_forms(word: str) -> frozenset[str]:
    """The word, its singular and the plurals that English rules make of that."""
    one = singular(word)
    many = f"{one[:-1]}ies" if one.endswith("y") else f"{one}s"
    return frozenset({word, one, many})


def _same(pattern: str, word: str) -> bool:
    return word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern


def _at(text: Words, start: int, pattern: Words) -> bool:
    window = text[start : start + len(pattern)]
    return len(window) == len(pattern) and all(map(_same, pattern, window))


def holds(text: Words, pattern: Words) -> bool:
    """Whether the pattern's words follow each other anywhere in the text."""
    if not any(word.endswith("*") for word in pattern):
        size = len(pattern)
        starts = (start for start, word in enumerate(text) if word == pattern[0])
        return any(text[start : start + size] == pattern for start in starts)
    return any(_at(text, start, pattern) for start in range(len(text) - len(pattern) + 1))


def is_whole(text: Words, pattern: Words) -> bool:
    """Whether the pattern is the whole text; truncated, the text may go on."""
    return _at(text, 0, pattern) and (len(text) == len(pattern) or pattern[-1].endswith("*"))


def is_author(name: Words, pattern: Words) -> bool:
    """Whether the name begins with the pattern; the last word may be cut (initials left out)."""
    return _at(name, 0, (*pattern[:-1], f"{pattern[-1].rstrip('*')}*")) and (
        len(pattern) > 1 or _at(name, 0, pattern)
    )
