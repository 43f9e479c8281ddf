"""Asks a stand-in that fails, and one that does not, for the same."""

from typing import Any

import httpx
from lxml import etree

from services.ncbi_sim.faults import Rule
from tests.unit.ncbi_sim.small_catalogue import entrez

HEALTHY = {
    "esearch": {"term": '"lupus nephritis"[ti] OR lupus[tiab]', "retmode": "xml"},
    "esummary": {"id": "100,101", "retmode": "xml"},
    "efetch": {"id": "100,101", "retmode": "xml"},
    "elink": {"id": "100", "dbfrom": "pubmed", "cmd": "neighbor_score", "retmode": "xml"},
    "epost": {"id": "100"},
}


def rule(kind: str, endpoint: str = "*", **more: Any) -> Rule:
    """A rule that always hits, unless told otherwise."""
    trigger = {} if {"nth", "rate"} & more.keys() else {"always": True}
    return Rule.model_validate({"endpoint": endpoint, "kind": kind, **trigger, **more})


async def fail(kind: str, endpoint: str = "efetch", **params: Any) -> httpx.Response:
    """The response when everything always fails in one way."""
    async with entrez(faults=(rule(kind),)) as client:
        return await client.get(endpoint, **{**HEALTHY[endpoint], **params})


async def healthy(endpoint: str, **params: Any) -> httpx.Response:
    """The same without a failure."""
    async with entrez() as client:
        return await client.get(endpoint, **{**HEALTHY[endpoint], **params})


def pmids(response: httpx.Response) -> list[str | None]:
    """The own PMIDs of the records of an answer."""
    found = etree.fromstring(response.content).iterfind("PubmedArticle/MedlineCitation/PMID")
    return [pmid.text for pmid in found]
