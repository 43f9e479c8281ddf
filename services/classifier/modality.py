"""Which kinds of CAR an article covers."""

from dataclasses import dataclass, field

from services.classifier.mentions import Mention, Reading
from services.classifier.relate import Tie, ties
from services.classifier.scoring import Support, supports
from services.classifier.study import Study
from services.classifier.taxonomy import Taxonomy

GENERAL = "car-t-general"
DUAL = "dual-car-t"
CELLS = ("car-treg", "car-nk", "car-other-cell")
"""Carriers that are no conventional T cell."""
RECEPTORS_OF_T = ("caar-t", "pmhc-car-t", DUAL)
AIMED = ("cd19-car-t", "bcma-car-t", "other-target-car-t")
ALONE = 0.75
"""Weight that abstract sentences must add up to when the title does not name the kind."""
TOLD = 0.39
"""One plain sentence: enough for a stated target, and for what a review lists."""


@dataclass(slots=True)
class Kinds:
    """Supports for modalities, targets and products, while the rules work on them."""

    modalities: dict[str, Support] = field(default_factory=dict)
    targets: dict[str, Support] = field(default_factory=dict)
    products: dict[str, Support] = field(default_factory=dict)
    carried: frozenset[int] = frozenset()
    """Sentences that say which other cell carries the receptor that they name."""

    def add(self, taxonomy: Taxonomy, key: str, mention: Mention) -> None:
        """Let a mention speak for the label with this key."""
        facet, _, name = key.partition(":")
        table = self.targets if facet == "target" else self.modalities
        table.setdefault(name, Support(taxonomy.by_key[key])).add(mention)

    def title(self, name: str) -> bool:
        """Whether the title names a modality."""
        support = self.modalities.get(name)
        return support is not None and support.title >= 0.5

    def weight(self, name: str) -> float:
        """Everything that speaks for a modality."""
        support = self.modalities.get(name)
        return support.title + support.rest if support else 0.0


def kinds_of(reading: Reading, taxonomy: Taxonomy) -> Kinds:
    """All that is said about kinds of CAR, before anything is left out."""
    carried = frozenset(m.sentence.number for m in reading.of("modality") if m.kind == "cell")
    kinds = Kinds(supports(reading.of("modality")), {}, supports(reading.of("product")), carried)
    for tie in ties(reading, taxonomy.joining):
        _tie(kinds, tie, taxonomy)
    for support in kinds.products.values():
        for mention in support.best.values():
            for key in support.label.implies:
                kinds.add(taxonomy, key, mention)
    return kinds


def _tie(kinds: Kinds, tie: Tie, taxonomy: Taxonomy) -> None:
    for target in tie.targets:
        kinds.add(taxonomy, target.label.key, target)
    if tie.receptor.label.id in CELLS or tie.receptor.label.id in ("caar-t", "pmhc-car-t"):
        return
    if tie.receptor.label.facet == "receptor" and tie.receptor.sentence.number in kinds.carried:
        return
    if tie.dual:
        kinds.add(taxonomy, f"modality:{DUAL}", tie.joined(*tie.targets))
        return
    for target in tie.targets:
        if target.label.aimed:
            kinds.add(taxonomy, f"modality:{target.label.aimed}", tie.joined(target))


def choose(kinds: Kinds, reading: Reading, study: Study) -> list[str]:
    """The modalities that the article is about, given that it is about CARs at all."""
    named = [name for name in kinds.modalities if name != GENERAL and _covered(kinds, name, study)]
    named = _dual_rule(kinds, named)
    cells = [name for name in named if name in CELLS]
    if cells and not kinds.title(GENERAL):
        named = _cell_rule(kinds, named, cells)
    if _general(kinds, reading, study, named):
        named.append(GENERAL)
    return named or [_fallback(kinds)]


def _covered(kinds: Kinds, name: str, study: Study) -> bool:
    support = kinds.modalities[name]
    if support.title >= 0.5:
        return True
    stated = study.is_review or name in AIMED or name == "caar-t" or _by_product(kinds, name)
    return support.rest >= (TOLD if stated else ALONE)


def _by_product(kinds: Kinds, name: str) -> bool:
    """Ruling 5: a named product states its kind."""
    return any(f"modality:{name}" in s.label.implies for s in kinds.products.values())


def _dual_rule(kinds: Kinds, named: list[str]) -> list[str]:
    """Ruling 6: single-target arms beside a dual CAR are comparators; dual CAR-NK is CAR-NK."""
    if DUAL not in named:
        return named
    if any(kinds.title(name) for name in CELLS) and not kinds.title(GENERAL):
        return [name for name in named if name != DUAL]
    if kinds.title(DUAL):
        return [name for name in named if name not in AIMED or kinds.title(name)]
    return named


def _cell_rule(kinds: Kinds, named: list[str], cells: list[str]) -> list[str]:
    """A title about CAR-NK or CAR-Treg is not about the CAR-T cells it compares them with."""
    if any(kinds.title(name) for name in cells):
        return [name for name in named if name not in AIMED or kinds.title(name)]
    return named


def _general(kinds: Kinds, reading: Reading, study: Study, named: list[str]) -> bool:
    if GENERAL not in kinds.modalities:
        return False
    if not named:
        return True
    if not study.is_review:
        return False
    kind_of_t = [n for n in named if n in AIMED or n in RECEPTORS_OF_T]
    if kinds.title(GENERAL):
        return not any(kinds.title(n) for n in [*kind_of_t, "in-vivo-car", "allogeneic-car"])
    if any(kinds.title(name) for name in named):
        return False
    return kinds.modalities[GENERAL].rest >= ALONE


def _fallback(kinds: Kinds) -> str:
    rest = {name: kinds.weight(name) for name in kinds.modalities}
    best = max(rest, key=lambda name: rest[name], default=GENERAL)
    return best if rest.get(best, 0) > 0 else GENERAL
