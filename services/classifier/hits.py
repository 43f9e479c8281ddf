"""Which phrases stand in a sentence, once excluded and overlapping ones are sorted out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from services.classifier.taxonomy import Rule, TaxonomyLabel


@dataclass(slots=True)
class Hit:
    """A label's phrase with its first word and the word after its last."""

    rule: Rule
    label: TaxonomyLabel
    first: int
    last: int

    def meets(self, others: Iterable["Hit"]) -> bool:
        """Whether it shares a word with any of the others."""
        return any(self.first < other.last and other.first < self.last for other in others)


_reading_order = attrgetter("first", "last")


def counting(every: list[Hit]) -> list[Hit]:
    """The hits of a sentence's labels that count, in reading order.

    Dropped are those inside a phrase that their label excludes, shorter ones inside longer ones
    of the same label, and those that need a chimeric receptor where the sentence names none.
    """
    hits = _longest(_not_excluded(every))
    if any(_needs_receptor(hit) for hit in hits) and not _names_receptor(hits):
        hits = [hit for hit in hits if not _needs_receptor(hit)]
    if any(hit.rule.kind == "cell" for hit in hits) and not _names_bare_receptor(hits):
        hits = [hit for hit in hits if hit.rule.kind != "cell"]
    return hits


def _not_excluded(hits: list[Hit]) -> list[Hit]:
    excluding = [hit for hit in hits if hit.rule.kind == "not"]
    if not excluding:
        return hits
    blocked: dict[str, list[Hit]] = defaultdict(list)
    for hit in excluding:
        blocked[hit.label.key].append(hit)
    return [
        hit
        for hit in hits
        if hit.rule.kind != "not" and not hit.meets(blocked.get(hit.label.key, ()))
    ]


def _longest(hits: list[Hit]) -> list[Hit]:
    if len(hits) < 2:
        return hits
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.label.key, []).append(hit)
    if len(groups) < len(hits):
        hits = [hit for group in groups.values() for hit in _apart(group)]
    return sorted(hits, key=_reading_order)


def _apart(group: list[Hit]) -> list[Hit]:
    """Of one label's hits those that overlap with no longer one."""
    if len(group) == 1:
        return group
    kept: list[Hit] = []
    for hit in sorted(group, key=lambda hit: (hit.first - hit.last, hit.first)):
        if not hit.meets(kept):
            kept.append(hit)
    return kept


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
