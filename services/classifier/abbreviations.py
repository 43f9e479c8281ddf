"""What the short forms of an article stand for.

Source: A. S. Schwartz, M. A. Hearst, "A simple algorithm for identifying abbreviation definitions
in biomedical text", Pacific Symposium on Biocomputing 2003, pages 451-462. Beside a short form in
brackets after its long form, and a long form in brackets after its short one, "CAR = ..." and
lists of abbreviations ("Abbreviations: CAR, ...; MS, ...") are read.
"""

import re
from collections.abc import Callable, Iterator

_SIGN = re.compile(r"[(\[=](?=(?:\s?([A-Za-z0-9][\w/.+-]{1,9})(?=\s?[)\];,:(\[]|\sor\s))?)")
"""A sign that a definition may have, with the short form that may follow it."""
_INSIDE = re.compile(r"[^()\[\];,:]{4,120}")
_LIST = re.compile(r"^abbreviations?\b", re.IGNORECASE)
_LISTED = re.compile(r"(?:^|[;:.,]\s?)([A-Za-z0-9][\w/.+-]{1,9})[,:]\s([^;:,.]{4,120})")
_REACH = 250
"""Characters before a bracket that may hold the long form."""


def definitions(text: str, wanted: Callable[[str], bool] | None = None) -> dict[str, list[str]]:
    """Short form to its long forms, as the text defines them; those that are `wanted` only."""
    found: dict[str, list[str]] = {}
    for short, long in _pairs(text, wanted or _is_short):
        found.setdefault(short, []).append(long)
    return found


def _pairs(text: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    for sign in _SIGN.finditer(text):
        at, after = sign.span()
        short = sign[1]
        if short and wanted(short):
            long = long_form(short, _window(short, text[max(0, at - _REACH) : at].rstrip()))
        else:
            short, long = _other_way(text, at, after, wanted)
        if long:
            yield short, long
    if _LIST.match(text):
        for entry in _LISTED.finditer(text):
            short = entry.group(1)
            long = long_form(short, entry.group(2).strip()) if wanted(short) else None
            if long:
                yield short, long


def _other_way(
    text: str, at: int, after: int, wanted: Callable[[str], bool]
) -> tuple[str, str | None]:
    """The other way round: "CAR (chimeric antigen receptor)"."""
    tail = text[max(0, at - 12) : at].split()
    short = tail[-1].lstrip("([,;:") if tail else ""
    if not 1 < len(short) < 11 or not wanted(short):
        return "", None
    inside = _INSIDE.match(text, after)
    words = inside.group().split()[: _most_words(short)] if inside else []
    return short, _whole_form(short, words)


def _whole_form(short: str, words: list[str]) -> str | None:
    """The most words, from the first on, that spell the short form from their beginning."""
    for count in range(len(words), 0, -1):
        long = " ".join(words[:count])
        if long_form(short, long) == long:
            return long
    return None


def _is_short(word: str) -> bool:
    return any(c.isalpha() for c in word)


def _most_words(short: str) -> int:
    # min(|A| + 5, |A| * 2), as in the paper.
    return min(len(short) + 5, len(short) * 2)


def _window(short: str, before: str) -> str:
    return " ".join(before.split()[-_most_words(short) :])


def long_form(short: str, before: str) -> str | None:
    """The shortest end of `before` that spells `short` in order, from right to left.

    The first character of the short form must begin a word of the long form.
    """
    place, letters, wanted = len(before), _small(before), _small(short)
    for index in range(len(short) - 1, -1, -1):
        if not wanted[index].isalnum():
            continue
        place = letters.rfind(wanted[index], 0, place)
        while index == 0 and place > 0 and before[place - 1].isalnum():
            place = letters.rfind(wanted[index], 0, place)
        if place < 0:
            return None
    start = before.rfind(" ", 0, place) + 1
    long = before[start:]
    return long if len(long) > len(short) and short not in long.split() else None


def _small(text: str) -> str:
    """The text in small letters, each in its place."""
    # A capital I with a dot becomes two signs; the dot is no letter, and meets none.
    return text.lower() if text.isascii() else "".join([c.lower()[-1] for c in text])
