"""An article as it is between two of its changes, and all of them at one time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from services.ncbi_sim.article import Article
from services.ncbi_sim.markup import plain

# NLM Technical Bulletin nd08: a record that enters more than a year after publication gets the
# publication date as its entry date (EDAT); only the create date (CRDT) tells when it really came.
_LATE = timedelta(days=365)

T = TypeVar("T")


@dataclass(frozen=True)
class Correction:
    """An entry of CommentsCorrectionsList: its RefType, and the citation and PMID it points to."""

    ref_type: str
    source: str
    pmid: int


@dataclass(frozen=True)
class Reference:
    """An entry of a record's reference list."""

    pmid: int
    citation: str


@dataclass(frozen=True, eq=False)
class Record:
    """An article between two of its changes. `number` counts the records of all times.

    `created_at` is when it entered, to the minute (UTC): queries may ask for hours.
    """

    number: int
    article: Article
    notice: str
    version: int
    created_at: datetime
    revised_on: date
    publication_types: tuple[str, ...]
    corrections: tuple[Correction, ...] = ()
    references: tuple[Reference, ...] = ()
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def pmid(self) -> int:
        """The PubMed identifier."""
        return self.article.pmid

    @cached_property
    def uid(self) -> str:
        """The PMID as requests and answers have it."""
        return str(self.article.pmid)

    @cached_property
    def created_on(self) -> date:
        """CRDT: the day it really entered."""
        return self.created_at.date()

    @cached_property
    def entered_on(self) -> date:
        """EDAT; the publication date for records that came more than a year late."""
        return self.instants["edat"].date()

    @cached_property
    def instants(self) -> Mapping[str, datetime]:
        """The instants that `crdt`, `edat`, `mdat` and `pdat` stand for."""
        published_at = _midnight(self.article.published_on)
        return {
            "crdt": self.created_at,
            "edat": self._entered_at(published_at),
            "mdat": _midnight(self.revised_on),
            "pdat": published_at,
        }

    def _entered_at(self, published_at: datetime) -> datetime:
        recorded = self.article.entry_date
        if recorded is not None:
            return self.created_at if recorded == self.created_on else _midnight(recorded)
        late = self.created_on - self.article.published_on > _LATE
        return published_at if late else self.created_at

    @property
    def references_known(self) -> bool:
        """PubMed knows the reference lists of articles in PMC only."""
        recorded = self.article.references_known
        return self.article.pmcid is not None if recorded is None else recorded

    def once(self, what: str, make: Callable[["Record"], T]) -> T:
        """What `make` makes of the record, made the first time only."""
        if what not in self._made:
            self._made[what] = make(self)
        made: T = self._made[what]
        return made


@dataclass(frozen=True, eq=False)
class Contents:
    """All records between two changes of the catalogue, most recent first, as esearch sorts them.

    `deleted` are the PMIDs that efetch answers with a DeleteCitation.
    """

    records: Sequence[Record]
    deleted: frozenset[str] = frozenset()

    @cached_property
    def by_pmid(self) -> Mapping[str, Record]:
        """The records under their PMID as text."""
        return {record.uid: record for record in self.records}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def publication_date(article: Article) -> str:
    """The date as PubMed prints it: 2024, 2024 Oct, 2024 Oct 9, 2024 Fall, 1998 Dec-1999 Jan."""
    if article.medline_date:
        return article.medline_date
    parts = (
        *(str(article.year), article.season, article.month),
        str(article.day) if article.day else None,
    )
    return " ".join(part for part in parts if part)


def place(article: Article) -> str:
    """Date, volume, issue and pages: 2024 Oct 9;11(2):1267-84."""
    issue = f"({article.issue})" if article.issue else ""
    pages = f":{article.pages}" if article.pages else ""
    within = f"{article.volume or ''}{issue}{pages}"
    return publication_date(article) + (f";{within}" if within else "")


def citation(article: Article) -> str:
    """Journal, place and DOI, as RefSource has them."""
    doi = f" doi: {article.doi}." if article.doi else ""
    journal = plain(article.journal_abbreviation or article.journal)
    return f"{journal}. {place(article)}.{doi}"
