"""How near an article is to the seed, from the reasons it is here for."""

from collections.abc import Iterable

from shared.events import Reason

QUERY = 0.4
CITED_BY = 0.5
REFERENCE = 0.35
CITES_TRACKED = 0.08
SIMILAR_FIRST = 0.8
SIMILAR_LAST = 0.3
SIMILAR_UNRANKED = 0.4


def relatedness(reasons: Iterable[Reason]) -> float:
    """0 to 1, rounded to 3 places; 0 without a reason. Orders digests, and nothing else.

    Every relation is taken as independent evidence with a weight, and the weights are joined as
    probabilities are (1 - product of 1 - w): two reasons are more than one and never more than 1.
    Citing the seed weighs 0.5, answering a query 0.4, being a reference of the seed 0.35. A
    similar article weighs 0.8 at the first rank and falls evenly to 0.3 at the last; NCBI's own
    scores are not used, as they can be compared only within one list. Of several reasons of one
    relation the strongest counts, so that a topic with many queries does not inflate them.
    An article that cites n of the topic's own weighs 1 - 0.92^n, and never more than one that
    cites the seed.
    The numbers are a judgement, not a fit: what matters is the order they give.
    """
    strongest: dict[str, float] = {}
    for reason in reasons:
        weight = _weight(reason)
        strongest[reason.relation] = max(weight, strongest.get(reason.relation, 0.0))
    remaining = 1.0
    for weight in strongest.values():
        remaining *= 1.0 - weight
    return round(1.0 - remaining, 3)


def _weight(reason: Reason) -> float:
    if reason.relation == "query":
        return QUERY
    if reason.relation == "cited-by":
        return CITED_BY
    if reason.relation == "references":
        return REFERENCE
    if reason.relation == "cites-tracked":
        return min(1.0 - (1.0 - CITES_TRACKED) ** (reason.cites or 1), CITED_BY)
    if reason.rank is None:
        return SIMILAR_UNRANKED
    steps = max((reason.of or reason.rank) - 1, 1)
    share = min((reason.rank - 1) / steps, 1.0)
    return SIMILAR_FIRST - share * (SIMILAR_FIRST - SIMILAR_LAST)
