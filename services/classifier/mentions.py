"""Every place where a phrase of the taxonomy stands in an article, weighed by place and context."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.classifier.context import RULING, weigh
from services.classifier.finder import CueHit, Hit
from services.classifier.hits import counting
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
        return Evidence.model_validate(self.fields())

    def fields(self) -> dict[str, object]:
        """The fields of `evidence`; many are checked together faster than one by one."""
        sentence = self.sentence
        start, end = sentence.span(self.first, self.last)
        return {
            "place": sentence.place,
            "section": sentence.section,
            "sentence": sentence.text,
            "start": start,
            "end": end,
            "matched": sentence.text[start:end],
            "rule": f"{self.label.key} {self.phrase}",
        }


@dataclass(slots=True)
class Reading:
    """An article with everything that was found in it.

    `cues` are by number of the sentence. Mentions that count for nothing are only kept for who
    asks why.
    """

    sentences: list[Sentence]
    mentions: list[Mention]
    cues: dict[int, list[CueHit]]
    _by_facet: dict[str, list[Mention]] = field(init=False)

    def __post_init__(self) -> None:
        by_facet: dict[str, list[Mention]] = defaultdict(list)
        for mention in self.mentions:
            if mention.weight > 0:
                by_facet[mention.label.facet].append(mention)
        self._by_facet = by_facet

    def of(self, facet: str) -> list[Mention]:
        """The mentions of one facet that count for something."""
        return self._by_facet.get(facet, [])

    def has_cue(self, kind: str, title: bool = False) -> bool:
        """Whether a cue of this kind stands anywhere, or in the title."""
        places = [self.cues.get(0, [])] if title else self.cues.values()
        return any(cue.kind == kind for cues in places for cue, _, _ in cues)


def read(article: Article, taxonomy: Taxonomy) -> Reading:
    """Find every phrase, drop what is excluded or defined otherwise, and weigh the rest."""
    cut = sentences(article)
    meant = senses(cut, taxonomy)
    mentions: list[Mention] = []
    cues: dict[int, list[CueHit]] = {}
    find = taxonomy.finder.find
    for sentence in cut:
        if sentence.place != "publication-type":
            hits, said = find(sentence.words)
            if said:
                cues[sentence.number] = said
            if hits:
                mentions += _weighed(counting(hits), said, sentence, meant)
        if sentence.place in ("mesh", "publication-type") and sentence.words:
            mentions += _headed(sentence, taxonomy)
    return Reading(cut, mentions, cues)


def _weighed(
    hits: list[Hit], cues: Sequence[CueHit], sentence: Sentence, meant: Senses
) -> list[Mention]:
    """Mentions of what counts in a sentence, by its place and by what its cues say of them."""
    if meant.are_named(sentence.text):
        hits = [hit for hit in hits if not meant.mean_otherwise(hit, sentence.words)]
    place = CONCLUDING if sentence.last else PLACE[sentence.place]
    ruling = [cue for cue in cues if cue[0].kind in RULING]
    if ruling:
        return [_ruled(hit, ruling, sentence, place) for hit in hits]
    return [
        Mention(rule.label, rule.kind, rule.phrase, sentence, first, last, place * KIND[rule.kind])
        for rule, first, last in hits
    ]


def _ruled(hit: Hit, ruling: Sequence[CueHit], sentence: Sentence, place: float) -> Mention:
    rule, first, last = hit
    # "No randomised trial" is rare, and worded otherwise: cues say nothing of the evidence.
    about = rule.label.facet != "evidence"
    factor = weigh(sentence, first, last, ruling) if about else 1.0
    weight = place * KIND[rule.kind] * factor
    return Mention(rule.label, rule.kind, rule.phrase, sentence, first, last, weight, factor)


def _headed(sentence: Sentence, taxonomy: Taxonomy) -> Iterable[Mention]:
    """Labels that a MeSH heading or publication type carries as a whole."""
    mesh = sentence.place == "mesh"
    table = taxonomy.mesh if mesh else taxonomy.publication_types
    for label in table.get(sentence.text.casefold(), ()):
        weight = HEADED if mesh else PLACE[sentence.place]
        yield Mention(label, "strong", sentence.text, sentence, 0, len(sentence.words), weight)
