"""What kind of evidence an article is."""

from dataclasses import dataclass

from services.classifier.mentions import Mention, Reading
from services.classifier.scoring import Support, supports

REVIEWS = frozenset({"review", "systematic-review", "commentary", "guidance"})
DECISIVE = ("notice", "protocol", "systematic-review", "guidance", "case-report")
"""Kinds that a title states; in this order, since an erratum's title repeats the article's."""

_TITLE = {"strong": 3.0, "plain": 0.9, "weak": 0.4}
_ABSTRACT = {"strong": 0.8, "plain": 0.3, "weak": 0.1}
_TYPE = {
    "trial": 5.0, "systematic-review": 6.0, "notice": 9.0, "case-report": 4.5, "review": 4.5,
    "commentary": 2.2, "observational": 2.0, "guidance": 5.0, "protocol": 5.0,
}  # fmt: skip
_NAMED_TYPE = {"letter": 1.2, "comment": 3.0, "news": 7.0, "editorial": 6.0}
"""Publication types that say more, or less, than others of their kind (ruling 8: a letter may
report patients)."""
_TELLING = {"review": 1.9, "case-report": 1.5, "trial": 1.5}
"""Kinds whose strong phrases in an abstract are said of the article itself."""
_MOST = {"review": 4.0}
LEAST = 0.25
"""Score below which nothing has been said of the kind."""
TOO_SHORT = 9
"""Words of a title without abstract or type below which it is taken for commentary."""


@dataclass(frozen=True, slots=True)
class Study:
    """The kind, how sure, and the mentions that say so (none where it is a default)."""

    kind: str
    confidence: float
    mentions: tuple[Mention, ...]

    @property
    def is_review(self) -> bool:
        """Whether it writes about the work of others."""
        return self.kind in REVIEWS


def study_of(reading: Reading) -> Study:
    """The kind with the highest score; publication types, title and abstract all speak."""
    found = supports(reading.of("evidence"))
    scores = {kind: _score(support) for kind, support in found.items()}
    _adjust(scores, found, reading)
    kind = max(scores, key=lambda kind: scores[kind], default="")
    if not kind or scores[kind] < LEAST:
        return Study(_default(reading), 0.4, ())
    rest = sorted(scores.values())[-2] if len(scores) > 1 else 0.0
    support = found.get(kind)
    sure = scores[kind] / (scores[kind] + max(0.0, rest) + 0.6)
    return Study(kind, sure, tuple(support.mentions) if support else ())


def _score(support: Support) -> float:
    title = abstract = types = 0.0
    for mention in support.best.values():
        place = mention.sentence.place
        if place == "title":
            title = _TITLE[mention.kind]
        elif place == "publication-type":
            types = max(types, _type_weight(mention))
        elif place == "abstract":
            telling = _TELLING.get(support.label.id, 1.0) if mention.kind == "strong" else 1.0
            abstract += _ABSTRACT[mention.kind] * min(1.0, mention.factor) * telling
    return title + types + min(abstract, _MOST.get(support.label.id, 2.4))


def _type_weight(mention: Mention) -> float:
    name = mention.sentence.text.casefold()
    return _NAMED_TYPE.get(name, _TYPE.get(mention.label.id, 1.0))


def _adjust(scores: dict[str, float], found: dict[str, Support], reading: Reading) -> None:
    for step, kind in enumerate(DECISIVE):
        support = found.get(kind)
        if support and _title_states(support):
            scores[kind] += 4.0 - 0.2 * step
    if not any(s.place == "abstract" for s in reading.sentences):
        _without_abstract(scores, found, reading)


def _title_states(support: Support) -> bool:
    mention = support.best.get(0)
    return mention is not None and mention.kind == "strong" and mention.weight > 0


def _without_abstract(
    scores: dict[str, float], found: dict[str, Support], reading: Reading
) -> None:
    """A title alone: narrative reviews have their type in PubMed, opinions often have none."""
    review = found.get("review")
    if review and not any(m.kind == "strong" for m in review.best.values()):
        scores["review"] *= 0.2
    title = reading.sentences[0].text
    if title.rstrip(" .").endswith("?"):
        scores["commentary"] = scores.get("commentary", 0.0) + 0.5


def _default(reading: Reading) -> str:
    if any(s.place == "abstract" for s in reading.sentences):
        return "observational" if reading.has_cue("patients") else "preclinical"
    return "commentary"
