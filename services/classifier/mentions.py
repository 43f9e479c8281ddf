"""Every place where a phrase of the taxonomy stands in an article, weighed by place and context."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from services.classifier.abbreviations import definitions
from services.classifier.context import CueMention, weigh
from services.classifier.passages import Sentence, sentences
from services.classifier.taxonomy import Kind, Rule, Taxonomy, TaxonomyLabel
from services.classifier.tokens import words
from shared.article import Article
from shared.events import Evidence

PLACE = {"title": 1.0, "abstract": 0.4, "mesh": 0.5, "keyword": 0.4, "publication-type": 1.0}
"""What a mention weighs by where it stands; the last two sentences of an abstract weigh more."""
CONCLUDING = 0.5
Hit = tuple[Rule, int, int]
"""A rule with its first word and the word after its last."""

KIND = {"strong": 1.0, "plain": 1.0, "weak": 0.4, "cell": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class Mention:
    """Words `first` to `last` (exclusive) of a sentence that speak of a label."""

    label: TaxonomyLabel
    kind: Kind
    phrase: str
    sentence: Sentence
    first: int
    last: int
    weight: float
    factor: float = 1.0

    def evidence(self) -> Evidence:
        """The mention as it goes into the event."""
        sentence = self.sentence
        start = sentence.words[self.first].start
        end = sentence.words[self.last - 1].end
        return Evidence(
            place=sentence.place,
            section=sentence.section,
            sentence=sentence.text,
            start=start,
            end=end,
            matched=sentence.text[start:end],
            rule=f"{self.label.key} {self.phrase}",
        )


@dataclass(slots=True)
class Reading:
    """An article with everything that was found in it."""

    sentences: list[Sentence]
    mentions: list[Mention] = field(default_factory=list)
    cues: dict[int, list[CueMention]] = field(default_factory=dict)
    shorts: dict[str, str] = field(default_factory=dict)

    def of(self, facet: str) -> list[Mention]:
        """The mentions of one facet that count for something."""
        return [m for m in self.mentions if m.label.facet == facet and m.weight > 0]

    def has_cue(self, kind: str, title: bool = False) -> bool:
        """Whether a cue of this kind stands anywhere, or in the title."""
        places = [0] if title else list(self.cues)
        return any(cue.kind == kind for place in places for cue in self.cues.get(place, ()))


def read(article: Article, taxonomy: Taxonomy) -> Reading:
    """Find every phrase, drop what is excluded or defined otherwise, and weigh the rest."""
    cut = sentences(article)
    reading = Reading(cut, shorts=_shorts(cut))
    for sentence in cut:
        if sentence.words:
            _read_sentence(sentence, taxonomy, reading)
    return reading


def _shorts(cut: Sequence[Sentence]) -> dict[str, str]:
    found: dict[str, str] = {}
    for sentence in cut:
        if "(" in sentence.text or "[" in sentence.text:
            for short, long in definitions(sentence.text).items():
                found.setdefault(short, long)
    return found


def _read_sentence(sentence: Sentence, taxonomy: Taxonomy, reading: Reading) -> None:
    rules = taxonomy.rules
    hits = [(rules[number], a, b) for number, a, b in taxonomy.finder.find(sentence.words)]
    cues = [CueMention(rule.cue, a, b) for rule, a, b in hits if rule.cue]
    if cues:
        reading.cues[sentence.number] = cues
    hits = _longest(_without_excluded([hit for hit in hits if hit[0].label]))
    named = {rule.label.facet for rule, _, _ in hits if rule.label}
    bare = "receptor" in named and _has_bare_receptor(hits)
    for rule, first, last in hits:
        label = rule.label
        if label is None or (label.near_receptor and rule.kind == "plain" and not _car(named)):
            continue
        if rule.kind == "cell" and not bare:
            continue
        if reading.shorts and _means_otherwise((sentence, first, last), label, reading, taxonomy):
            continue
        factor = weigh(sentence, first, last, cues)
        weight = _weight(sentence, rule.kind) * factor
        reading.mentions.append(
            Mention(label, rule.kind, rule.phrase, sentence, first, last, weight, factor)
        )
    reading.mentions += _headed(sentence, taxonomy)


def _car(facets: AbstractSet[str]) -> bool:
    return bool(facets & {"receptor", "modality", "product"})


def _has_bare_receptor(hits: Sequence[Hit]) -> bool:
    """Whether a chimeric receptor is named without saying which cell carries it."""
    carriers = [(a, b) for rule, a, b in hits if rule.label and rule.kind == "strong"
                and rule.label.facet == "modality" and not rule.label.near_receptor]  # fmt: skip
    return any(
        rule.label and rule.label.key == "receptor:car"
        and not any(first < b and a < last for a, b in carriers)
        for rule, first, last in hits
    )  # fmt: skip


def _weight(sentence: Sentence, kind: Kind) -> float:
    place = CONCLUDING if sentence.last else PLACE[sentence.place]
    return place * KIND[kind]


def _headed(sentence: Sentence, taxonomy: Taxonomy) -> Iterable[Mention]:
    """Labels that a MeSH heading or publication type carries as a whole."""
    if sentence.place not in ("mesh", "publication-type"):
        return
    table: Mapping[str, tuple[TaxonomyLabel, ...]] = (
        taxonomy.mesh if sentence.place == "mesh" else taxonomy.publication_types
    )
    for label in table.get(sentence.text.casefold(), ()):
        weight = PLACE[sentence.place]
        yield Mention(label, "strong", sentence.text, sentence, 0, len(sentence.words), weight)



def _without_excluded(hits: list[Hit]) -> list[Hit]:
    blocked: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for rule, first, last in hits:
        if rule.kind == "not" and rule.label:
            blocked[rule.label.key].append((first, last))
    if not blocked:
        return hits
    return [
        hit
        for hit in hits
        if hit[0].kind != "not"
        and hit[0].label
        and not any(a < hit[2] and hit[1] < b for a, b in blocked[hit[0].label.key])
    ]


def _longest(hits: list[Hit]) -> list[Hit]:
    """Of overlapping mentions of one label only the longest."""
    if len(hits) < 2:
        return hits
    kept: list[Hit] = []
    taken: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for hit in sorted(hits, key=lambda hit: (hit[1] - hit[2], hit[1])):
        rule, first, last = hit
        spans = taken[rule.label.key if rule.label else ""]
        if not any(a < last and first < b for a, b in spans):
            spans.append((first, last))
            kept.append(hit)
    return sorted(kept, key=lambda hit: (hit[1], hit[2]))


def _means_otherwise(
    span: tuple[Sentence, int, int], label: TaxonomyLabel, reading: Reading, taxonomy: Taxonomy
) -> bool:
    """Whether a short form in the mention is defined in this article as something else.

    "MS" counts as multiple sclerosis unless the article says that it is mass spectrometry: what a
    short form stands for must itself carry the label.
    """
    sentence, first, last = span
    for word in sentence.words[first:last]:
        short = word.raw if word.raw in reading.shorts else word.raw.rstrip("s")
        if short not in reading.shorts or not short.isalpha() or not short.isupper():
            continue
        if not _carried(short, taxonomy) & {label.key, "receptor:car"}:
            continue  # the short form alone does not carry the label
        meant = _carried(reading.shorts[short], taxonomy)
        if not meant & {label.key, "receptor:car", "modality:caar-t"}:
            return True
    return False


def _carried(text: str, taxonomy: Taxonomy) -> set[str]:
    found = (taxonomy.rules[number] for number, _, _ in taxonomy.finder.find(words(text)))
    return {rule.label.key for rule in found if rule.label and rule.kind != "not"}
