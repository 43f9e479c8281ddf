"""Every place where a phrase of the taxonomy stands in an article, weighed by place and context."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.classifier.context import CueMention, weigh
from services.classifier.hits import Hit, find, labels_in
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
    senses: Senses = field(default_factory=Senses)

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
    reading = Reading(cut, senses=senses(cut, taxonomy))
    for sentence in cut:
        if sentence.place != "publication-type":
            _read_sentence(sentence, taxonomy, reading)
        if sentence.place in ("mesh", "publication-type") and sentence.words:
            reading.mentions += _headed(sentence, taxonomy)
    return reading


def _read_sentence(sentence: Sentence, taxonomy: Taxonomy, reading: Reading) -> None:
    found = find(sentence, taxonomy)
    cues = [CueMention(rule.cue, first, last) for rule, first, last in found if rule.cue]
    if cues:
        reading.cues[sentence.number] = cues
    for hit in labels_in(found):
        if reading.senses.mean_otherwise(sentence.words[hit.first : hit.last], hit.label):
            continue
        reading.mentions.append(_mention(hit, sentence, cues))


def _mention(hit: Hit, sentence: Sentence, cues: Sequence[CueMention]) -> Mention:
    rule = hit.rule
    about = hit.label.facet != "evidence"  # "no randomised trial" is rare, and worded otherwise
    factor = weigh(sentence, hit.first, hit.last, cues) if about and cues else 1.0
    place = CONCLUDING if sentence.last else PLACE[sentence.place]
    weight = place * KIND[rule.kind] * factor
    return Mention(hit.label, rule.kind, rule.phrase, sentence, hit.first, hit.last, weight, factor)


def _headed(sentence: Sentence, taxonomy: Taxonomy) -> Iterable[Mention]:
    """Labels that a MeSH heading or publication type carries as a whole."""
    mesh = sentence.place == "mesh"
    table = taxonomy.mesh if mesh else taxonomy.publication_types
    for label in table.get(sentence.text.casefold(), ()):
        weight = HEADED if mesh else PLACE[sentence.place]
        yield Mention(label, "strong", sentence.text, sentence, 0, len(sentence.words), weight)
