"""How a mention is meant: said of the article, or only negated, compared with, or background.

A cue rules a stretch of its sentence: a negation the next few words, a denial the few before it, a
comparison what follows it in its clause, background, hope and future the clause they stand in
(NegEx's idea of scope: W. Chapman and others, Journal of Biomedical Informatics 34, 2001, pages
301-310).
"""

import re
from collections.abc import Sequence

from services.classifier.finder import CueHit
from services.classifier.passages import Sentence

NEGATION_REACH = 5
COMPARISON_REACH = 8
DENIAL_REACH = 3
FACTOR: dict[str, float] = {
    "negation": 0.0, "denial": 0.0, "comparison": 0.1, "background": 0.35, "future": 0.4,
    "hope": 0.4,
}  # fmt: skip
_REACH = {"negation": NEGATION_REACH, "comparison": COMPARISON_REACH, "denial": 0}
"""Words by which a cue may precede what it rules; others rule their clause."""
RAISED: dict[str, float] = {"listing": 1.4, "own": 1.9}
"""What a plain mention counts in a sentence that lists what a review covers, or that tells what the
authors did themselves: one such sentence of an abstract is enough to make its words a topic."""
RULING = frozenset({*FACTOR, *RAISED})
"""Cues that `weigh` asks for."""

_CLAUSE = re.compile(r"[;:,()\u2013\u2014]|\bbut\b|\bwhile\b|\bwhereas\b|\bhowever\b")


def weigh(sentence: Sentence, first: int, last: int, cues: Sequence[CueHit]) -> float:
    """What a mention of words `first` to `last` counts.

    1 is plain, 0 negated, above 1 listed or done by the authors.
    """
    factor, raised = 1.0, 1.0
    for rule, begin, end in cues:
        kind = rule.kind
        if kind in RAISED:
            raised = max(raised, RAISED[kind])
        elif kind in FACTOR and FACTOR[kind] < factor:
            if end <= first:
                rules = _rules_after(sentence, kind, begin, end, first)
            else:
                rules = begin >= last and _rules_before(sentence, kind, begin, last)
            factor = FACTOR[kind] if rules else factor
    return raised if factor == 1.0 else factor


def _rules_after(sentence: Sentence, kind: str, begin: int, end: int, first: int) -> bool:
    """Whether a cue of words `begin` to `end` rules what begins at word `first`, after it."""
    if sentence.place == "title" and kind != "negation":
        return False  # a title names what it covers, compared or not
    reach = _REACH.get(kind)
    near = reach is None or first - end < reach
    # "In the future, ..." opens its clause, though a comma follows it.
    opening = kind == "future" and begin == 0
    return near and not _parted(sentence, end, first, opening=opening)


def _rules_before(sentence: Sentence, kind: str, begin: int, last: int) -> bool:
    """Whether a cue that begins at word `begin` rules what ends before it, at word `last`.

    Background does ("... have transformed"), a denial just before it ("... were not used"), and a
    hope ("... may one day"). What is merely a plan does not: authors end with plans for their own.
    """
    if sentence.place == "title":
        return False
    if kind == "background":
        return True
    near = kind == "hope" or (kind == "denial" and begin - last < DENIAL_REACH)
    return near and not _parted(sentence, last, begin)


def _parted(sentence: Sentence, last: int, first: int, *, opening: bool = False) -> bool:
    """Whether a clause ends between two words."""
    between = sentence.between(last, first)
    return _CLAUSE.search(between.lstrip(",") if opening else between) is not None
