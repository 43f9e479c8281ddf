"""The catalogue: a TOML file of articles and of what becomes of them, loaded and checked."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.ncbi_sim.markup import check
from services.ncbi_sim.vocabulary import LANGUAGES, MONTHS, PUBLICATION_TYPES, QUALIFIERS
from shared.errors import ConfigurationError


def _known(words: Any, what: str) -> AfterValidator:
    def known(word: str) -> str:
        if word not in words:
            raise ValueError(
                f"{word!r} is no {what} known here; see services/ncbi_sim/vocabulary.py"
            )
        return word

    return AfterValidator(known)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Author(_Part):
    """A person (`last` with `fore` and `initials`) or a group (`collective`)."""

    last: str | None = None
    fore: str | None = None
    initials: str | None = None
    collective: str | None = None

    @model_validator(mode="after")
    def _person_or_group(self) -> Self:
        if (self.last is None) == (self.collective is None):
            raise ValueError("give either last or collective")
        return self

    @property
    def name(self) -> str:
        """The name as PubMed cites it: last name and initials, or the group's name."""
        return self.collective or " ".join(part for part in (self.last, self.initials) if part)


class MeshHeading(_Part):
    """A MeSH descriptor with its qualifiers."""

    ui: str = Field(pattern=r"^D\d+$")
    name: str
    major: bool = False
    qualifiers: tuple[Annotated[str, _known(QUALIFIERS, "MeSH qualifier")], ...] = ()


class Article(_Part):
    """One article. `entered_day` counts from the catalogue's day zero and is its date of entry."""

    pmid: int = Field(gt=0)
    title: Annotated[str, AfterValidator(check)]
    journal: str
    year: int = Field(ge=1800, le=2100)
    entered_day: int
    doi: str | None = Field(default=None, pattern=r"^10\.\d{4,}/\S+$")
    pmcid: str | None = Field(default=None, pattern=r"^PMC\d+$")
    journal_abbreviation: str | None = None
    month: Annotated[str, _known(MONTHS, "month")] | None = None
    day: int | None = Field(default=None, ge=1, le=31)
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    language: Annotated[str, _known(LANGUAGES, "language code")] = "eng"
    authors: tuple[Author, ...] = ()
    publication_types: tuple[Annotated[str, _known(PUBLICATION_TYPES, "publication type")], ...] = (
        Field(default=("Journal Article",), min_length=1)
    )
    mesh: tuple[MeshHeading, ...] = ()
    keywords: tuple[str, ...] = ()
    trials: tuple[Annotated[str, Field(pattern=r"^NCT\d{8}$")], ...] = ()
    summary: tuple[str, ...] = ()
    similar_score: int | None = Field(default=None, gt=0)
    cites_seed: bool = False
    cited_by_seed: bool = False
    simulated: bool = False
    expect: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _dates_make_sense(self) -> Self:
        if self.day is not None:
            if self.month is None:
                raise ValueError("day is given without month")
            date(self.year, MONTHS.index(self.month) + 1, self.day)
        return self

    @property
    def published_on(self) -> date:
        """The day PubMed indexes: the first one where month or day is not known."""
        month = MONTHS.index(self.month) + 1 if self.month else 1
        return date(self.year, month, self.day or 1)


class Change(_Part):
    """What NCBI would serve from `day` on: the article is retracted or corrected by the notice."""

    day: int
    pmid: int
    kind: Literal["retraction", "correction"]
    notice_pmid: int


class Head(_Part):
    """Who the catalogue is about, and the Monday its days count from."""

    id: str
    seed: int
    day_zero: date
    days: int = Field(ge=0)
    notice: str


class Catalogue(_Part):
    """All articles and changes of one simulated PubMed."""

    head: Head = Field(alias="catalogue")
    articles: tuple[Article, ...] = Field(alias="article", min_length=1)
    changes: tuple[Change, ...] = Field(alias="change", default=())

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        articles: dict[int, Article] = {}
        for article in self.articles:
            if article.pmid in articles:
                raise ValueError(f"PMID {article.pmid} is there twice")
            articles[article.pmid] = article
        if self.head.seed not in articles:
            raise ValueError(f"the seed, PMID {self.head.seed}, is not among the articles")
        for change in self.changes:
            _check_change(change, articles)
        return self


def _check_change(change: Change, articles: dict[int, Article]) -> None:
    for pmid in (change.pmid, change.notice_pmid):
        article = articles.get(pmid)
        if article is None:
            raise ValueError(f"the {change.kind} of day {change.day} names PMID {pmid}, no article")
        if not article.simulated:
            raise ValueError(f"PMID {pmid}: only a simulated record may be part of a {change.kind}")
        if article.entered_day > change.day:
            raise ValueError(f"PMID {pmid} enters after its {change.kind} of day {change.day}")


def load_catalogue(path: Path) -> Catalogue:
    """Read and check a catalogue.

    Raises:
        ConfigurationError: it cannot be read, or names the PMID and field that are wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"catalogue {path} cannot be read: {error}") from error
    return read_catalogue(content, str(path))


def read_catalogue(content: dict[str, Any], origin: str = "catalogue") -> Catalogue:
    """The checked catalogue of a parsed TOML document.

    Raises:
        ConfigurationError: names the PMID and field that are wrong.
    """
    try:
        return Catalogue.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(_fault(fault, content) for fault in error.errors())
        raise ConfigurationError(f"{origin}: {faults}") from error


def _fault(fault: Any, content: dict[str, Any]) -> str:
    where = list(fault["loc"])
    if len(where) > 1 and where[0] in {"article", "change"}:
        entry = content[where[0]][where[1]]
        pmid = entry.get("pmid", "?") if isinstance(entry, dict) else "?"
        where[:2] = [f"{where[0]} number {where[1] + 1} (PMID {pmid})"]
    return f"{' '.join(str(part) for part in where)}: {fault['msg']}".removeprefix(": ")
