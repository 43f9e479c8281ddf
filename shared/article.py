"""A PubMed article as the services pass it on: what classification and digests need of a record."""

import hashlib
import json
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Record(BaseModel):
    """Immutable; a reader ignores fields that a newer writer added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Status(StrEnum):
    """What has happened to the paper since it was published (not to the notice about it)."""

    PUBLISHED = "published"
    CORRECTED = "corrected"
    CONCERN = "expression-of-concern"
    RETRACTED = "retracted"
    WITHDRAWN = "withdrawn"


class PartialDate(Record):
    """A date as precise as PubMed gives it; a month or day that is not given stays `None`.

    `text` is the date as printed when it is not a plain one (`MedlineDate`, a season).
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None
    text: str | None = None


class Author(Record):
    """A person, or a group under `collective_name`."""

    last_name: str | None = None
    fore_name: str | None = None
    initials: str | None = None
    collective_name: str | None = None
    orcid: str | None = None


class AbstractSection(Record):
    """One `AbstractText`; `label` is set in structured abstracts ("METHODS")."""

    text: str
    label: str | None = None


class Journal(Record):
    """`title` is the full name, `abbreviation` the ISO one."""

    title: str = ""
    abbreviation: str | None = None
    issn: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None


class MeshHeading(Record):
    """A MeSH descriptor; `major` when it or one of its qualifiers is a major topic."""

    name: str
    ui: str | None = None
    major: bool = False
    qualifiers: tuple[str, ...] = ()


class Correction(Record):
    """One `CommentsCorrections` entry, e.g. `RetractionIn` with the PMID of the notice."""

    ref_type: str
    pmid: int | None = None
    source: str | None = None


class Article(Record):
    """One PubMed record. Texts are plain Unicode; `title_html` keeps `<i>`, `<sub>`, `<sup>`."""

    pmid: int
    version: int = 1
    title: str
    title_html: str | None = None
    vernacular_title: str | None = None
    abstract: tuple[AbstractSection, ...] = ()
    doi: str | None = None
    pmcid: str | None = None
    journal: Journal = Journal()
    published: PartialDate = PartialDate()
    entered_at: AwareDatetime | None = None
    authors: tuple[Author, ...] = ()
    publication_types: tuple[str, ...] = ()
    mesh: tuple[MeshHeading, ...] = ()
    keywords: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    trial_ids: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    copyright: str | None = None
    status: Status = Status.PUBLISHED


CONTENT = (
    "title", "abstract", "doi", "pmcid", "journal", "published", "authors", "publication_types",
    "mesh", "keywords", "trial_ids", "corrections", "status",
)  # fmt: skip
"""The fields whose change makes a new revision; house-keeping is not among them."""


def content_hash(article: Article) -> str:
    """SHA-256 (hex, 64) of the content fields; fields at their default do not count.

    So a field added to `Article` later, with a default, changes no hash of what is stored.
    """
    content = article.model_dump(mode="json", include=set(CONTENT), exclude_defaults=True)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def changed_fields(old: Article, new: Article) -> tuple[str, ...]:
    """Names of the content fields that differ, in the order of `CONTENT`."""
    return tuple(name for name in CONTENT if getattr(old, name) != getattr(new, name))
