"""Which phrases stand in a sentence, once excluded and overlapping ones are sorted out."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from services.classifier.entries import Rule
from services.classifier.finder import Hit

_reading_order = itemgetter(1, 2)
_RECEPTORS = ("receptor", "modality", "product")


def counting(every: list[Hit]) -> list[Hit]:
    """The hits of a sentence's labels that count, in reading order.

    Dropped are those inside a phrase that their label excludes, shorter ones inside longer ones
    of the same label, and those that need a chimeric receptor where the sentence names none.
    """
    for rule, _, _ in every:
        if rule.special:
            return _special(every)
    return _longest(every)


def _special(every: list[Hit]) -> list[Hit]:
    hits = _longest(_not_excluded(every))
    if True in {rule.near for rule, _, _ in hits} and not _names_receptor(hits):
        hits = [hit for hit in hits if not hit[0].near]
    if "cell" in {rule.kind for rule, _, _ in hits} and not _names_bare_receptor(hits):
        hits = [hit for hit in hits if hit[0].kind != "cell"]
    return hits


def _meets(hit: Hit, others: Iterable[Hit]) -> bool:
    """Whether it shares a word with any of the others."""
    _, begin, end = hit
    return bool([1 for _, first, last in others if begin < last and first < end])


def _not_excluded(hits: list[Hit]) -> list[Hit]:
    blocked: dict[str, list[Hit]] = {}
    for hit in hits:
        if hit[0].kind == "not":
            blocked.setdefault(hit[0].key, []).append(hit)
    if not blocked:
        return hits
    return [
        hit for hit in hits if hit[0].kind != "not" and not _meets(hit, blocked.get(hit[0].key, ()))
    ]


def _longest(hits: list[Hit]) -> list[Hit]:
    if len(hits) < 2:
        return hits
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        key = hit[0].key
        if key in groups:
            groups[key].append(hit)
        else:
            groups[key] = [hit]
    if len(groups) < len(hits):
        hits = []
        for group in groups.values():
            hits += _apart(group) if len(group) > 1 else group
    return sorted(hits, key=_reading_order)


def _apart(group: list[Hit]) -> list[Hit]:
    """Of one label's hits, in the order of their ends, those that overlap with no longer one."""
    if len(group) == 2:
        one, two = group
        if one[2] <= two[1]:
            return group
        # Of two of one length the first counts, and the second ends no earlier.
        return [two] if two[2] - two[1] > one[2] - one[1] else [one]
    kept: list[Hit] = []
    for hit in sorted(group, key=_rank):
        if not kept or not _meets(hit, kept):
            kept.append(hit)
    return kept


def _rank(hit: Hit) -> tuple[int, int]:
    """The longest first; of those the first."""
    _, first, last = hit
    return first - last, first


def _facet(rule: Rule) -> str:
    return rule.key.partition(":")[0]


def _names_receptor(hits: Iterable[Hit]) -> bool:
    return any(
        _facet(rule) in _RECEPTORS and not rule.near and rule.kind != "cell" for rule, _, _ in hits
    )


def _names_bare_receptor(hits: Sequence[Hit]) -> bool:
    """Whether a chimeric receptor is named without saying which cell carries it."""
    carriers = [hit for hit in hits if _carries(hit[0])]
    return any(hit[0].key == "receptor:car" and not _meets(hit, carriers) for hit in hits)


def _carries(rule: Rule) -> bool:
    label = rule.label
    if label.facet != "modality" or rule.kind != "strong":
        return False
    return not label.near_receptor
