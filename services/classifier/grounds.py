"""The words that are shown for a label that no words of its own carry.

A ruling gives some labels where the text is silent, and some rest on what an article does not say.
Their evidence is the words that the ruling goes by; where there are none, it is the whole title.
"""

from collections.abc import Iterable
from dataclasses import replace

from services.classifier.mentions import Mention, Reading
from services.classifier.scope import Receptor
from services.classifier.taxonomy import TaxonomyLabel

SILENT = {
    "scope": "no chimeric receptor is named",
    "modality": "no kind of CAR is named",
    "disease": "a CAR and no disease is named",
    "evidence": "no kind of study is named",
}
"""By facet: why a label is given without words of its own."""
_CUE = {
    "scope:none": "other-sense",
    "disease:other": "beyond-cancer",
    "evidence:observational": "patients",
}
"""The cue that such a label goes by, where the text has it."""
_BARE = frozenset({"CAR", "CARs"})


def assumed(label: TaxonomyLabel, mentions: Iterable[Mention]) -> list[Mention]:
    """Mentions of something else by which a ruling gives a label; their rule says so."""
    return [replace(mention, label=label, phrase=_silent(label)) for mention in mentions]


def _silent(label: TaxonomyLabel) -> str:
    return f"assumed: {SILENT[label.facet]}"


def of_scope(label: TaxonomyLabel, receptor: Receptor, reading: Reading) -> list[Mention]:
    """What decides against a receptor, or leaves it open; nothing where one is named."""
    if receptor.about:
        return []
    if label.id == "unclear":
        return [m for m in reading.of("receptor") if m.kind == "weak"] or whole(label, reading)
    others = [m for m in by_cue(label, reading) if not _BARE.isdisjoint(m.sentence.words)]
    return others or whole(label, reading)


def by_cue(label: TaxonomyLabel, reading: Reading) -> list[Mention]:
    """The words of the cue that a label goes by, the title's first."""
    kind = _CUE.get(label.key)
    if kind is None:
        return []
    return [
        Mention(label, "weak", f"cue {kind}", reading.sentences[number], first, last, 0.0)
        for number in sorted(reading.cues)
        for cue, first, last in reading.cues[number]
        if cue.kind == kind
    ]


def whole(label: TaxonomyLabel, reading: Reading) -> list[Mention]:
    """The whole title; where it has no words, the first sentence that has any."""
    for sentence in reading.sentences:
        if sentence.words:
            last = len(sentence.words)
            return [Mention(label, "weak", _silent(label), sentence, 0, last, 0.0)]
    return []
