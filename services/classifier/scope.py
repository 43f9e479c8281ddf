"""Whether an article belongs to the topic: the rules that decide, of the annotation guideline."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from services.classifier.mentions import Mention, Reading
from services.classifier.scoring import Support
from services.classifier.study import Study

ENOUGH_IMMUNE_REVIEW = 0.39
"""Ruling 4: a review of an immune disease that names CAR therapy among its approaches."""
ENOUGH = 0.75
NAMED, BARE = 0.5, 0.39
"""What a title's mention must weigh: a bare "CAR" is enough beside words of immunity or cancer."""
ENGINEERED = "engineered-cell"
"""Ruling 2: a title about engineered cells for an immune disease counts as one about CARs."""
DOUBTFUL = ("=CARs", "=CART")
"""Short forms that count unless the text speaks of their other senses."""
CLOSING = 0.3
"""What a closing sentence counts at most: it is where futures are offered in one clause."""
THIN = 3
"""Words of title and abstract together below which nothing can be said."""


@dataclass(frozen=True, slots=True)
class Receptor:
    """What speaks for chimeric receptors: `about` is the verdict, `unsure` a CAR unexplained."""

    about: bool
    unsure: bool
    mentions: tuple[Mention, ...]


def receptor_of(reading: Reading, study: Study, immune: bool) -> Receptor:
    """Whether the article is about chimeric receptors at all; `immune`: it has such a disease."""
    mentions = _counting(reading, immune)
    best: dict[int, float] = {}
    for mention in mentions:
        number = mention.sentence.number
        weight = min(CLOSING, mention.weight) if mention.sentence.last else mention.weight
        best[number] = max(best.get(number, 0.0), weight)
    rest = sum(weight for number, weight in best.items() if number)
    enough = ENOUGH_IMMUNE_REVIEW if immune and study.is_review else ENOUGH
    in_title = BARE if reading.has_cue("support", title=True) else NAMED
    about = best.get(0, 0.0) >= in_title or rest >= enough
    return Receptor(about, _unsure(reading, mentions), tuple(mentions))


def _counting(reading: Reading, immune: bool) -> list[Mention]:
    found = [
        mention
        for facet in ("receptor", "modality", "product")
        for mention in reading.of(facet)
        if not (mention.label.near_receptor and mention.kind == "plain")
        and (mention.label.id != ENGINEERED or (immune and mention.sentence.place == "title"))
    ]
    certain = [m for m in found if m.kind != "weak" and m.phrase not in DOUBTFUL]
    if certain:
        return found
    if reading.has_cue("other-sense"):
        return []
    plural = any(m.phrase in DOUBTFUL for m in found)
    return found if plural or reading.has_cue("support") else []


def _unsure(reading: Reading, counting: list[Mention]) -> bool:
    size = sum(len(s.words) for s in reading.sentences if s.place in ("title", "abstract"))
    bare = [m for m in reading.of("receptor") if m.kind == "weak"]
    thin = size < 30 and bool(bare) and not reading.has_cue("other-sense")
    return not counting and (size < THIN or thin)


def scope_of(
    receptor: Receptor, diseases: Mapping[str, Support], reading: Reading, study: Study
) -> str:
    """The scope, given what the article is about."""
    if not receptor.about:
        return "unclear" if receptor.unsure else "none"
    groups = {support.label.group for support in diseases.values()}
    if "autoimmune" in groups:
        return _autoimmune(diseases, groups, reading, study)
    if "immune" in groups:
        return "adjacent"
    return "adjacent" if _signals_more(diseases, reading) else "oncology"


def _autoimmune(
    diseases: Mapping[str, Support], groups: AbstractSet[str | None], reading: Reading, study: Study
) -> str:
    if all(_large(s) for s in diseases.values() if s.label.group == "autoimmune"):
        return "adjacent"
    if "cancer" not in groups:
        return "core"
    if study.is_review:
        return "adjacent"
    return "adjacent" if study.kind in ("case-report", "observational") else "core"


def _large(support: Support) -> bool:
    """Whether only the field of medicine is named ("in neurology"), not its autoimmunity."""
    of_organ = support.label.id.endswith("-other")
    return of_organ and all(mention.kind == "weak" for mention in support.best.values())


def _signals_more(diseases: Mapping[str, Support], reading: Reading) -> bool:
    """Ruling 1: beyond cancer, or suppressive work, as CAR-Treg work is, without a disease."""
    if reading.has_cue("beyond-cancer", title=True):
        return True
    if not diseases and reading.has_cue("tolerance", title=True):
        return True
    treg = any(m.label.id == "car-treg" and m.weight >= 0.5 for m in reading.of("modality"))
    return treg and not diseases
