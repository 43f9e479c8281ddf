"""From mentions to a score and a confidence for each label."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.classifier.mentions import Mention
from services.classifier.taxonomy import TaxonomyLabel

MOST_EVIDENCE = 3
CERTAIN = 0.99


@dataclass(slots=True)
class Support:
    """All that speaks for one label: the best mention of each sentence."""

    label: TaxonomyLabel
    best: dict[int, Mention] = field(default_factory=dict)

    def add(self, mention: Mention) -> None:
        """Keep the mention if it is its sentence's best."""
        known = self.best.get(mention.sentence.number)
        if known is None or mention.weight > known.weight:
            self.best[mention.sentence.number] = mention

    @property
    def title(self) -> float:
        """The weight of the title's mention; 0 when the title is silent."""
        mention = self.best.get(0)
        return mention.weight if mention else 0.0

    @property
    def rest(self) -> float:
        """The summed weight of all other sentences."""
        return sum(m.weight for m in self.best.values() if m.sentence.number)

    @property
    def mentions(self) -> list[Mention]:
        """The mentions, strongest first."""
        found = list(self.best.values())
        if len(found) > 1:
            found.sort(key=lambda m: (-m.weight, m.sentence.number))
        return found

    @property
    def confidence(self) -> float:
        """0 to 1: sentences are taken as independent witnesses, 1 - product(1 - 0.85 weight).

        So a title alone gives 0.85, one plain sentence of an abstract 0.34, three of them 0.71;
        negated and compared mentions, whose weight is near 0, add nothing and background little.
        """
        doubt = 1.0
        for mention in self.best.values():
            doubt *= 1 - 0.85 * min(1.0, mention.weight)
        return min(CERTAIN, 1 - doubt)


def supports(mentions: Iterable[Mention]) -> dict[str, Support]:
    """Supports by label id."""
    found: dict[str, Support] = {}
    for mention in mentions:
        name = mention.label.id
        if name in found:
            found[name].add(mention)
        else:
            found[name] = Support(mention.label, {mention.sentence.number: mention})
    return found


def merge(into: Support, other: Support) -> None:
    """Let what speaks for `other` speak for `into` too."""
    for mention in other.best.values():
        into.add(mention)


def to_label(
    label: TaxonomyLabel, mentions: Sequence[Mention], confidence: float
) -> dict[str, object]:
    """The fields of a `Label` of the event, with its strongest sentences."""
    if label.facet == "receptor":
        raise ValueError("receptor is not a facet of the answer")
    return {
        "facet": label.facet,
        "id": label.id,
        "name": label.name,
        "confidence": round(min(CERTAIN, max(0.01, confidence)), 3),
        "evidence": tuple([mention.fields() for mention in mentions[:MOST_EVIDENCE]]),
    }


def by_sentence(mentions: Iterable[Mention]) -> dict[int, list[Mention]]:
    """Mentions by sentence, in the order of the words."""
    found: dict[int, list[Mention]] = defaultdict(list)
    for mention in mentions:
        found[mention.sentence.number].append(mention)
    for group in found.values():
        group.sort(key=lambda m: (m.first, m.last))
    return found
