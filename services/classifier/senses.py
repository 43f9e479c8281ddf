"""What the short forms of one article carry: "MS" may be sclerosis or spectrometry."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.classifier.abbreviations import definitions
from services.classifier.passages import Sentence
from services.classifier.taxonomy import Taxonomy, TaxonomyLabel
from services.classifier.tokens import words

RECEPTOR = "receptor:car"


@dataclass(frozen=True, slots=True)
class Senses:
    """For each short form that carries labels by itself: those that its definition carries."""

    meant: dict[str, frozenset[str]] = field(default_factory=dict)

    def mean_otherwise(self, mention: Sequence[str], label: TaxonomyLabel) -> bool:
        """Whether a short form in the mention is defined in this article as something else.

        What a short form stands for must itself carry the label, or a chimeric receptor.
        """
        for word in mention:
            meant = self.meant.get(word) or self.meant.get(word.rstrip("s"))
            if meant is not None and label.key not in meant and RECEPTOR not in meant:
                return True
        return False


def senses(sentences: Sequence[Sentence], taxonomy: Taxonomy) -> Senses:
    """Read the article's definitions; only short forms in capitals can be mistaken."""
    found: dict[str, frozenset[str]] = {}
    for sentence in sentences:
        if "(" not in sentence.text and "[" not in sentence.text:
            continue
        for short, long in definitions(sentence.text).items():
            plain = short.rstrip("s")
            if plain.isalpha() and plain.isupper() and _carried(plain, taxonomy):
                found.setdefault(plain, _carried(long, taxonomy) | {"defined"})
    return Senses(found)


def _carried(text: str, taxonomy: Taxonomy) -> frozenset[str]:
    found = (taxonomy.rules[number] for number, _, _ in taxonomy.finder.find(words(text)))
    return frozenset(rule.label.key for rule in found if rule.label and rule.kind != "not")
