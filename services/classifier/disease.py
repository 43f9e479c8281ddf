"""Which diseases an article is about."""

from services.classifier.mentions import Reading
from services.classifier.scoring import Support, merge, supports
from services.classifier.taxonomy import Taxonomy

GENERAL = "autoimmune-general"
SEVERAL = 0.75
"""Weight of abstract sentences that makes a disease a topic: two plain ones."""
SINGLED_OUT = 0.39
"""A disease named once where the title speaks of autoimmune disease, or of an organ's, at large."""
BESIDE_TITLE = 1.5
"""The same where the title names another disease already."""


def diseases(reading: Reading, taxonomy: Taxonomy) -> dict[str, Support]:
    """Supports of the diseases that the article is about, by id."""
    found = supports(reading.of("disease"))
    titled = {name for name, support in found.items() if support.title >= 0.9}
    chosen = {name: s for name, s in found.items() if name in titled or _topic(s, titled)}
    if GENERAL in titled:
        chosen |= {n: s for n, s in found.items() if s.title > 0 and _specific({n}, found)}
    if titled and all(_wide(name) for name in titled):
        chosen |= {
            n: s for n, s in found.items() if s.rest >= SINGLED_OUT and _specific({n}, found)
        }
    if not chosen:
        chosen = {name: s for name, s in found.items() if s.title > 0}
    if not chosen:
        chosen = {name: s for name, s in found.items() if s.rest >= SINGLED_OUT and _plain(s)}
    if GENERAL in chosen and GENERAL not in titled and _specific(titled, found):
        del chosen[GENERAL]
    for name in list(chosen):
        _imply(name, chosen, found, taxonomy)
    return chosen


def _specific(names: set[str], found: dict[str, Support]) -> bool:
    return any(found[name].label.group in ("autoimmune", "immune") for name in names - {GENERAL})


def _wide(name: str) -> bool:
    """Whether a label stands for diseases at large: of all organs, or of one."""
    return name == GENERAL or name.endswith("-other")


def _plain(support: Support) -> bool:
    """Whether a sentence says it of the article, and not as background or against it."""
    return any(mention.factor >= 1 and mention.kind != "weak" for mention in support.best.values())


def _topic(support: Support, titled: set[str]) -> bool:
    return support.rest + support.title >= (BESIDE_TITLE if titled else SEVERAL)


def _imply(
    name: str, chosen: dict[str, Support], found: dict[str, Support], taxonomy: Taxonomy
) -> None:
    for key in chosen[name].label.implies:
        other = key.partition(":")[2]
        if other not in chosen:
            chosen[other] = found.get(other) or Support(taxonomy.by_key[key])
            merge(chosen[other], chosen[name])
