"""Which phrases stand in a sentence, once excluded and overlapping ones are sorted out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.classifier.passages import Sentence
from services.classifier.taxonomy import Rule, Taxonomy, TaxonomyLabel


@dataclass(frozen=True, slots=True)
class Hit:
    """A label's phrase with its first word and the word after its last."""

    rule: Rule
    label: TaxonomyLabel
    first: int
    last: int

    def meets(self, others: Iterable["Hit"]) -> bool:
        """Whether it shares a word with any of the others."""
        return any(self.first < other.last and other.first < self.last for other in others)


def labels_in(found: Sequence[tuple[Rule, int, int]]) -> list[Hit]:
    """The hits of labels that count, in reading order.

    Dropped are those inside a phrase that their label excludes, shorter ones inside longer ones
    of the same label, and those that need a chimeric receptor where the sentence names none.
    """
    every = [Hit(rule, rule.label, first, last) for rule, first, last in found if rule.label]
    hits = _longest(_not_excluded(every))
    if any(_needs_receptor(hit) for hit in hits) and not _names_receptor(hits):
        hits = [hit for hit in hits if not _needs_receptor(hit)]
    if any(hit.rule.kind == "cell" for hit in hits) and not _names_bare_receptor(hits):
        hits = [hit for hit in hits if hit.rule.kind != "cell"]
    return hits


def find(sentence: Sentence, taxonomy: Taxonomy) -> list[tuple[Rule, int, int]]:
    """Everything that the taxonomy knows in a sentence, labels and cues."""
    rules = taxonomy.rules
    return [(rules[number], a, b) for number, a, b in taxonomy.finder.find(sentence.words)]


def _not_excluded(hits: list[Hit]) -> list[Hit]:
    blocked: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        if hit.rule.kind == "not":
            blocked[hit.label.key].append(hit)
    if not blocked:
        return hits
    return [
        hit
        for hit in hits
        if hit.rule.kind != "not" and not hit.meets(blocked.get(hit.label.key, ()))
    ]


def _longest(hits: list[Hit]) -> list[Hit]:
    if len(hits) < 2:
        return hits
    kept: dict[str, list[Hit]] = defaultdict(list)
    for hit in sorted(hits, key=lambda hit: (hit.first - hit.last, hit.first)):
        if not hit.meets(kept[hit.label.key]):
            kept[hit.label.key].append(hit)
    return sorted((h for group in kept.values() for h in group), key=lambda h: (h.first, h.last))


def _needs_receptor(hit: Hit) -> bool:
    return hit.label.near_receptor and hit.rule.kind == "plain"


def _names_receptor(hits: Iterable[Hit]) -> bool:
    return any(
        hit.label.facet in ("receptor", "modality", "product") and not _needs_receptor(hit)
        for hit in hits
        if hit.rule.kind != "cell"
    )


def _names_bare_receptor(hits: Sequence[Hit]) -> bool:
    """Whether a chimeric receptor is named without saying which cell carries it."""
    carriers = [
        hit
        for hit in hits
        if hit.label.facet == "modality" and hit.rule.kind == "strong"
        and not hit.label.near_receptor
    ]  # fmt: skip
    return any(hit.label.key == "receptor:car" and not hit.meets(carriers) for hit in hits)
