"""A large invented PubMed around a seed article, and what is true of it.

The truth comes from how each record was made, never from asking the stand-in: an article about an
engineered receptor and an autoimmune disease is what a topic on both must find by its query.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from services.ncbi_sim.catalogue import Catalogue, read_catalogue
from services.ncbi_sim.generate_fates import CITES_AT_LEAST, amend, follow, index, link
from services.ncbi_sim.generate_maker import DAY_ZERO, SEED, Maker
from services.ncbi_sim.generate_text import JOURNALS, Theme

__all__ = ["CITES_AT_LEAST", "DAY_ZERO", "SEED", "Expected", "Generated", "generated"]

_THEMES: tuple[Theme, ...] = ("both", "receptor", "disease", "neither")
_SHARES = (60, 20, 12, 8)


@dataclass(frozen=True)
class Expected:
    """What must be known of an article in the end: why it is here, and what became of it.

    `entered_day` counts from the catalogue's day zero; `indexed` is whether it has MeSH headings.
    """

    entered_day: int
    relations: frozenset[str]
    status: str
    title: str
    indexed: bool


@dataclass(frozen=True)
class Generated:
    """A catalogue, and the articles that must be found in it, by PMID."""

    catalogue: Catalogue
    truth: Mapping[int, Expected]


def generated(seed: int, articles: int, days: int, late_matches: int = 0) -> Generated:
    """Invent about `articles` records that enter over `days`; the same for the same arguments.

    A quarter was there before day zero. Of the others some come in bursts, some a year and more
    after they were published. They are linked to the seed and to each other, indexed, retracted,
    corrected, updated, withdrawn and deleted; notices and new versions come on top of `articles`.
    `late_matches` of them match the query only once they are indexed, weeks after their entry.
    """
    maker = Maker(Random(seed), days)  # noqa: S311  to be repeated, not to be secret
    for day in _entry_days(maker.random, articles, days):
        maker.add(maker.random.choices(_THEMES, _SHARES)[0], day)
    link(maker)
    follow(maker)
    index(maker, late_matches)
    amend(maker)
    return Generated(_catalogue(maker), dict(_truth(maker)))


def _entry_days(random: Random, articles: int, days: int) -> list[int]:
    before = [random.randint(-1_700, -1) for _ in range(articles // 4)]
    weights = [20 if random.random() < 0.05 else random.randint(0, 3) for _ in range(days)]
    weights[0] = 1
    return sorted(before + random.choices(range(days), weights, k=articles - len(before)))


def _catalogue(maker: Maker) -> Catalogue:
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


def _truth(maker: Maker) -> Iterator[tuple[int, Expected]]:
    for made in maker.made:
        if relations := made.relations:
            yield made.pmid, Expected(made.day, relations, made.status, made.title, made.indexed)
