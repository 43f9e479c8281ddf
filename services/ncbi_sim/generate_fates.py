"""What links invented records, and what becomes of them over the days."""

from collections.abc import Callable, Sequence
from typing import Any

from services.ncbi_sim.generate_maker import Made, Maker, headings_of

SIMILAR = 60
"""How many articles are similar to the seed at most: fewer than a topic's first hundred."""
CITES_AT_LEAST = 3
"""Whoever cites so many articles near the seed belongs to it, one hop further."""
SEEN_AFTER = 12
"""Days that a poller has to find a record before it is deleted."""
INDEXED_AFTER = 25
"""Days before an indexer adds MeSH: longer than a poller's usual overlap."""

_NOTICES = {
    "retraction": ("Retraction: ", "Retraction of Publication", "retracted"),
    "correction": ("Correction: ", "Published Erratum", "corrected"),
    "concern": ("Expression of Concern: ", "Expression of Concern", "expression-of-concern"),
}


def link(maker: Maker) -> None:
    """Links to the seed, of articles that the query finds and of others; some show later."""
    random = maker.random
    for made in random.sample(maker.made, len(maker.made) // 20):
        made.entry["cites_seed"] = True
        if 0 <= made.day < maker.days - 30 and random.random() < 0.5:
            made.entry["cites_visible_day"] = made.day + random.randint(1, 25)
    for rank, made in enumerate(random.sample(maker.made, min(SIMILAR, len(maker.made) // 10))):
        made.entry["similar_score"] = 40_000_000 - rank * 100_000
    old = [made for made in maker.made if made.day < 0]
    for made in random.sample(old, min(40, len(old) // 5)):
        made.entry["cited_by_seed"] = True


def follow(maker: Maker) -> None:
    """Articles that the query does not find cite some that it does: enough of them, or too few."""
    random = maker.random
    near = [made for made in maker.made if made.is_near and made.day < maker.days // 3]
    far = [made for made in maker.made if not made.is_near and made.day > maker.days // 3]
    if len(near) < CITES_AT_LEAST:
        return
    for number, made in enumerate(random.sample(far, len(far) // 4)):
        made.cites_tracked = number % 2 == 0
        cited = CITES_AT_LEAST + number % 3 if made.cites_tracked else CITES_AT_LEAST - 1
        chosen = random.sample(near, min(cited, len(near)))
        made.entry["cites"] = tuple(other.pmid for other in chosen)


def index(maker: Maker, late_matches: int) -> None:
    """Indexers give MeSH: to what was there before from the start, to others months later.

    Of those that the query does not find by their words, `late_matches` match it from then on.
    """
    random = maker.random
    for made in maker.made:
        if made.day < 0:
            made.entry["mesh"] = headings_of(made.theme)
            made.indexed = True
        elif made.day < maker.days - INDEXED_AFTER - 5 and random.random() < 0.6:
            day = random.randint(made.day + INDEXED_AFTER, maker.days - 2)
            made.matches_late = made.theme == "receptor" and late_matches > 0
            late_matches -= made.matches_late
            theme = "both" if made.matches_late else made.theme
            maker.change(made, day, "revision", mesh=headings_of(theme))
            made.indexed = True


def amend(maker: Maker) -> None:
    """Every kind of change happens to one record in sixty of those that came in time for it."""
    cited = {pmid for made in maker.made for pmid in made.entry.get("cites", ())}
    last = maker.days - SEEN_AFTER - 3
    early = [
        made
        for made in maker.made
        if max(made.day, 0) < last
        and made.pmid not in cited
        and "cites_visible_day" not in made.entry
    ]
    maker.random.shuffle(early)
    share = max(len(early) // 60, 1)
    for place, happen in enumerate(_FATES):
        for made in early[place * share : (place + 1) * share]:
            first = max(made.day, 0) + SEEN_AFTER
            happen(maker, made, maker.random.randint(first, maker.days - 2))


def _noticed(kind: str) -> Callable[[Maker, Made, int], None]:
    prefix, publication_type, status = _NOTICES[kind]

    def happen(maker: Maker, made: Made, day: int) -> None:
        notice = _second(maker, made, day, prefix, publication_types=(publication_type,))
        maker.change(made, day, kind, notice_pmid=notice.pmid)
        made.status = status

    return happen


def _second(maker: Maker, made: Made, day: int, prefix: str, **more: Any) -> Made:
    """A second record about the same: a notice, or another version."""
    title = f"{prefix}{made.entry['title']}"
    return maker.add(made.theme, day, title=title, summary=(), keywords=(), **more)


def _withdraw(maker: Maker, made: Made, day: int) -> None:
    maker.change(made, day, "withdrawal")
    made.status, made.title = "withdrawn", f"WITHDRAWN: {made.title}"


def _delete(maker: Maker, made: Made, day: int) -> None:
    maker.change(made, day, "deletion", delete_citation_days=1_000)
    made.status = "deleted"
    _forget_later_changes(maker, made, day)


def _vanish(maker: Maker, made: Made, day: int) -> None:
    """It is gone, and PubMed does not say why: it stays as it was known last."""
    maker.change(made, day, "deletion")
    _forget_later_changes(maker, made, day)


def _forget_later_changes(maker: Maker, made: Made, day: int) -> None:
    of_it = [change for change in maker.changes if change["pmid"] == made.pmid]
    if any(change["kind"] == "revision" and change["day"] >= day - 8 for change in of_it):
        maker.changes = [c for c in maker.changes if c not in of_it or c["kind"] == "deletion"]
        made.indexed = made.matches_late = False


def _reach_a_journal(maker: Maker, made: Made, day: int) -> None:
    """It was a preprint, and an article in a journal is its newer version."""
    made.entry["publication_types"] = ("Preprint",)
    maker.change(made, day, "update", notice_pmid=_second(maker, made, day, "").pmid)


def _update(maker: Maker, made: Made, day: int) -> None:
    maker.change(made, day, "update", notice_pmid=_second(maker, made, day, "Update: ").pmid)
    made.status = "updated"


def _reword(maker: Maker, made: Made, day: int) -> None:
    made.title = f"{made.title.removesuffix('.')} (revised title)."
    maker.change(made, day, "revision", title=made.title)


_FATES: Sequence[Callable[[Maker, Made, int], None]] = (
    *(_noticed(kind) for kind in _NOTICES),
    _withdraw,
    _delete,
    _vanish,
    _reach_a_journal,
    _update,
    _reword,
)
