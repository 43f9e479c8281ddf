"""Every place where a phrase of the taxonomy stands in an article, weighed by place and context."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.classifier.context import RULING, CueMention, weigh
from services.classifier.hits import Hit, counting
from services.classifier.passages import Sentence, sentences
from services.classifier.senses import Senses, senses
from services.classifier.taxonomy import Kind, Taxonomy, TaxonomyLabel
from shared.article import Article
from shared.events import Evidence

PLACE = {"title": 1.0, "abstract": 0.4, "mesh": 0.5, "keyword": 0.4, "publication-type": 1.0}
"""What a mention weighs by where it stands; the last two sentences of an abstract weigh more."""
CONCLUDING = 0.5
HEADED = 0.8
"""A MeSH heading that is a label's own: an indexer's judgement, after reading the article."""
KIND = {"strong": 1.0, "plain": 1.0, "weak": 0.4, "cell": 1.0}


@dataclass(slots=True, eq=False)
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
        start, end = sentence.span(self.first, self.last)
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
    senses: Senses = field(default_factory=Senses)
    _by_facet: dict[str, list[Mention]] = field(default_factory=dict)
    _cue_kinds: set[str] = field(default_factory=set)

    def add(self, mention: Mention) -> None:
        """Keep a mention; one that counts for nothing is only kept for who asks why."""
        self.mentions.append(mention)
        if mention.weight > 0:
            self._by_facet.setdefault(mention.label.facet, []).append(mention)

    def add_cues(self, number: int, cues: list[CueMention]) -> None:
        """Keep the cues of a sentence."""
        self.cues[number] = cues
        self._cue_kinds.update([cue.kind for cue in cues])

    def of(self, facet: str) -> list[Mention]:
        """The mentions of one facet that count for something."""
        return self._by_facet.get(facet, [])

    def has_cue(self, kind: str, title: bool = False) -> bool:
        """Whether a cue of this kind stands anywhere, or in the title."""
        if title:
            return any(cue.kind == kind for cue in self.cues.get(0, ()))
        return kind in self._cue_kinds


def read(article: Article, taxonomy: Taxonomy) -> Reading:
    """Find every phrase, drop what is excluded or defined otherwise, and weigh the rest."""
    cut = sentences(article)
    reading = Reading(cut, senses=senses(cut, taxonomy))
    for sentence in cut:
        if sentence.place != "publication-type":
            _read_sentence(sentence, taxonomy, reading)
        if sentence.place in ("mesh", "publication-type") and sentence.words:
            for mention in _headed(sentence, taxonomy):
                reading.add(mention)
    return reading


def _read_sentence(sentence: Sentence, taxonomy: Taxonomy, reading: Reading) -> None:
    hits, cues = _found(sentence, taxonomy)
    if cues:
        reading.add_cues(sentence.number, cues)
    if not hits:
        return
    ruling = [cue for cue in cues if cue.kind in RULING]
    senses = reading.senses
    for rule, first, last in counting(hits):
        label = rule.label
        if label is None or (
            senses.meant and senses.mean_otherwise(sentence.words[first:last], label)
        ):
            continue
        # "No randomised trial" is rare, and worded otherwise: cues say nothing of the evidence.
        about = ruling and label.facet != "evidence"
        factor = weigh(sentence, first, last, ruling) if about else 1.0
        weight = _place(sentence) * KIND[rule.kind] * factor
        reading.add(Mention(label, rule.kind, rule.phrase, sentence, first, last, weight, factor))


def _found(sentence: Sentence, taxonomy: Taxonomy) -> tuple[list[Hit], list[CueMention]]:
    """Everything that the taxonomy knows in a sentence: labels, and cues."""
    rules = taxonomy.rules
    hits: list[Hit] = []
    cues: list[CueMention] = []
    for number, first, last in taxonomy.finder.find(sentence.words):
        rule = rules[number]
        if rule.cue:
            cues.append(CueMention(rule.cue, first, last))
        else:
            hits.append((rule, first, last))
    return hits, cues


def _place(sentence: Sentence) -> float:
    return CONCLUDING if sentence.last else PLACE[sentence.place]


def _headed(sentence: Sentence, taxonomy: Taxonomy) -> Iterable[Mention]:
    """Labels that a MeSH heading or publication type carries as a whole."""
    mesh = sentence.place == "mesh"
    table = taxonomy.mesh if mesh else taxonomy.publication_types
    for label in table.get(sentence.text.casefold(), ()):
        weight = HEADED if mesh else PLACE[sentence.place]
        yield Mention(label, "strong", sentence.text, sentence, 0, len(sentence.words), weight)
