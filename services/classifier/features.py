"""What a label rests on, as a few numbers: what its confidence is reckoned from.

They say how much of the article speaks for a label and how plainly; nothing of the words.
"""

from collections.abc import Sequence
from math import log
from typing import NamedTuple

from services.classifier.mentions import Mention
from services.classifier.taxonomy import TaxonomyLabel

NAMES = (
    "judged",
    "title",
    "rest",
    "sentences",
    "typed",
    "assumed",
    "weak",
    "bare",
    "review",
    "beside",
)
"""In the order of `vector`; `weights/confidence.json` has one weight for each, by facet.

`judged`   log odds of what the rules themselves make of it
`title`    weight of the best mention in the title, at most 1
`rest`     summed weight of the other mentions, at most 2
`sentences`  log of the number of mentions, one for each sentence
`typed`    1 when a publication type or MeSH heading says it
`assumed`  1 when a ruling gives it and no words of its own do
`weak`     1 when all its mentions are weak phrases
`bare`     1 when the article has no abstract
`review`   1 when the article writes about the work of others
`beside`   log of the number of labels of the same facet
"""
RISING = frozenset({"judged", "title", "rest", "sentences", "typed"})
"""More of these never makes a label less sure: their weights are not negative."""
_LEAST, _MOST = 0.02, 0.98
_HEADINGS = frozenset({"publication-type", "mesh"})


class Ground(NamedTuple):
    """A label with what it rests on, before its confidence is reckoned.

    `mentions` are the strongest first; `judged` (0 to 1) is the rules' own estimate; `assumed`
    says that a ruling gives the label where the text is silent. `shown` are the words that a reader
    is shown for it where they are not those that make it sure.
    """

    label: TaxonomyLabel
    mentions: Sequence[Mention]
    judged: float
    assumed: bool = False
    shown: Sequence[Mention] = ()


class Setting(NamedTuple):
    """What is the same for all labels of an article."""

    bare: bool
    review: bool


def vector(ground: Ground, beside: int, setting: Setting) -> tuple[float, ...]:
    """The numbers of `NAMES`; `beside` counts the labels of the facet, this one included.

    Called for every label of every article, so it is one pass and no more.
    """
    title = rest = typed = 0.0
    weak = 1.0
    for mention in ground.mentions:
        place = mention.sentence.place
        if place == "title":
            title = max(title, mention.weight)
        else:
            rest += mention.weight
            if place in _HEADINGS:
                typed = 1.0
        if mention.kind != "weak":
            weak = 0.0
    judged = ground.judged
    judged = _MOST if judged > _MOST else max(judged, _LEAST)
    return (
        log(judged / (1.0 - judged)),
        min(1.0, title),
        min(2.0, rest),
        log(len(ground.mentions) or 1),
        typed,
        1.0 if ground.assumed else 0.0,
        weak,
        1.0 if setting.bare else 0.0,
        1.0 if setting.review else 0.0,
        log(beside),
    )
