"""Inventing records, and keeping what must be true of each."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from services.ncbi_sim.generate_text import JOURNALS, Theme, authors, write
from services.ncbi_sim.vocabulary import MONTHS

FIRST_PMID = 900_000_000
"""Far above every PMID in use: no invented record can be taken for a real one."""
SEED = FIRST_PMID + 1
DAY_ZERO = date(2026, 1, 5)

LINKS = {"cites_seed": "cited-by", "cited_by_seed": "references", "similar_score": "similar"}
_RECEPTOR = {"ui": "D000076962", "name": "Receptors, Chimeric Antigen", "major": True}
_DISEASE = {"ui": "D001327", "name": "Autoimmune Diseases", "qualifiers": ("therapy",)}
_CANCER = {"ui": "D009369", "name": "Neoplasms", "qualifiers": ("therapy",)}
_SOIL = {"ui": "D012987", "name": "Soil"}
_HEADINGS: dict[Theme, tuple[dict[str, Any], ...]] = {
    "both": (_RECEPTOR, _DISEASE),
    "receptor": (_RECEPTOR, _CANCER),
    "disease": (_DISEASE,),
    "neither": (_SOIL,),
}
_LATE_SHARE = 0.08
"""So many enter PubMed more than a year after they were published."""


def headings_of(theme: Theme) -> tuple[dict[str, Any], ...]:
    """The MeSH headings that an indexer gives a text about a theme."""
    return _HEADINGS[theme]


@dataclass
class Made:
    """A record under way: what the catalogue says of it, and how it ends."""

    theme: Theme
    entry: dict[str, Any]
    status: str = "published"
    title: str = ""
    indexed: bool = False
    cites_tracked: bool = False
    matches_late: bool = False

    @property
    def pmid(self) -> int:
        """Its invented PMID."""
        return int(self.entry["pmid"])

    @property
    def day(self) -> int:
        """The day of its entry."""
        return int(self.entry["entered_day"])

    @property
    def is_near(self) -> bool:
        """Whether it has a relation to the seed itself."""
        return self.theme == "both" or any(self.entry.get(name) for name in LINKS)

    @property
    def relations(self) -> frozenset[str]:
        """Why a topic on receptors and diseases must have it; empty when it must not."""
        found = {relation for name, relation in LINKS.items() if self.entry.get(name)}
        found |= {"query"} if self.theme == "both" or self.matches_late else set()
        return frozenset(found | ({"cites-tracked"} if self.cites_tracked else set()))


@dataclass
class Maker:
    """All that was invented so far."""

    random: Random
    days: int
    made: list[Made] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def add(self, theme: Theme, day: int, **more: Any) -> Made:
        """Invent a record that enters PubMed on a day; `more` overrules what was drawn."""
        text = write(theme, self.random)
        entry = {
            "pmid": FIRST_PMID + 2 + len(self.made),
            "title": text.title,
            "summary": text.summary,
            "keywords": text.keywords,
            "journal": self.random.choice(JOURNALS),
            "authors": authors(self.random),
            "entered_day": day,
            "simulated": True,
        }
        made = Made(theme, entry | self._published(day) | more)
        made.title = made.entry["title"]
        self.made.append(made)
        return made

    def change(self, made: Made, day: int, kind: str, **more: Any) -> None:
        """What becomes of a record on a day."""
        self.changes.append({"pmid": made.pmid, "day": day, "kind": kind, **more})

    def _published(self, day: int) -> dict[str, Any]:
        late = self.random.random() < _LATE_SHARE
        age = self.random.randint(400, 1_400) if late else self.random.randint(0, 60)
        published = DAY_ZERO + timedelta(days=day - age)
        month = MONTHS[published.month - 1]
        return {"year": published.year, "month": month, "day": published.day}
