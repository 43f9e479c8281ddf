"""Where sentences begin and end, in text full of "e.g.", "Fig. 2", "i.v.", "CD19+." and "vs."."""

import re

_STOP = re.compile(r"[.!?\n](?:[)\]\"'\u201d\u2019]{0,2}\s{1,3}|(?<=\n))")
"""Where a sentence may end, with the blanks that follow; a line's end needs none."""

_NEVER_LAST = frozenset(
    {
        "e.g", "i.e", "eg", "ie", "vs", "fig", "figs", "eq", "ref", "refs", "dr", "drs", "prof",
        "approx", "cf", "ca", "suppl", "incl", "st", "univ", "dept", "viz",
    }
)  # fmt: skip
"""Words after whose dot a sentence goes on."""
_SELDOM_LAST = frozenset(
    {
        "al", "i.v", "i.p", "s.c", "i.m", "i.d", "p.o", "i.t", "resp", "spp", "sp", "u.s", "u.k",
        "e.u", "ph.d", "m.d", "inc", "ltd", "corp", "co", "q.d", "b.i.d",
    }
)  # fmt: skip
"""Words after whose dot a sentence goes on, but for a word that opens a new one."""
_BEFORE_NUMBERS = frozenset(
    {
        "no", "nos", "vol", "p", "pp", "ch", "art", "sect", "jan", "feb", "mar", "apr", "jun",
        "jul", "aug", "sep", "sept", "oct", "nov", "dec",
    }
)  # fmt: skip
_BEFORE_NAMES = frozenset({"", "and", "by", "of", "with", "from", "to", "et", "see", "dr", "prof"})
"""Words between which and a name initials stand ("by J. Smith"; but "hepatitis B. Patients")."""
_OPENERS = frozenset(
    {
        "the", "this", "these", "those", "that", "we", "our", "it", "its", "they", "their", "he",
        "she", "a", "an", "in", "on", "at", "to", "of", "for", "from", "with", "by", "as", "after",
        "before", "during", "since", "when", "while", "although", "though", "however", "thus",
        "therefore", "hence", "here", "there", "both", "each", "all", "no", "one", "two", "three",
        "some", "most", "many", "several", "patients", "results", "conclusion", "conclusions",
        "methods", "background", "overall", "moreover", "furthermore", "additionally", "finally",
        "subsequently", "collectively", "together", "notably", "importantly", "interestingly",
        "despite", "if", "among", "between", "only", "compared", "following", "treatment",
    }
)  # fmt: skip
"""Words that open sentences, and are written with a capital seldom elsewhere."""

_LOOK_BACK = 24
_ABBREVIATION = 7
"""Characters of a word that is too long to be one of those above."""
_LAST_WORDS = re.compile(r"[^\s(\[]+")
_FIRST_WORD = re.compile(r"[^\W\d_]+(?![\w-])")

LONGEST = 2_000
"""Characters; the longest real sentence of an abstract has a few hundred."""


def split(text: str) -> list[str]:
    """Each sentence, in order, without the blanks between them."""
    found: list[str] = []
    start = 0
    for stop in _STOP.finditer(text):
        dot, after = stop.span()
        if text[dot] == "\n" or not _goes_on(text, dot, after):
            _cut(text[start:after], found)
            start = after
    _cut(text[start:], found)
    return found


def _cut(stretch: str, found: list[str]) -> None:
    """Add a stretch; one without full stops in bounded pieces, cut at blanks."""
    while len(stretch) > LONGEST:
        blank = stretch.rfind(" ", 1, LONGEST)
        middle = blank if blank > 0 else LONGEST
        _cut(stretch[:middle], found)
        stretch = stretch[middle:]
    shorn = stretch.strip()
    if shorn:
        found.append(shorn)


def _goes_on(text: str, dot: int, after: int) -> bool:
    if after >= len(text):
        return True
    follows = text[after]
    if text[dot] != ".":
        return follows.islower()
    if follows.islower():
        return _begins_small(text, after)
    if dot > _ABBREVIATION and text[dot - _ABBREVIATION : dot].isalnum():
        return False  # as after most sentences
    before = _LAST_WORDS.findall(text, max(0, dot - _LOOK_BACK), dot)
    last = before[-1] if before else ""
    short = len(last) < _ABBREVIATION
    return short and _expects_more(text, after, last, before[-2] if before[1:] else "")


def _expects_more(text: str, after: int, last: str, previous: str) -> bool:
    """Whether the dot after a word belongs to the word; a capital, number or sign follows."""
    small = last.lower().lstrip("\"'\u201c")
    if small in _NEVER_LAST:
        return True
    if small in _BEFORE_NUMBERS:
        return text[after].isdigit()
    if small in _SELDOM_LAST:
        return not _opens(text, after)
    if len(last) == 1 and last.isupper() and text[after : after + 2].istitle():
        initial = len(previous) == 2 and previous.endswith(".")
        named = initial or previous.lower() in _BEFORE_NAMES
        return named and not _opens(text, after)
    return False


def _opens(text: str, at: int) -> bool:
    word = _FIRST_WORD.match(text, at)
    return word is not None and word.group().lower() in _OPENERS


def _begins_small(text: str, at: int) -> bool:
    """A small letter means that the sentence goes on, but "mRNA" and "iPSC" may begin one."""
    word = text[at : at + 12].split(" ", maxsplit=1)[0]
    return not any(c.isupper() for c in word)
