"""An invented PubMed around several topics, and what is true of each of its papers.

The truth comes from how a paper was made, never from asking the services: a text that names the
disease of a topic belongs to it, and so does what cites the topic's seed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from random import Random
from typing import Any

from services.ncbi_sim.catalogue import Catalogue, read_catalogue
from services.ncbi_sim.generate_maker import SEED, Made, Maker
from services.ncbi_sim.generate_text import JOURNALS

DAY_ZERO = date(2026, 3, 23)
"""A Monday. Europe's clocks are put forward on the Sunday after it."""

TOPICS: Mapping[str, str] = {
    "lupus": "systemic lupus erythematosus", "scleroderma": "systemic sclerosis",
    "myositis": "dermatomyositis", "myasthenia": "myasthenia gravis", "ms": "multiple sclerosis",
    "pemphigus": "pemphigus vulgaris", "arthritis": "rheumatoid arthritis",
    "diabetes": "type 1 diabetes", "nephropathy": "membranous nephropathy",
    "thrombocytopenia": "immune thrombocytopenia",
}  # fmt: skip
"""Topics by id, each with the words that its query asks for."""

WORD = "whimbrel"
"""Stands in the abstract of some papers, for readers who look for a word."""

_CELLS = (
    "CAR T cells", "CD19 CAR T cells", "CAR NK cells", "CAAR T cells", "BCMA CAR T cells",
    "CAR Treg therapy", "in vivo CAR T cells",
)  # fmt: skip
_DRUGS = ("Rituximab", "Belimumab", "Methotrexate", "Telitacicept")
_CANCERS = ("large B cell lymphoma", "multiple myeloma", "acute lymphoblastic leukaemia")
_NOISE = ("Soil bacteria in a temperate meadow", "Bird song in city parks")
_SENTENCES = (
    "We report on {n} participants.", "Side effects were mild.", "Samples were taken twice.",
    "A larger study is planned.", "Results agreed between the sites.",
)  # fmt: skip


@dataclass(frozen=True)
class Paper:
    """What must be known of a paper in the end.

    `day` counts from the catalogue's day zero. `relations` says by topic why it is there; a paper
    without any is none of ours. `journal_version` is what a preprint became. From `gone_day` on
    PubMed does not have it any more.
    """

    pmid: int
    day: int
    title: str
    text: str
    journal: str
    relations: Mapping[str, frozenset[str]]
    status: str = "published"
    journal_version: int | None = None
    indexed: bool = False
    gone_day: int | None = None

    @property
    def is_background(self) -> bool:
        """Whether it was there before the watch began, and so is no news."""
        return self.day < -30

    @property
    def is_gone(self) -> bool:
        """Whether it does not stand any more in the end."""
        return self.status in {"retracted", "withdrawn", "deleted"}


@dataclass
class _Draft:
    made: Made
    paper: Paper


@dataclass(frozen=True)
class Library:
    """The catalogue that PubMed serves, the truth by PMID, and each topic's seed."""

    catalogue: Catalogue
    papers: Mapping[int, Paper]
    seeds: Mapping[str, int]


@dataclass
class _Press:
    maker: Maker
    seeds: dict[str, int]
    drafts: list[_Draft] = field(default_factory=list)

    @property
    def random(self) -> Random:
        return self.maker.random


