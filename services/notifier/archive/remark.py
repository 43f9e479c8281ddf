"""What a reader says of an article: that a label is wrong or missing, or that it is not relevant.

Pure. A remark is kept once for each subscription, article and thing it is about: said again, it
replaces what was said before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from services.notifier.item import plain
from shared.events import Classified

Kind = Literal["wrong-label", "not-relevant"]
"""A label that is missing is a wrong label without `label`."""

SCOPES: Mapping[str, str] = {
    "core": "CAR cells in autoimmunity",
    "adjacent": "adjacent to it",
    "oncology": "CAR cells against cancer",
    "none": "no CAR cells at all",
}
"""What an article can be about instead; `unclear` is no answer."""

MISSING, IRRELEVANT = "missing", "not-relevant"
LONGEST = 1_000
"""Characters of a remark."""

Key = tuple[str, str]
"""A facet and the id of a label."""


@dataclass(frozen=True)
class About:
    """The article that is spoken of, and to whom it was sent."""

    topic: str
    pmid: int
    subscription_id: str
    labels: frozenset[Key]


@dataclass(frozen=True)
class Remark:
    """What is kept. `label` is what is wrong, `wanted` what would be right, of the same `facet`."""

    about: About
    kind: Kind
    facet: str | None
    label: str | None
    wanted: str | None
    remark: str
    at: datetime

    @property
    def id(self) -> str:
        """The same for the same thing said of the same article by the same subscription."""
        thing = (self.facet or "", self.label or f"+{self.wanted}")
        parts = (
            self.about.subscription_id,
            self.about.topic,
            str(self.about.pmid),
            self.kind,
            *(thing if self.kind == "wrong-label" else ()),
        )
        return str(uuid5(NAMESPACE_URL, "\x1f".join(("carillon feedback", *parts))))


@dataclass(frozen=True)
class Said:
    """The form as it was sent: `what` is wrong, which label would be right, and in own words."""

    what: str = ""
    wanted: str = ""
    remark: str = ""


class Unclear(Exception):
    """A form that cannot be kept; the message tells its reader what to do."""


def labels_of(entry: Classified) -> frozenset[Key]:
    """What can be wrong of an article: its labels, its scope among them."""
    named = {(one.facet, one.id) for one in entry.classification.labels if one.facet != "scope"}
    return frozenset(named | {("scope", entry.classification.scope)})


def read(said: Said, about: About, known: Sequence[Key], at: datetime) -> Remark:
    """What a reader said; `known` are all labels that could be right.

    Raises:
        Unclear: nothing was chosen, or something that is not there.
    """
    words = " ".join(plain(said.remark[:LONGEST]).split())
    wanted = _key(said.wanted) if said.wanted else None
    if wanted is not None and wanted not in known:
        raise Unclear("Please choose a label of the list.")
    if said.what == IRRELEVANT:
        if wanted is not None and wanted[0] != "scope":
            raise Unclear("For an article that is not relevant, please choose what it is about.")
        right = wanted[1] if wanted else None
        return Remark(about, "not-relevant", wanted and "scope", None, right, words, at)
    if said.what == MISSING:
        if wanted is None:
            raise Unclear("Please choose the label that is missing.")
        if wanted in about.labels:
            raise Unclear("The article has that label already.")
        return Remark(about, "wrong-label", wanted[0], None, wanted[1], words, at)
    return _wrong(_key(said.what), wanted, about, words, at)


def _wrong(wrong: Key, wanted: Key | None, about: About, words: str, at: datetime) -> Remark:
    if wrong not in about.labels:
        raise Unclear("Please choose what is wrong.")
    if wanted is not None and wanted[0] != wrong[0]:
        raise Unclear("Please choose a label of the same kind instead, or none.")
    if wrong == wanted:
        raise Unclear("Please choose another label instead, or none.")
    return Remark(about, "wrong-label", *wrong, wanted[1] if wanted else None, words, at)


def _key(text: str) -> Key:
    facet, _, label = text.partition(":")
    return facet, label
