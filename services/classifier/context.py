"""How a mention is meant: said of the article, or only negated, compared with, or background.

A cue rules a stretch of its sentence: a negation the next few words, a denial the few before it, a
comparison what follows it in its clause, background, hope and future the clause they stand in
(NegEx's idea of scope: W. Chapman and others, Journal of Biomedical Informatics 34, 2001, pages
301-310).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.classifier.passages import Sentence
from services.classifier.taxonomy import CueKind

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


@dataclass(slots=True)
class CueMention:
    """A cue in a sentence, by word numbers `first` to `last` (exclusive)."""

    kind: CueKind
    first: int
    last: int


def weigh(sentence: Sentence, first: int, last: int, cues: Sequence[CueMention]) -> float:
    """What a mention of words `first` to `last` counts.

    1 is plain, 0 negated, above 1 listed or done by the authors.
    """
    factor, raised = 1.0, 1.0
    for cue in cues:
        if cue.kind in RAISED:
            raised = max(raised, RAISED[cue.kind])
        elif cue.kind in FACTOR and _rules(sentence, cue, first, last):
            factor = min(factor, FACTOR[cue.kind])
    return raised if factor == 1.0 else factor


def _rules(sentence: Sentence, cue: CueMention, first: int, last: int) -> bool:
    if cue.first < last and first < cue.last:
        return False
    if sentence.place == "title" and cue.kind != "negation":
        return False  # a title names what it covers, compared or not
    if cue.first < first:
        reach = _REACH.get(cue.kind)
        near = reach is None or first - cue.last < reach
        # "In the future, ..." opens its clause, though a comma follows it.
        opening = cue.kind == "future" and cue.first == 0
        return near and not _parted(sentence, cue.last, first, opening=opening)
    return _rules_before(sentence, cue, last)


def _rules_before(sentence: Sentence, cue: CueMention, last: int) -> bool:
    """Whether a cue rules what stands before it.

    Background does ("... have transformed"), a denial just before it ("... were not used"), and a
    hope ("... may one day"). What is merely a plan does not: authors end with plans for their own.
    """
    if cue.kind == "background":
        return True
    near = cue.kind == "hope" or (cue.kind == "denial" and cue.first - last < DENIAL_REACH)
    return near and not _parted(sentence, last, cue.first)


def _parted(sentence: Sentence, last: int, first: int, *, opening: bool = False) -> bool:
    """Whether a clause ends between two words."""
    between = sentence.between(last, first)
    return _CLAUSE.search(between.lstrip(",") if opening else between) is not None
