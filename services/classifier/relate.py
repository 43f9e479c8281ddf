"""Which target belongs to which CAR: "anti-CD19 CAR-T", "CAR-T cells directed against BCMA".

A target is tied to a chimeric receptor when only joining words stand between them, or when a word
of aim ("targeting") leads from the receptor to it. Two targets tied to one receptor are a dual CAR
if their joint says so ("CD19/BCMA") or the sentence does ("compound", "co-infusion").
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise

from services.classifier.finder import CueHit
from services.classifier.mentions import Mention, Reading
from services.classifier.scoring import by_sentence
from services.classifier.tokens import normal

JOINT = 8
CHAIN = 4
REACH = 12
AIM = 6
ATTRIBUTES = frozenset({"in-vivo-car", "mrna-car", "allogeneic-car", "dual-car-t"})
"""Modalities that say how a CAR is made, and not which cell carries it."""


@dataclass(frozen=True, slots=True, eq=False)
class Tie:
    """Targets that one receptor aims at; `dual` when it aims at all of them at once."""

    targets: tuple[Mention, ...]
    receptor: Mention
    dual: bool

    def joined(self, *targets: Mention) -> Mention:
        """The first of some targets, over all words from these to the receptor.

        They weigh what the target does, and name what they carry: "CD19/BCMA compound CAR".
        """
        one, every = targets[0], (*targets, self.receptor)
        first, last = min(m.first for m in every), max(m.last for m in every)
        return Mention(
            one.label, one.kind, one.phrase, one.sentence, first, last, one.weight, one.factor
        )


@dataclass(frozen=True, slots=True)
class _Joining:
    """Which words of a sentence may stand between a target and its receptor: some, and targets."""

    words: Sequence[str]
    known: frozenset[str]
    targets: AbstractSet[int]

    def close(self, last: int, first: int, most: int) -> bool:
        """Whether nothing else stands between two words, and not too many of these."""
        return first - last <= most and all(
            place in self.targets or normal(self.words[place]) in self.known
            for place in range(last, first)
        )


def ties(reading: Reading, joining: frozenset[str]) -> list[Tie]:
    """Every tie in the article, in reading order; `joining` are words that may stand between."""
    targets = by_sentence(reading.of("target"))
    receptors = by_sentence(reading.of("receptor") + reading.of("modality"))
    found: list[Tie] = []
    for number, group in targets.items():
        if number in receptors:
            cues = reading.cues.get(number, [])
            found += _in_sentence(group, _carriers(receptors[number]), cues, joining)
    return found


def _carriers(mentions: list[Mention]) -> list[Mention]:
    """Of overlapping mentions the longest: "CAR NK", not the "CAR" in it."""
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda m: (m.first - m.last, m.label.facet)):
        if mention.label.id in ATTRIBUTES:
            continue
        if not any(k.first < mention.last and mention.first < k.last for k in kept):
            kept.append(mention)
    return sorted(kept, key=lambda m: m.first)


def _in_sentence(
    targets: list[Mention],
    receptors: list[Mention],
    cues: list[CueHit],
    between: frozenset[str],
) -> Iterator[Tie]:
    named = {place for m in targets for place in range(m.first, m.last)}
    joining = _Joining(targets[0].sentence.words, between, named)
    dual = any(cue.kind == "dual" for cue, _, _ in cues)
    for chain in _chains(targets, joining):
        several = len({m.label.id for m in chain}) > 1
        receptor = _before(chain, receptors, joining)
        if receptor:
            yield Tie(tuple(chain), receptor, several and (dual or _joint(chain)))
            continue
        receptor = _after(chain, receptors, cues)
        if receptor:
            # "CAR-T cells targeting CD19 and BCMA" in a title is one product.
            one = dual or _joint(chain) or receptor.sentence.place == "title"
            yield Tie(tuple(chain), receptor, several and one)


def _chains(targets: list[Mention], joining: _Joining) -> Iterator[list[Mention]]:
    chain: list[Mention] = []
    for target in targets:
        if chain and (
            not joining.close(chain[-1].last, target.first, CHAIN) or _either(chain[-1], target)
        ):
            yield chain
            chain = []
        chain.append(target)
    if chain:
        yield chain


def _either(one: Mention, two: Mention) -> bool:
    return "or" in one.sentence.words[one.last : two.first]


def _before(chain: list[Mention], receptors: list[Mention], joining: _Joining) -> Mention | None:
    """The receptor that follows the targets: "CD19-directed ... CAR"."""
    first, last = chain[0].first, chain[-1].last
    for receptor in receptors:
        inside = receptor.first <= first and last <= receptor.last
        if inside or (receptor.last > last and joining.close(last, receptor.first, JOINT)):
            return receptor
    return None


def _after(
    chain: list[Mention], receptors: list[Mention], cues: Sequence[CueHit]
) -> Mention | None:
    """The receptor that comes first: "CAR-T cells targeting CD19"."""
    first = chain[0].first
    for receptor in reversed(receptors):
        if not 0 <= first - receptor.last <= REACH:
            continue
        if first - receptor.last <= 1 and receptor.sentence.place == "title":
            return receptor
        if any(cue.kind == "aimed" and receptor.last <= begin and end <= first <= end + AIM
               for cue, begin, end in cues):  # fmt: skip
            return receptor
    return None


_JOINT = re.compile(r"(?:[^\w\s,;()]{1,2}|x)(?:anti[^\w\s]?)?")


def _joint(chain: list[Mention]) -> bool:
    """Whether two different targets are joined by a sign: "CD19/BCMA", "CD19-CD22"."""
    for one, two in pairwise(chain):
        between = one.sentence.between(one.last, two.first).strip()
        if one.label is not two.label and _JOINT.fullmatch(between):
            return True
    return False
