"""A small catalogue for tests, and a client that asks the stand-in about it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import httpx
from fastapi import FastAPI
from lxml import etree

from services.ncbi_sim.app import create_app
from services.ncbi_sim.catalogue import Catalogue, read_catalogue
from services.ncbi_sim.faults import Rule

SEED = 100
DAY_ZERO = "2026-09-07"


def article(pmid: int, title: str = "A title.", **more: Any) -> dict[str, Any]:
    """An article entered well before day zero, unless told otherwise."""
    plain = {"pmid": pmid, "title": title, "journal": "Journal of tests", "year": 2026}
    return {**plain, "entered_day": -100, **more}


ARTICLES = [
    article(
        SEED,
        "CAR-T cells for <i>lupus <sup>WT</sup></i>, p < 0.05 & more.",
        month="Jun",
        day=9,
        doi="10.1000/seed.1",
        pmcid="PMC100",
        volume="11",
        issue="2",
        pages="1267-84",
        journal_abbreviation="J Test",
        authors=[{"last": "Vukovic", "fore": "Jovana", "initials": "J"}, {"collective": "X group"}],
        publication_types=["Journal Article", "Review"],
        mesh=[
            {
                "ui": "D001327",
                "name": "Autoimmune Diseases",
                "major": True,
                "qualifiers": ["therapy"],
            },
            {"ui": "D006801", "name": "Humans"},
        ],
        keywords=["chimeric antigen receptor"],
        trials=["NCT05798117"],
        summary=["Engineered cells reset the immune system.", "Patients stay well."],
    ),
    article(
        101, "Lupus nephritis in mice.", similar_score=50_000_000, cites_seed=True, pmcid="PMC101"
    ),
    article(102, "A cell against myasthenia.", similar_score=60_000_000, cited_by_seed=True),
    article(
        103, "Diabetes and autoimmune diseases.", language="ger", entered_day=3, cites_seed=True
    ),
    article(
        104, "Old news of lupus.", year=2019, month="Mar", entered_day=5, similar_score=40_000_000
    ),
    article(99000001, "[Simulated] A study.", entered_day=1, simulated=True, similar_score=7),
    article(
        99000011,
        "[Simulated] Retraction: A study.",
        entered_day=10,
        simulated=True,
        publication_types=["Retraction of Publication"],
    ),
]
CHANGES = [{"day": 10, "pmid": 99000001, "kind": "retraction", "notice_pmid": 99000011}]


def content(**replaced: Any) -> dict[str, Any]:
    """The parsed TOML of the small catalogue."""
    head = {
        "id": "small",
        "seed": SEED,
        "day_zero": date.fromisoformat(DAY_ZERO),
        "days": 14,
        "notice": "Test record.",
    }
    return {"catalogue": head, "article": ARTICLES, "change": CHANGES, **replaced}


def small_catalogue(**replaced: Any) -> Catalogue:
    """The small catalogue, parts of it replaced."""
    return read_catalogue(content(**replaced))


def on(day: int, hour: int = 12) -> datetime:
    """An instant of a simulated day."""
    return datetime(2026, 9, 7 + day, hour, tzinfo=UTC)


@dataclass
class Entrez:
    """Asks the stand-in as a client would."""

    http: httpx.AsyncClient

    async def get(self, endpoint: str, **params: Any) -> httpx.Response:
        """The raw response; db=pubmed unless told otherwise."""
        sent = {"db": "pubmed", **params}
        return await self.http.get(f"/entrez/eutils/{endpoint}.fcgi", params=sent)

    async def json(self, endpoint: str, **params: Any) -> Any:
        """The answer as JSON."""
        response = await self.get(endpoint, retmode="json", **params)
        return json.loads(response.text, strict=False)

    async def xml(self, endpoint: str, **params: Any) -> etree._Element:
        """The answer as XML."""
        return etree.fromstring((await self.get(endpoint, retmode="xml", **params)).content)

    async def search(self, term: str, **params: Any) -> Any:
        """The esearchresult of a JSON search."""
        return (await self.json("esearch", term=term, **params))["esearchresult"]

    async def found(self, term: str, **params: Any) -> set[int]:
        """The PMIDs a search finds."""
        return {int(uid) for uid in (await self.search(term, **params))["idlist"]}


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[Entrez]:
    """A client in the same process."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ncbi.test") as http:
        yield Entrez(http)


@asynccontextmanager
async def entrez(
    catalogue: Catalogue | None = None,
    *,
    now: Callable[[], datetime] = lambda: on(0),
    faults: tuple[Rule, ...] = (),
) -> AsyncIterator[Entrez]:
    """A client of a stand-in without request limit."""
    app = create_app(catalogue or small_catalogue(), now=now, faults=faults, rate_limit=False)
    async with client_of(app) as client:
        yield client
