"""The catalogue: a TOML file of articles and of what becomes of them, loaded and checked."""

import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from services.ncbi_sim.article import Article, Part
from services.ncbi_sim.change import Change
from shared.errors import ConfigurationError

__all__ = [
    "Article", "Catalogue", "Change", "Head", "RecordedQuery", "load_catalogue", "read_catalogue",
]  # fmt: skip

RECORDED = "catalogue.json"
"""What a recorded folder holds, beside its records."""


class Head(Part):
    """Who the catalogue is about, and the Monday its days count from."""

    id: str
    seed: int
    day_zero: date
    days: int = Field(ge=0)
    notice: str


class RecordedQuery(Part):
    """What a query found when it was recorded, on whatever day, and how PubMed translated it.

    The stand-in answers it so, and does not read it: PubMed's own reading knows more than ours.
    """

    name: str
    term: str
    translation: str
    pmids: tuple[int, ...]


class Catalogue(Part):
    """All articles and changes of one simulated PubMed."""

    head: Head = Field(alias="catalogue")
    articles: tuple[Article, ...] = Field(alias="article", min_length=1)
    changes: tuple[Change, ...] = Field(alias="change", default=())
    queries: tuple[RecordedQuery, ...] = Field(alias="query", default=())

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
            change.check(articles)
        return self


def load_catalogue(path: Path) -> Catalogue:
    """Read and check a catalogue: a TOML file, or a folder that `carillon record-ncbi` wrote.

    Raises:
        ConfigurationError: it cannot be read, or names the PMID and field that are wrong.
    """
    try:
        content = _recorded(path) if path.is_dir() else tomllib.loads(_text(path))
    except (OSError, ValueError) as error:  # of TOML, JSON and Unicode as well
        raise ConfigurationError(f"catalogue {path} cannot be read: {error}") from error
    return read_catalogue(content, str(path))


def _recorded(folder: Path) -> dict[str, Any]:
    """The parsed document of a recorded folder, each article with its record as it came."""
    content: dict[str, Any] = json.loads(_text(folder / RECORDED))
    for article in content["article"]:
        article["xml"] = _text(folder / "records" / f"{article['pmid']}.xml")
    return content


def _text(path: Path) -> str:
    # Not read_text: line ends stay as they are.
    return path.read_bytes().decode("utf-8")


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
