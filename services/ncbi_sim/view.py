"""The catalogue as PubMed would show it at one instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from services.ncbi_sim.catalogue import Article, Catalogue, Change
from services.ncbi_sim.markup import plain

# NLM Technical Bulletin nd08: a record that enters more than a year after publication gets the
# publication date as its entry date (EDAT); only the create date (CRDT) tells when it really came.
_LATE = timedelta(days=365)

_REF_TYPES = {
    "retraction": ("RetractionIn", "RetractionOf"),
    "correction": ("ErratumIn", "ErratumFor"),
}


@dataclass(frozen=True)
class Correction:
    """An entry of CommentsCorrectionsList: its RefType, and the citation and PMID it points to."""

    ref_type: str
    source: str
    pmid: int


@dataclass(frozen=True)
class Record:
    """An article with everything that depends on the simulated day."""

    article: Article
    notice: str
    created_on: date
    revised_on: date
    publication_types: tuple[str, ...]
    corrections: tuple[Correction, ...]

    @property
    def pmid(self) -> int:
        """The PubMed identifier."""
        return self.article.pmid

    @property
    def entered_on(self) -> date:
        """EDAT; the publication date for records that came more than a year late."""
        published_on = self.article.published_on
        late = self.created_on - published_on > _LATE
        return published_on if late else self.created_on

    def date_of(self, datetype: str) -> date:
        """The date that `crdt`, `edat`, `mdat` or `pdat` stands for."""
        dates = {"crdt": self.created_on, "edat": self.entered_on, "mdat": self.revised_on}
        return dates.get(datetype, self.article.published_on)


@dataclass(frozen=True)
class View:
    """What the catalogue holds at `now` (an aware instant)."""

    catalogue: Catalogue
    now: datetime

    @property
    def today(self) -> date:
        """The simulated day in UTC."""
        return self.now.astimezone(UTC).date()

    @property
    def seed(self) -> int:
        """The PMID the similarity and citation links are about."""
        return self.catalogue.head.seed

    @cached_property
    def records(self) -> Sequence[Record]:
        """All records entered by now, most recent first, as esearch sorts them."""
        found = [
            self._record(a)
            for a in self.catalogue.articles
            if self._day(a.entered_day) <= self.today
        ]
        return sorted(found, key=lambda record: (record.created_on, record.pmid), reverse=True)

    @cached_property
    def by_pmid(self) -> dict[str, Record]:
        """The records under their PMID as text."""
        return {str(record.pmid): record for record in self.records}

    def _day(self, number: int) -> date:
        return self.catalogue.head.day_zero + timedelta(days=number)

    def _record(self, article: Article) -> Record:
        changes = [change for change in self.catalogue.changes if self._touches(change, article)]
        types = list(article.publication_types)
        if any(change.kind == "retraction" and change.pmid == article.pmid for change in changes):
            types.append("Retracted Publication")
        return Record(
            article=article,
            notice=self.catalogue.head.notice,
            created_on=self._day(article.entered_day),
            revised_on=self._day(max([article.entered_day, *(change.day for change in changes)])),
            publication_types=tuple(dict.fromkeys(types)),
            corrections=tuple(self._correction(change, article) for change in changes),
        )

    def _touches(self, change: Change, article: Article) -> bool:
        return (
            article.pmid in {change.pmid, change.notice_pmid}
            and self._day(change.day) <= self.today
        )

    def _correction(self, change: Change, article: Article) -> Correction:
        to_notice, to_article = _REF_TYPES[change.kind]
        if article.pmid == change.pmid:
            return Correction(to_notice, self._citation(change.notice_pmid), change.notice_pmid)
        return Correction(to_article, self._citation(change.pmid), change.pmid)

    def _citation(self, pmid: int) -> str:
        return citation(next(a for a in self.catalogue.articles if a.pmid == pmid))


def publication_date(article: Article) -> str:
    """The date as PubMed prints it: 2024, 2024 Oct or 2024 Oct 9."""
    parts = (str(article.year), article.month, str(article.day) if article.day else None)
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
