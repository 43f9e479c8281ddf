"""One article of a catalogue: what its record says, and when it enters the simulated PubMed."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.ncbi_sim.markup import check
from services.ncbi_sim.vocabulary import LANGUAGES, MONTHS, PUBLICATION_TYPES, QUALIFIERS


def _known(words: Any, what: str) -> AfterValidator:
    def known(word: str) -> str:
        if word not in words:
            raise ValueError(
                f"{word!r} is no {what} known here; see services/ncbi_sim/vocabulary.py"
            )
        return word

    return AfterValidator(known)


Title = Annotated[str, AfterValidator(check)]
Month = Annotated[str, _known(MONTHS, "month")]
PublicationType = Annotated[str, _known(PUBLICATION_TYPES, "publication type")]
Doi = Annotated[str, Field(pattern=r"^10\.\d{4,}/\S+$")]
Pmcid = Annotated[str, Field(pattern=r"^PMC\d+$")]


class Part(BaseModel):
    """A table of a catalogue: immutable, and without fields nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Author(Part):
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


class MeshHeading(Part):
    """A MeSH descriptor with its qualifiers."""

    ui: str = Field(pattern=r"^D\d+$")
    name: str
    major: bool = False
    qualifiers: tuple[Annotated[str, _known(QUALIFIERS, "MeSH qualifier")], ...] = ()


class Article(Part):
    """One article. Days are counted from the catalogue's day zero.

    It is there from 00:00 UTC of `entered_day`, or from `entered_time` of it. `cites` are PMIDs,
    and show from `cites_visible_day` on (else at once). `medline_date` ("1998 Dec-1999 Jan") and
    `season` stand in the record in place of month and day; `electronic_on` is the date of the first
    version on line.

    Of a recorded article `xml` is the record, sent as it is, `entry_date` its EDAT, and
    `references_known` whether elink knew its references; else these follow from the rest.
    """

    pmid: int = Field(gt=0)
    title: Title
    journal: str
    year: int = Field(ge=1500, le=2100)
    entered_day: int
    entered_time: str | None = Field(default=None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    version: int = Field(default=1, ge=1)
    doi: Doi | None = None
    pmcid: Pmcid | None = None
    journal_abbreviation: str | None = None
    month: Month | None = None
    day: int | None = Field(default=None, ge=1, le=31)
    season: str | None = None
    medline_date: str | None = None
    electronic_on: date | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    language: Annotated[str, _known(LANGUAGES, "language code")] = "eng"
    authors: tuple[Author, ...] = ()
    publication_types: tuple[PublicationType, ...] = Field(
        default=("Journal Article",), min_length=1
    )
    mesh: tuple[MeshHeading, ...] = ()
    keywords: tuple[str, ...] = ()
    trials: tuple[Annotated[str, Field(pattern=r"^NCT\d{8}$")], ...] = ()
    summary: tuple[str, ...] = ()
    similar_score: int | None = Field(default=None, gt=0)
    cites_seed: bool = False
    cited_by_seed: bool = False
    cites: tuple[Annotated[int, Field(gt=0)], ...] = ()
    cites_visible_day: int | None = None
    simulated: bool = False
    xml: str | None = None
    entry_date: date | None = None
    references_known: bool | None = None
    expect: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _dates_make_sense(self) -> Self:
        if (self.season or self.medline_date) and (self.month or self.day):
            raise ValueError("season and medline_date stand in place of month and day")
        if self.season and self.medline_date:
            raise ValueError("give either season or medline_date")
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
