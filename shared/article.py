"""A PubMed article as the services pass it on: what classification and digests need of a record."""

import hashlib
import json
from collections.abc import Collection
from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Record(BaseModel):
    """Immutable; a reader ignores fields that a newer writer added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Status(StrEnum):
    """What has happened to the paper since it was published (not to the notice about it).

    `DELETED` is a record that PubMed has taken out; the paper itself may still exist.
    """

    PUBLISHED = "published"
    UPDATED = "updated"
    CORRECTED = "corrected"
    CONCERN = "expression-of-concern"
    RETRACTED = "retracted"
    WITHDRAWN = "withdrawn"
    DELETED = "deleted"


class PartialDate(Record):
    """A date as precise as PubMed gives it; a month or day that is not given stays `None`.

    `text` is the date as printed when it is not a plain one (`MedlineDate`, a season).
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None
    text: str | None = None


class Author(Record):
    """A person, or a group under `collective_name`, with every affiliation as printed."""

    last_name: str | None = None
    fore_name: str | None = None
    initials: str | None = None
    collective_name: str | None = None
    orcid: str | None = None
    affiliations: tuple[str, ...] = ()


class AbstractSection(Record):
    """One `AbstractText`; `label` is set in structured abstracts ("METHODS")."""

    text: str
    label: str | None = None


class OtherAbstract(Record):
    """An abstract beside the main one: a translation, or a summary for lay people.

    `language` is PubMed's three letters, `kind` its `Type` ("plain-language-summary").
    """

    language: str | None = None
    kind: str | None = None
    sections: tuple[AbstractSection, ...] = ()


class Journal(Record):
    """`title` is the full name, `abbreviation` the ISO one."""

    title: str = ""
    abbreviation: str | None = None
    issn: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None


class MeshHeading(Record):
    """A MeSH descriptor; `major` when it or one of its qualifiers is a major topic.

    `major_qualifiers` are those of the qualifiers that are marked major themselves.
    """

    name: str
    ui: str | None = None
    major: bool = False
    qualifiers: tuple[str, ...] = ()
    major_qualifiers: tuple[str, ...] = ()


class Chemical(Record):
    """A substance with its registry number ("0" where there is none) and MeSH identifier."""

    name: str
    registry_number: str | None = None
    ui: str | None = None


class Grant(Record):
    """Who paid: grant number, funder's short name, agency and country, as far as given."""

    number: str | None = None
    acronym: str | None = None
    agency: str | None = None
    country: str | None = None


class Accession(Record):
    """A number in a data bank: a trial register, a sequence archive."""

    bank: str
    number: str


class HistoryDate(Record):
    """A step in a record's history (`received`, `accepted`, `entrez`, `medline`, ...)."""

    status: str
    date: PartialDate


class Correction(Record):
    """One `CommentsCorrections` entry, e.g. `RetractionIn` with the PMID of the notice."""

    ref_type: str
    pmid: int | None = None
    source: str | None = None


class Article(Record):
    """One PubMed record. Texts are plain Unicode; `title_html` keeps `<i>`, `<sub>`, `<sup>`.

    `published` is the date of the issue, `electronic` that of the first version online;
    `references` are the PMIDs of its reference list, as far as PubMed knows it. `revised_on` is the
    day NLM last touched the record: of two readings of it the one with the later day is newer.
    """

    pmid: int
    version: int = 1
    title: str
    title_html: str | None = None
    vernacular_title: str | None = None
    abstract: tuple[AbstractSection, ...] = ()
    other_abstracts: tuple[OtherAbstract, ...] = ()
    doi: str | None = None
    pmcid: str | None = None
    journal: Journal = Journal()
    published: PartialDate = PartialDate()
    electronic: PartialDate | None = None
    history: tuple[HistoryDate, ...] = ()
    entered_at: AwareDatetime | None = None
    revised_on: date | None = None
    authors: tuple[Author, ...] = ()
    publication_types: tuple[str, ...] = ()
    mesh: tuple[MeshHeading, ...] = ()
    keywords: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    trial_ids: tuple[str, ...] = ()
    accessions: tuple[Accession, ...] = ()
    chemicals: tuple[Chemical, ...] = ()
    grants: tuple[Grant, ...] = ()
    references: tuple[int, ...] = ()
    corrections: tuple[Correction, ...] = ()
    copyright: str | None = None
    status: Status = Status.PUBLISHED

    @property
    def is_preprint(self) -> bool:
        """Whether PubMed calls it a preprint."""
        return "Preprint" in self.publication_types

    @property
    def notice_of(self) -> tuple[int, ...]:
        """The papers that this record speaks of, when it is a notice (or a comment on none)."""
        return self._linked(NOTICE_OF)

    @property
    def journal_versions(self) -> tuple[int, ...]:
        """What a preprint became in a journal. PubMed marks it as its update (`UpdateIn`)."""
        return self._linked({"UpdateIn"}) if self.is_preprint else ()

    @property
    def earlier_versions(self) -> tuple[int, ...]:
        """What this record is an update of: the preprint of a journal article, among others."""
        return self._linked({"UpdateOf"})

    def _linked(self, kinds: Collection[str]) -> tuple[int, ...]:
        found = (one.pmid for one in self.corrections if one.ref_type in kinds and one.pmid)
        return tuple(dict.fromkeys(found))


NOTICE_OF = frozenset(
    {
        "RetractionOf", "RetractedandRepublishedFrom", "PartialRetractionOf",
        "ExpressionOfConcernFor", "ErratumFor", "CorrectedandRepublishedFrom", "RepublishedFrom",
    }
)  # fmt: skip
"""The `RefType`s by which a notice points to the paper it is about (PubMed DTD)."""

CONTENT = (
    "title", "abstract", "doi", "pmcid", "journal", "published", "authors", "publication_types",
    "mesh", "keywords", "trial_ids", "corrections", "status",
)  # fmt: skip
"""The fields whose change makes a new revision; house-keeping is not among them."""

_DETAILS: Any = {
    "authors": {"__all__": {"affiliations"}},
    "mesh": {"__all__": {"major_qualifiers"}},
}
"""Inside those fields, what is no content: articles stored before it was read do not have it."""


def _content(article: Article) -> dict[str, Any]:
    return article.model_dump(
        mode="json", include=set(CONTENT), exclude=_DETAILS, exclude_defaults=True
    )


def content_hash(article: Article) -> str:
    """SHA-256 (hex, 64) of the content fields; fields at their default do not count.

    So a field added to `Article` later, with a default, changes no hash of what is stored.
    """
    content = _content(article)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def changed_fields(old: Article, new: Article) -> tuple[str, ...]:
    """Names of the content fields that differ, in the order of `CONTENT`."""
    before, after = _content(old), _content(new)
    return tuple(name for name in CONTENT if before.get(name) != after.get(name))
