"""Biopython works against the stand-in as it does against NCBI: nothing of it is changed.

Only the address is another one: its requests are sent to a loopback port.
"""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any
from urllib.request import Request, urlopen

import pytest

from services.ncbi_sim.app import create_app
from services.ncbi_sim.faults import Rule
from tests.unit.ncbi_sim.served import served
from tests.unit.ncbi_sim.small_catalogue import SEED, on, small_catalogue

entrez: Any = import_module("Bio.Entrez")  # it has no types

Ask = Callable[[Callable[[], Any]], Awaitable[Any]]


@pytest.fixture(name="rules")
def _rules() -> list[Rule]:
    """What fails; a test adds to it before it asks."""
    return []


@pytest.fixture(name="ask")
def _ask(monkeypatch: pytest.MonkeyPatch, rules: list[Rule]) -> Ask:
    """Runs Biopython's blocking calls in a thread, against a stand-in on the second day."""
    monkeypatch.setattr(entrez, "email", "test@example.org")
    monkeypatch.setattr(entrez, "sleep_between_tries", 0.01)

    async def ask(call: Callable[[], Any]) -> Any:
        app = create_app(small_catalogue(), now=lambda: on(1), rate_limit=False, faults=rules)
        async with served(app) as url:

            def redirect(request: Request) -> Any:
                request.full_url = request.full_url.replace("https://eutils.ncbi.nlm.nih.gov", url)
                return urlopen(request)  # noqa: S310 - a loopback address

            monkeypatch.setattr(entrez, "urlopen", redirect)
            return await asyncio.to_thread(call)

    return ask


async def test_a_search_is_read(ask: Ask) -> None:
    found = await ask(lambda: entrez.read(entrez.esearch(db="pubmed", term="lupus", retmax=1)))
    assert (found["Count"], list(found["IdList"])) == ("2", ["101"])
    assert found["QueryTranslation"] == '"lupus"[All Fields]'


async def test_summaries_are_read(ask: Ask) -> None:
    first, other = await ask(lambda: entrez.read(entrez.esummary(db="pubmed", id=f"{SEED},101")))
    assert (first["Id"], other["Id"]) == ("100", "101")
    assert (first["PubDate"], first["LastAuthor"]) == ("2026 Jun 9", "X group")
    assert first["ArticleIds"]["doi"] == "10.1000/seed.1"


async def test_links_are_read_with_their_scores(ask: Ask) -> None:
    def links() -> Any:
        asked = {"dbfrom": "pubmed", "db": "pubmed", "cmd": "neighbor_score"}
        return entrez.read(entrez.elink(id=[str(SEED), "101"], **asked))

    of_seed, of_other = await ask(links)
    names = [str(db["LinkName"]) for db in of_seed["LinkSetDb"]]
    assert names == ["pubmed_pubmed", "pubmed_pubmed_citedin", "pubmed_pubmed_refs"]
    first = of_seed["LinkSetDb"][0]["Link"][1]
    assert (first["Id"], first["Score"]) == ("102", "60000000")
    assert of_other["IdList"] == ["101"]


async def test_posted_ids_are_fetched_from_the_history(ask: Ask) -> None:
    def fetched() -> tuple[Any, Any, Any]:
        posted = entrez.read(entrez.epost("pubmed", id=f"{SEED},101,102"))
        where = {"db": "pubmed", "webenv": posted["WebEnv"], "query_key": posted["QueryKey"]}
        raw = entrez.efetch(retmode="xml", retstart=1, retmax=1, **where).read()
        summary = entrez.read(entrez.esummary(**where))
        linked = entrez.read(
            entrez.elink(dbfrom="pubmed", webenv=where["webenv"], query_key=where["query_key"])
        )
        return raw, summary, linked

    raw, summary, linked = await ask(fetched)
    assert raw.count(b"<PubmedArticle>") == 1
    assert b'<PMID Version="1">101</PMID>' in raw
    assert [one["Id"] for one in summary] == ["100", "101", "102"]
    assert linked[0]["IdList"] == ["100", "101", "102"]


async def test_a_search_kept_on_the_history_is_paged_through(ask: Ask) -> None:
    def paged() -> list[bytes]:
        found = entrez.read(entrez.esearch(db="pubmed", term="lupus", usehistory="y"))
        where = {"db": "pubmed", "webenv": found["WebEnv"], "query_key": found["QueryKey"]}
        pages = range(int(found["Count"]))
        return [
            entrez.efetch(retmode="xml", retstart=start, retmax=1, **where).read()
            for start in pages
        ]

    pages = await ask(paged)
    assert [page.count(b"<PubmedArticle>") for page in pages] == [1, 1]


async def test_many_ids_are_posted_in_the_body(ask: Ask) -> None:
    ids = [str(number) for number in range(30_000_000, 30_000_300)]
    raw = await ask(lambda: entrez.efetch(db="pubmed", id=[*ids, str(SEED)], retmode="xml").read())
    assert raw.count(b"<PubmedArticle>") == 1


async def test_text_is_read_as_text(ask: Ask) -> None:
    handle = {"db": "pubmed", "id": str(SEED), "rettype": "medline", "retmode": "text"}
    text = await ask(lambda: entrez.efetch(**handle).read())
    assert "AU  - Vukovic J" in text


async def test_an_outage_is_tried_again(ask: Ask, rules: list[Rule]) -> None:
    rules += [Rule(endpoint="esearch", kind="http_503", nth=number) for number in (1, 2)]
    found = await ask(lambda: entrez.read(entrez.esearch(db="pubmed", term="lupus")))
    assert found["Count"] == "2"


async def test_a_refusal_over_the_limit_is_tried_again(ask: Ask, rules: list[Rule]) -> None:
    rules += [Rule(endpoint="esearch", kind="http_429", nth=1)]
    found = await ask(lambda: entrez.read(entrez.esearch(db="pubmed", term="lupus")))
    assert found["Count"] == "2"


async def test_an_error_in_a_200_is_raised_as_ncbis(ask: Ask, rules: list[Rule]) -> None:
    rules += [Rule(endpoint="esearch", kind="error_in_200", always=True)]

    def searched() -> None:
        with pytest.raises(RuntimeError, match="Database is not supported: pubmed"):
            entrez.read(entrez.esearch(db="pubmed", term="lupus"))

    await ask(searched)
