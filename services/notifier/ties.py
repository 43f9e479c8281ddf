"""What other records have to do with an article: its preprint, its journal version, its subject.

Pure. PubMed marks a preprint and what became of it as updates of each other, sometimes on one of
the two records only; so the links are looked at from both sides.

Of a preprint and its journal version a subscriber gets one, unless the subscription says
`preprints = "both"`: the journal version, in which the preprint is named and counts as told; a
preprint whose journal version was sent before does not come at all. A preprint without a journal
version at hand is shown as it is, and a journal version always comes, also to who was sent the
preprint: it is the peer-reviewed text.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from shared.article import Article, Record, Status
from shared.events import Classified

TieKind = Literal["published-as", "updated-by", "preprint", "update-of", "about", "republished"]

_ABOUT = frozenset({"RetractionOf", "PartialRetractionOf", "ExpressionOfConcernFor", "ErratumFor"})
_SERVERS = (
    "medrxiv", "biorxiv", "arxiv", "res sq", "research square", "chemrxiv", "preprints", "ssrn",
    "authorea", "psyarxiv", "osf preprints", "qeios", "techrxiv",
)  # fmt: skip
"""How the sources of preprints begin: the servers that PubMed takes preprints from."""


class Tie(Record):
    """Another record and what it is to this one.

    `sent_on` is when this reader was sent it. `folded`: it was due too, and is told by being
    named here.
    """

    kind: TieKind
    pmid: int
    title: str | None = None
    status: Status = Status.PUBLISHED
    sent_on: date | None = None
    folded: bool = False


@dataclass(frozen=True)
class Kin:
    """What is on record for one reader about the records that articles name.

    `versions` are pairs of an earlier and a later PMID. `told` are those in the reader's ledger,
    `sent_on` those of them that were delivered.
    """

    versions: frozenset[tuple[int, int]] = frozenset()
    known: Mapping[int, Article] = field(default_factory=dict)
    told: Collection[int] = ()
    sent_on: Mapping[int, date] = field(default_factory=dict)


def named(articles: Iterable[Article], versions: Collection[tuple[int, int]]) -> set[int]:
    """PMIDs of all records that these articles are tied to."""
    kin = Kin(versions=frozenset(versions))
    return {pmid for article in articles for _, pmid in _tied(article, kin)}


def stated_versions(article: Article) -> set[tuple[int, int]]:
    """Pairs of an earlier and a later PMID, as this record alone has them."""
    kin = Kin()
    later = {(article.pmid, pmid) for pmid in _later(article, kin)}
    return later | {(pmid, article.pmid) for pmid in _earlier(article, kin)}


def told_once(entries: Sequence[Classified], kin: Kin) -> list[Classified]:
    """The entries without the preprints whose journal version the reader has, or gets with them.

    A preprint gives way to no other preprint of the same digest: two that name each other would
    both be lost.
    """
    journal = {e.article.pmid for e in entries if not e.article.is_preprint}
    present = journal | set(kin.told)
    return [
        entry
        for entry in entries
        if not entry.article.is_preprint or not present.intersection(_later(entry.article, kin))
    ]


def ties(
    entries: Iterable[Classified], folded: Collection[int], kin: Kin
) -> dict[int, tuple[Tie, ...]]:
    """The ties of each entry that has any, by PMID; `folded` are preprints left out for another."""
    found = {e.article.pmid: tuple(_ties(e.article, folded, kin)) for e in entries}
    return {pmid: some for pmid, some in found.items() if some}


def _ties(article: Article, folded: Collection[int], kin: Kin) -> Iterator[Tie]:
    for kind, pmid in _tied(article, kin):
        other = kin.known.get(pmid)
        yield Tie(
            kind=kind,
            pmid=pmid,
            title=other.title if other else None,
            status=other.status if other else Status.PUBLISHED,
            sent_on=kin.sent_on.get(pmid),
            folded=kind == "preprint" and pmid in folded,
        )


def _tied(article: Article, kin: Kin) -> Iterator[tuple[TieKind, int]]:
    for pmid in _later(article, kin):
        other = kin.known.get(pmid)
        is_published = article.is_preprint and not (other and other.is_preprint)
        yield ("published-as" if is_published else "updated-by"), pmid
    for pmid in _earlier(article, kin):
        is_preprint = not article.is_preprint and _was_preprint(article, pmid, kin)
        yield ("preprint" if is_preprint else "update-of"), pmid
    about = {c.pmid for c in article.corrections if c.ref_type in _ABOUT}
    for pmid in article.notice_of:
        yield ("about" if pmid in about else "republished"), pmid


def _later(article: Article, kin: Kin) -> tuple[int, ...]:
    own = [c.pmid for c in article.corrections if c.ref_type == "UpdateIn" and c.pmid]
    theirs = sorted(later for earlier, later in kin.versions if earlier == article.pmid)
    return _others(article, (*own, *theirs))


def _earlier(article: Article, kin: Kin) -> tuple[int, ...]:
    theirs = sorted(earlier for earlier, later in kin.versions if later == article.pmid)
    return _others(article, (*article.earlier_versions, *theirs))


def _others(article: Article, pmids: Iterable[int]) -> tuple[int, ...]:
    return tuple(pmid for pmid in dict.fromkeys(pmids) if pmid != article.pmid)


def _was_preprint(article: Article, pmid: int, kin: Kin) -> bool:
    """As its own record says; of one we do not hold, as its citation begins."""
    if pmid in kin.known:
        return kin.known[pmid].is_preprint
    cited = (c.source or "" for c in article.corrections if c.pmid == pmid)
    return any(source.lower().startswith(_SERVERS) for source in cited)
