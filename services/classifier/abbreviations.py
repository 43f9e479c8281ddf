"""What the short forms of an article stand for.

Source: A. S. Schwartz, M. A. Hearst, "A simple algorithm for identifying abbreviation definitions
in biomedical text", Pacific Symposium on Biocomputing 2003, pages 451-462.
"""

import re

_BRACKETED = re.compile(r"[(\[]([^()\[\]]{2,60})[)\]]")
_SHORT = re.compile(r"[A-Za-z0-9][\w/.+-]{1,9}")
_SEPARATOR = re.compile(r"[;,:]| or ")


def definitions(text: str) -> dict[str, str]:
    """Short form to long form, as the text defines them; the first definition counts."""
    found: dict[str, str] = {}
    for bracket in _BRACKETED.finditer(text):
        inside = _SEPARATOR.split(bracket.group(1))[0].strip()
        before = text[max(0, bracket.start() - 250) : bracket.start()].rstrip()
        pair = _pair(inside, before)
        if pair:
            found.setdefault(*pair)
    return found


def _pair(inside: str, before: str) -> tuple[str, str] | None:
    if _is_short(inside):
        long = long_form(inside, _window(inside, before))
        return (inside, long) if long else None
    # The other way round: "CAR (chimeric antigen receptor)".
    last = re.split(r"\s", before)[-1]
    long = long_form(last, inside) if _is_short(last) and len(inside) > len(last) else None
    return (last, long) if long else None


def _is_short(word: str) -> bool:
    return bool(_SHORT.fullmatch(word)) and any(c.isalpha() for c in word)


def _window(short: str, before: str) -> str:
    # min(|A| + 5, |A| * 2) words, as in the paper.
    return " ".join(before.split()[-min(len(short) + 5, len(short) * 2) :])


def long_form(short: str, before: str) -> str | None:
    """The shortest end of `before` that spells `short` in order, from right to left.

    The first character of the short form must begin a word of the long form.
    """
    place = len(before) - 1
    for index in range(len(short) - 1, -1, -1):
        wanted = short[index].lower()
        if not wanted.isalnum():
            continue
        while place >= 0 and (
            before[place].lower() != wanted
            or (index == 0 and place > 0 and before[place - 1].isalnum())
        ):
            place -= 1
        if place < 0:
            return None
        place -= 1
    start = before.rfind(" ", 0, place + 1) + 1
    long = before[start:]
    return long if len(long) > len(short) and short not in long.split() else None