def invent(seed: int, articles: int, days: int, topics: int) -> Library:
    """About `articles` papers that enter over `days`; the same for the same arguments."""
    maker = Maker(Random(seed), days)  # noqa: S311  to be repeated, not to be secret
    press = _Press(maker, _seeds(maker, topics))
    for day in sorted(_entry_day(press.random, days) for _ in range(articles * 93 // 100)):
        _write(press, day)
    _befall(press)
    return Library(_catalogue(press), {d.paper.pmid: d.paper for d in press.drafts}, press.seeds)


def _seeds(maker: Maker, topics: int) -> dict[str, int]:
    names = list(TOPICS)[:topics]
    texts = [f"Engineered receptors reviewed, part {n}." for n in range(len(names))]
    made = [maker.add("neither", -200, title=t, summary=(), keywords=()) for t in texts]
    return {name: one.pmid for name, one in zip(names, made, strict=True)}


def _entry_day(random: Random, days: int) -> int:
    """A sixth is background, a tenth came shortly before the watch, the rest comes day by day."""
    chance = random.random()
    if chance < 0.16:
        return random.randint(-400, -40)
    return random.randint(-20, -1) if chance < 0.26 else random.randrange(days)


def _write(press: _Press, day: int) -> _Draft:
    random = press.random
    kind = random.choices(("both", "two", "drug", "cites", "noise"), (66, 12, 10, 7, 5))[0]
    names = random.sample(list(press.seeds), min(2, len(press.seeds)))
    homes = names if kind == "two" else names[:1]
    place = " and ".join(TOPICS[name] for name in homes)
    what = random.choice(_DRUGS if kind == "drug" else _CELLS)
    title = f"{what[0].upper()}{what[1:]} in {place}: a cohort of {random.randint(6, 90)}."
    relation = {name: frozenset({"query"}) for name in homes}
    more: dict[str, Any] = {}
    if kind == "cites":
        title = f"{what} in {random.choice(_CANCERS)}: a cohort of {random.randint(6, 90)}."
        relation = {name: frozenset({"cited-by"}) for name in homes}
        more["cites"] = (press.seeds[homes[0]],)
    elif kind == "noise":
        title, relation = f"{random.choice(_NOISE)}, part {random.randint(1, 999)}.", {}
    return _enter(press, day, title, relation, **more)


def _enter(
    press: _Press, day: int, title: str, relations: Mapping[str, frozenset[str]], **more: Any
) -> _Draft:
    random = press.random
    summary = tuple(one.format(n=random.randint(6, 90)) for one in random.sample(_SENTENCES, 2))
    if random.random() < 0.3:
        summary = (*summary, f"It was seen in the {WORD} too.")
    content = {"title": title, "summary": summary, "keywords": (), **more}
    made = press.maker.add("both", day, **content)
    text = " ".join((title, *content["summary"])).lower()
    paper = Paper(made.pmid, day, title, text, made.entry["journal"], relations)
    press.drafts.append(_Draft(made, paper))
    return press.drafts[-1]


def _befall(press: _Press) -> None:
    """Each kind of change happens to one paper in sixty; indexing to one in five."""
    random, days = press.random, press.maker.days
    ours = [d for d in press.drafts if d.paper.relations and d.paper.day < days - 2]
    random.shuffle(ours)
    share = max(1, len(press.drafts) // 60)
    for number, happen in enumerate(_FATES):
        for draft in ours[number * share : (number + 1) * share]:
            happen(press, draft, random.randint(max(draft.paper.day + 1, 1), days - 1))
    for draft in ours[len(_FATES) * share :][: len(press.drafts) // 5]:
        _index(press, draft, random.randint(max(draft.paper.day + 1, 1), days - 1))


def _noticed(kind: str, prefix: str, publication_type: str, status: str) -> "_Fate":
    def happen(press: _Press, draft: _Draft, day: int) -> None:
        notice = _second(press, draft, day, prefix, publication_types=(publication_type,))
        press.maker.change(draft.made, day, kind, notice_pmid=notice.paper.pmid)
        draft.paper = replace(draft.paper, status=status)

    return happen


def _second(press: _Press, draft: _Draft, day: int, prefix: str, **more: Any) -> _Draft:
    """A second record about the same: a notice, or another version."""
    entry = draft.made.entry
    kept = {name: entry[name] for name in ("summary", "cites") if name in entry}
    paper = draft.paper
    return _enter(press, day, f"{prefix}{paper.title}", paper.relations, **kept, **more)


def _withdraw(press: _Press, draft: _Draft, day: int) -> None:
    press.maker.change(draft.made, day, "withdrawal")
    title = f"WITHDRAWN: {draft.paper.title}"
    draft.paper = replace(draft.paper, status="withdrawn", title=title)


def _delete(press: _Press, draft: _Draft, day: int) -> None:
    press.maker.change(draft.made, day, "deletion", delete_citation_days=1_000)
    draft.paper = replace(draft.paper, status="deleted", gone_day=day)


def _reach_a_journal(press: _Press, draft: _Draft, day: int) -> None:
    draft.made.entry["publication_types"] = ("Preprint",)
    version = _second(press, draft, day, "").paper.pmid
    press.maker.change(draft.made, day, "update", notice_pmid=version)
    draft.paper = replace(draft.paper, journal_version=version)


def _update(press: _Press, draft: _Draft, day: int) -> None:
    version = _second(press, draft, day, "Update: ").paper.pmid
    press.maker.change(draft.made, day, "update", notice_pmid=version)
    draft.paper = replace(draft.paper, status="updated")


def _reword(press: _Press, draft: _Draft, day: int) -> None:
    title = f"{draft.paper.title.removesuffix('.')} (revised title)."
    press.maker.change(draft.made, day, "revision", title=title)
    draft.paper = replace(draft.paper, title=title, text=f"{title.lower()} {draft.paper.text}")


def _come_late(press: _Press, draft: _Draft, day: int) -> None:
    """Its text says what it is about only when it is mended: then it begins to match."""
    entry, title = draft.made.entry, draft.paper.title
    if draft.paper.day < 0 or "cites" in entry:
        return _reword(press, draft, day)
    entry["title"] = "Engineered cells: a first report."
    press.maker.change(draft.made, day, "revision", title=title)
    return None


def _index(press: _Press, draft: _Draft, day: int) -> None:
    heading = {"ui": "D001327", "name": "Autoimmune Diseases", "qualifiers": ("therapy",)}
    press.maker.change(draft.made, day, "revision", mesh=(heading,))
    draft.paper = replace(draft.paper, indexed=True)


_Fate = Callable[[_Press, _Draft, int], None]

_FATES: tuple[_Fate, ...] = (
    _noticed("retraction", "Retraction: ", "Retraction of Publication", "retracted"),
    _noticed("correction", "Correction: ", "Published Erratum", "corrected"),
    _noticed(
        "concern", "Expression of Concern: ", "Expression of Concern", "expression-of-concern"
    ),
    _withdraw,
    _delete,
    _reach_a_journal,
    _update,
    _reword,
    _come_late,
)


def _catalogue(press: _Press) -> Catalogue:
    head = {
        "id": "chaos",
        "seed": SEED,
        "day_zero": DAY_ZERO,
        "days": press.maker.days,
        "notice": "Invented record: no such article exists.",
    }
    first = {
        "pmid": SEED,
        "title": "An invented review.",
        "journal": JOURNALS[0],
        "year": DAY_ZERO.year - 1,
        "entered_day": -300,
        "simulated": True,
    }
    entries = [first, *(made.entry for made in press.maker.made)]
    content = {"catalogue": head, "article": entries, "change": press.maker.changes}
    return read_catalogue(content, "invented catalogue")
