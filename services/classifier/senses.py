"""What the short forms of one article carry: "MS" may be sclerosis or spectrometry."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.classifier.abbreviations import definitions
from services.classifier.passages import Sentence
from services.classifier.taxonomy import Taxonomy, TaxonomyLabel
from services.classifier.tokens import normal, words

RECEPTOR = "receptor:car"


@dataclass(slots=True)
class Senses:
    """For each short form that carries labels by itself: those that its definition carries."""

    meant: dict[str, set[str]] = field(default_factory=dict)

    def mean_otherwise(self, mention: Sequence[str], label: TaxonomyLabel) -> bool:
        """Whether a short form in the mention is defined in this article as something else.

        What a short form stands for must itself carry the label, or a chimeric receptor.
        """
        for word in mention:
            meant = self.meant.get(word)
            if meant is None:
                meant = self.meant.get(word.rstrip("s"))
            if meant is not None and label.key not in meant and RECEPTOR not in meant:
                return True
        return False


def senses(sentences: Sequence[Sentence], taxonomy: Taxonomy) -> Senses:
    """Read the article's definitions: they hold in all of it, the title's in the abstract too.

    Only short forms with capitals can be mistaken. What is defined twice may mean both.
    """
    found: dict[str, set[str]] = {}
    for sentence in sentences:
        text = sentence.text
        if "(" in text or "[" in text or "=" in text or text.startswith("Abbrev"):
            defined = definitions(text, lambda short: _may_be_mistaken(short, taxonomy))
            for short, longs in defined.items():
                meant = found.setdefault(short.rstrip("s"), set())
                for long in longs:
                    meant |= _meant(short.rstrip("s"), long, taxonomy)
    return Senses(found)


def _may_be_mistaken(short: str, taxonomy: Taxonomy) -> bool:
    plain = short.rstrip("s")
    if not plain.isalpha() or plain[1:].islower() or plain.islower():
        return False
    return bool(_carried(plain, taxonomy))


def _meant(short: str, long: str, taxonomy: Taxonomy) -> set[str]:
    """Labels that a long form carries, or that are named or defined in its words."""
    meant = _carried(long, taxonomy)
    others = () if RECEPTOR in meant else _carried(short, taxonomy) - meant
    named = set(map(normal, words(long)))
    return meant | {key for key in others if named <= _words_of(taxonomy.by_key[key])}


def _words_of(label: TaxonomyLabel) -> set[str]:
    return set(map(normal, words(f"{label.name} {label.definition}")))


def _carried(text: str, taxonomy: Taxonomy) -> set[str]:
    found = (taxonomy.rules[number] for number, _, _ in taxonomy.finder.find(words(text)))
    return {rule.label.key for rule in found if rule.label and rule.kind != "not"}
