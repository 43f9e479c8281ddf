"""A large invented PubMed around a seed article, and what is true of it.

The truth comes from how each record was made, never from asking the stand-in: an article about an
engineered receptor and an autoimmune disease is what a topic on both must find by its query.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from services.ncbi_sim.catalogue import Catalogue, read_catalogue
from services.ncbi_sim.generate_text import JOURNALS, Theme, authors, write
from services.ncbi_sim.vocabulary import MONTHS

FIRST_PMID = 900_000_000
"""Far above every PMID in use: no invented record can be taken for a real one."""
SEED = FIRST_PMID + 1
DAY_ZERO = date(2026, 1, 5)
SIMILAR = 60
"""How many articles are similar to the seed at most: fewer than a topic's first hundred."""

_LINKS = {"cites_seed": "cited-by", "cited_by_seed": "references", "similar_score": "similar"}
_THEMES: tuple[Theme, ...] = ("both", "receptor", "disease", "neither")
_SHARES = (60, 20, 12, 8)
_NOTICES = {
    "retraction": ("Retraction: ", "Retraction of Publication"),
    "correction": ("Correction: ", "Published Erratum"),
}
_STATUS = {"retraction": "retracted", "correction": "corrected"}


@dataclass(frozen=True)
class Expected:
    """What must be known of an article in the end: why it is here, and what became of it.

    `entered_day` counts from the catalogue's day zero.
    """

    entered_day: int
    relations: frozenset[str]
    status: str = "published"


@dataclass(frozen=True)
class Generated:
    """A catalogue, and the articles that must be found in it, by PMID."""

    catalogue: Catalogue
    truth: Mapping[int, Expected]


@dataclass
class _Made:
    """A record under way."""

    theme: Theme
    entry: dict[str, Any]
    status: str = "published"

    @property
    def relations(self) -> frozenset[str]:
        links = {
            "cites_seed": "cited-by",
            "cited_by_seed": "references",
            "similar_score": "similar",
        }
        found = {relation for name, relation in links.items() if self.entry.get(name)}
        return frozenset(found | ({"query"} if self.theme == "both" else set()))


@dataclass
class _Maker:
    random: Random
    days: int
    made: list[_Made] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def add(self, theme: Theme, day: int, **more: Any) -> _Made:
        """Invent a record that enters PubMed on a day."""
        text = write(theme, self.random)
        late = self.random.random() < 0.08
        age = self.random.randint(400, 1_400) if late else self.random.randint(0, 60)
        published = DAY_ZERO + timedelta(days=day - age)
        entry = {
            "pmid": FIRST_PMID + 2 + len(self.made),
            "title": text.title,
            "summary": text.summary,
            "keywords": text.keywords,
            "journal": self.random.choice(JOURNALS),
            "authors": authors(self.random),
            "year": published.year,
            "month": MONTHS[published.month - 1],
            "day": published.day,
            "entered_day": day,
            "simulated": True,
        }
        made = _Made(theme, entry | more)
        self.made.append(made)
        return made


def generated(seed: int, articles: int, days: int) -> Generated:
    """Invent about `articles` records that enter over `days`; the same for the same arguments.

    A quarter was there before day zero. Of the others some come in bursts, some a year and more
    after they were published; some are linked to the seed, retracted or corrected. Notices come
    on top of `articles`.
    """
    maker = _Maker(Random(seed), days)  # noqa: S311  to be repeated, not to be secret
    for day in _entry_days(maker.random, articles, days):
        maker.add(maker.random.choices(_THEMES, _SHARES)[0], day)
    _link(maker)
    _amend(maker)
    return Generated(_catalogue(maker), _truth(maker))


def _entry_days(random: Random, articles: int, days: int) -> list[int]:
    before = [random.randint(-1_700, -1) for _ in range(articles // 4)]
    weights = [20 if random.random() < 0.05 else random.randint(0, 3) for _ in range(days)]
    weights[0] = 1
    return sorted(before + random.choices(range(days), weights, k=articles - len(before)))


def _link(maker: _Maker) -> None:
    """Links to the seed, of articles that the query finds and of others."""
    random = maker.random
    for made in random.sample(maker.made, len(maker.made) // 20):
        made.entry["cites_seed"] = True
    for rank, made in enumerate(random.sample(maker.made, min(SIMILAR, len(maker.made) // 10))):
        made.entry["similar_score"] = 40_000_000 - rank * 100_000
    old = [made for made in maker.made if made.entry["entered_day"] < 0]
    for made in random.sample(old, min(40, len(old) // 5)):
        made.entry["cited_by_seed"] = True


def _amend(maker: _Maker) -> None:
    """Retract and correct one in thirty of what came in time for it."""
    random = maker.random
    early = [made for made in maker.made if made.entry["entered_day"] < maker.days - 2]
    for made in random.sample(early, len(early) // 30):
        kind = random.choice(sorted(_NOTICES))
        day = random.randint(max(made.entry["entered_day"] + 1, 0), maker.days - 1)
        prefix, publication_type = _NOTICES[kind]
        notice = maker.add(made.theme, day, publication_types=(publication_type,), summary=())
        notice.entry |= {"title": f"{prefix}{made.entry['title']}", "keywords": ()}
        made.status = _STATUS[kind]
        maker.changes.append(
            {
                "day": day,
                "pmid": made.entry["pmid"],
                "kind": kind,
                "notice_pmid": notice.entry["pmid"],
            }
        )


def _catalogue(maker: _Maker) -> Catalogue:
    return read_catalogue(
        {
            "catalogue": {
                "id": "generated",
                "seed": SEED,
                "day_zero": DAY_ZERO,
                "days": maker.days,
                "notice": "Invented record: no such article exists.",
            },
            "article": [_seed(), *(made.entry for made in maker.made)],
            "change": maker.changes,
        },
        "generated catalogue",
    )


def _seed() -> dict[str, Any]:
    return {
        "pmid": SEED,
        "title": "Engineered receptors against autoimmune disease: an invented review.",
        "journal": JOURNALS[0],
        "year": DAY_ZERO.year - 1,
        "pmcid": "PMC900000001",
        "entered_day": -200,
        "publication_types": ("Journal Article", "Review"),
        "simulated": True,
    }


def _truth(maker: _Maker) -> dict[int, Expected]:
    return dict(_expected(maker))


def _expected(maker: _Maker) -> Iterator[tuple[int, Expected]]:
    for made in maker.made:
        if made.relations:
            yield (
                made.entry["pmid"],
                Expected(made.entry["entered_day"], made.relations, made.status),
            )
