"""Where sentences begin and end, in text full of "e.g.", "Fig. 2", "i.v.", "CD19+." and "vs."."""

import re

_STOP = re.compile(r"[.!?][)\]\"'\u201d\u2019]{0,2}\s{1,3}|\n\s{0,3}")

_NEVER_LAST = frozenset(
    {
        "e.g", "i.e", "vs", "fig", "figs", "et", "eq", "ref", "refs", "dr", "prof", "approx", "cf",
        "vol", "spp", "i.v", "i.p", "s.c", "i.m", "p.o", "resp", "incl", "suppl",
    }
)  # fmt: skip
"""Words after whose dot a sentence goes on."""

_LOOK_BACK = 12

LONGEST = 2_000
"""Characters; the longest real sentence of an abstract has a few hundred."""


def split(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence, in order, without the blanks between them."""
    cuts, start = [], 0
    for stop in _STOP.finditer(text):
        if text[stop.start()] == "\n" or not _goes_on(text, stop.start(), stop.end()):
            cuts += _shortened(text, start, stop.end())
            start = stop.end()
    cuts += _shortened(text, start, len(text))
    return [(a, b) for a, b in (_trim(text, *cut) for cut in cuts) if a < b]


def _shortened(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A stretch without full stops is cut at blanks, so that work per sentence is bounded."""
    cuts = []
    while end - start > LONGEST:
        blank = text.rfind(" ", start + 1, start + LONGEST)
        cut = blank if blank > 0 else start + LONGEST
        cuts.append((start, cut))
        start = cut
    return [*cuts, (start, end)]


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())


def _goes_on(text: str, dot: int, after: int) -> bool:
    if after >= len(text):
        return True
    if text[dot] != ".":
        return text[after].islower()
    before = text[max(0, dot - _LOOK_BACK) : dot].replace("(", " ").split()
    last = before[-1].lower() if before else ""
    if last in _NEVER_LAST:
        return True
    if last == "no":
        return text[after].isdigit()
    return _begins_small(text, after)


def _begins_small(text: str, at: int) -> bool:
    """A small letter means that the sentence goes on, but "mRNA" and "iPSC" may begin one."""
    if not text[at].islower():
        return False
    word = text[at : at + 12].split(" ", maxsplit=1)[0]
    return not any(c.isupper() for c in word)
