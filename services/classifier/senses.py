"""What the short forms of one article carry: "MS" may be sclerosis or spectrometry."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.classifier.abbreviations import definitions
from services.classifier.finder import Finder, Hit
from services.classifier.passages import Sentence
from services.classifier.taxonomy import Taxonomy
from services.classifier.tokens import normal, words

RECEPTOR = "receptor:car"


@dataclass(slots=True)
class Senses:
    """For each short form that its definition takes labels from: those that it carries then.

    A short form whose definition carries a chimeric receptor is never mistaken, and not kept.
    """

    meant: dict[str, set[str]] = field(default_factory=dict)

    def are_named(self, text: str) -> bool:
        """Whether one of the short forms may be in a text: most texts have none."""
        return bool(self.meant) and bool([1 for short in self.meant if short in text])

    def mean_otherwise(self, hit: Hit, words: Sequence[str]) -> bool:
        """Whether a short form in a mention is defined in this article as something else.

        What a short form stands for must itself carry the label, or a chimeric receptor.
        """
        rule, first, last = hit
        for word in words[first:last]:
            meant = self.meant.get(word.rstrip("s"))
            if meant is not None and rule.key not in meant:
                return True
        return False


def senses(sentences: Sequence[Sentence], taxonomy: Taxonomy) -> Senses:
    """Read the article's definitions: they hold in all of it, the title's in the abstract too.

    Only short forms with capitals can be mistaken. What is defined twice may mean both.
    """
    found: dict[str, set[str]] = {}
    finder = taxonomy.finder

    def wanted(short: str) -> bool:
        return _may_be_mistaken(short, finder)

    for sentence in sentences:
        text = sentence.text
        if "(" in text or "[" in text or "=" in text or text.startswith("Abbrev"):
            for short, longs in definitions(text, wanted).items():
                meant = found.setdefault(short.rstrip("s"), set())
                for long in longs:
                    meant |= _meant(short.rstrip("s"), long, taxonomy)
    return Senses({short: meant for short, meant in found.items() if RECEPTOR not in meant})


def _may_be_mistaken(short: str, finder: Finder) -> bool:
    plain = short.rstrip("s")
    if not plain.isalpha() or plain[1:].islower() or plain.islower():
        return False
    return finder.carries(plain)


def _meant(short: str, long: str, taxonomy: Taxonomy) -> set[str]:
    """Labels that a long form carries, or that are named or defined in its words."""
    meant = _carried(long, taxonomy)
    others = () if RECEPTOR in meant else _carried(short, taxonomy) - meant
    if not others:
        return meant
    named = set(map(normal, words(long)))
    return meant | {key for key in others if named <= taxonomy.by_key[key].own_words}


def _carried(text: str, taxonomy: Taxonomy) -> set[str]:
    hits, _ = taxonomy.finder.find(words(text))
    return {rule.key for rule, _, _ in hits if rule.kind != "not"}
