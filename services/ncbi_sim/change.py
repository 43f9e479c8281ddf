"""What becomes of an article after it has entered, each from a day on."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from services.ncbi_sim.article import Article, Doi, MeshHeading, Part, Pmcid, PublicationType, Title

Kind = Literal[
    "retraction", "correction", "concern", "withdrawal", "revision", "update", "deletion"
]

_WITH_NOTICE = {"retraction", "correction", "concern"}
_WITH_CONTENT = {"revision", "update"}
_OF_REAL_ARTICLES = {"revision", "update"}
_CONTENT = (
    *("title", "summary", "keywords", "mesh", "publication_types"),
    *("doi", "pmcid", "volume", "issue", "pages"),
)


class Change(Part):
    """What NCBI would serve of the article from 00:00 UTC of `day` on.

    retraction, correction, concern: by the record `notice_pmid`; both point to each other.
    withdrawal: the title begins with WITHDRAWN.
    revision: what is given of the content replaces what was there (MeSH that comes months later).
    update: `notice_pmid` is the newer record (a preprint's journal article); without it this record
        gets its next version, with the content given.
    deletion: the PMID is gone; for `delete_citation_days` efetch answers a DeleteCitation.
    """

    day: int
    pmid: int
    kind: Kind
    notice_pmid: int | None = None
    delete_citation_days: int = Field(default=0, ge=0)
    title: Title | None = None
    summary: tuple[str, ...] | None = None
    keywords: tuple[str, ...] | None = None
    mesh: tuple[MeshHeading, ...] | None = None
    publication_types: tuple[PublicationType, ...] | None = Field(default=None, min_length=1)
    doi: Doi | None = None
    pmcid: Pmcid | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None

    @model_validator(mode="after")
    def _fields_belong_to_the_kind(self) -> Self:
        if self.kind in _WITH_NOTICE and self.notice_pmid is None:
            raise ValueError(f"a {self.kind} needs notice_pmid")
        if self.kind not in {*_WITH_NOTICE, "update"} and self.notice_pmid is not None:
            raise ValueError(f"a {self.kind} has no notice_pmid")
        if self.content and self.kind not in _WITH_CONTENT:
            raise ValueError(f"a {self.kind} gives no content ({', '.join(self.content)})")
        if self.kind == "revision" and not self.content:
            raise ValueError(f"a revision gives one of {', '.join(_CONTENT)}")
        if self.delete_citation_days and self.kind != "deletion":
            raise ValueError(f"a {self.kind} has no delete_citation_days")
        return self

    @property
    def content(self) -> dict[str, Any]:
        """The fields of the article that are replaced."""
        values = {name: getattr(self, name) for name in _CONTENT}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def pmids(self) -> tuple[int, ...]:
        """The records it shows on."""
        return (self.pmid,) if self.notice_pmid is None else (self.pmid, self.notice_pmid)

    def check(self, articles: Mapping[int, Article]) -> None:
        """Whether it fits the articles of its catalogue.

        Raises:
            ValueError: a record is not there (yet), or is a real one that nothing may be said of.
        """
        for pmid in self.pmids:
            article = articles.get(pmid)
            if article is None:
                raise ValueError(f"the {self.kind} of day {self.day} names PMID {pmid}, no article")
            if not article.simulated and self.kind not in _OF_REAL_ARTICLES:
                raise ValueError(
                    f"PMID {pmid}: only a simulated record may be part of a {self.kind}"
                )
            if article.entered_day > self.day:
                raise ValueError(f"PMID {pmid} enters after its {self.kind} of day {self.day}")
