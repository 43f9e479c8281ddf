"""Biopython works against the stand-in as it does against NCBI."""

import asyncio
from importlib import import_module
from typing import Any
from urllib.request import Request, urlopen

import pytest

from services.ncbi_sim.app import create_app
from tests.unit.ncbi_sim.served import served
from tests.unit.ncbi_sim.small_catalogue import SEED, on, small_catalogue

entrez: Any = import_module("Bio.Entrez")  # it has no types


def ask() -> dict[str, Any]:
    """A client's round: search, post, summarise, link, fetch."""
    found = entrez.read(entrez.esearch(db="pubmed", term="lupus", usehistory="y"))
    posted = entrez.read(entrez.epost("pubmed", id=str(SEED)))
    summary = entrez.read(entrez.esummary(db="pubmed", id=str(SEED)))
    linked = entrez.read(entrez.elink(dbfrom="pubmed", db="pubmed", id=str(SEED)))
    history = {"webenv": posted["WebEnv"], "query_key": posted["QueryKey"]}
    fetched = entrez.efetch(db="pubmed", retmode="xml", **history).read()
    return {"found": found, "summary": summary, "linked": linked, "fetched": fetched}


async def test_biopython_reads_our_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(small_catalogue(), now=lambda: on(0), rate_limit=False)
    async with served(app) as url:

        def redirect(request: Request) -> Any:
            request.full_url = request.full_url.replace("https://eutils.ncbi.nlm.nih.gov", url)
            return urlopen(request)  # noqa: S310 - a loopback address

        monkeypatch.setattr(entrez, "urlopen", redirect)
        monkeypatch.setattr(entrez, "email", "test@example.org")
        answers = await asyncio.to_thread(ask)
    assert list(answers["found"]["IdList"]) == ["101", "100"]
    assert answers["summary"][0]["LastAuthor"] == "X group"
    assert answers["linked"][0]["LinkSetDb"][0]["Link"][0]["Id"] == "100"
    assert b"<PubmedArticle>" in answers["fetched"]
