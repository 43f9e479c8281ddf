"""The generated PubMed: repeatable, and the stand-in agrees with what is true of it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import httpx

from services.ncbi_sim.app import create_app
from services.ncbi_sim.change import Kind
from services.ncbi_sim.generate import DAY_ZERO, SEED, Generated, generated
from services.poller.topic import read_topic

TOPIC = read_topic(Path(__file__).parents[3] / "topics" / "car-autoimmune.toml")
DAYS = 60
PUBMED = generated(seed=7, articles=400, days=DAYS, late_matches=4)
END = datetime(DAY_ZERO.year, DAY_ZERO.month, DAY_ZERO.day, tzinfo=UTC) + timedelta(days=DAYS)


async def _ids(utility: str, **asked: str) -> set[int]:
    app = create_app(PUBMED.catalogue, now=lambda: END, rate_limit=False)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://pubmed.test") as http:
        answer = await http.post(f"/entrez/eutils/{utility}.fcgi", data={"db": "pubmed", **asked})
    return {int(found) for found in re.findall(r"<Id>(\d+)</Id>", answer.text)} - {SEED}


def _with(relation: str, pubmed: Generated = PUBMED) -> set[int]:
    gone = {change.pmid for change in pubmed.catalogue.changes if change.kind == "deletion"}
    return {pmid for pmid, one in pubmed.truth.items() if relation in one.relations} - gone


async def test_the_default_query_finds_exactly_what_was_made_for_it() -> None:
    term = " ".join(TOPIC.query[0].term.split())

    assert await _ids("esearch", term=term, retmax="9999") == _with("query")


async def test_links_to_the_seed_are_those_of_the_truth() -> None:
    names = {"similar": "pubmed_pubmed", "cited-by": "pubmed_pubmed_citedin"}
    for relation, name in names.items():
        found = await _ids("elink", dbfrom="pubmed", id=str(SEED), linkname=name)
        assert found == _with(relation)


def test_the_same_seed_gives_the_same_catalogue_and_another_one_gives_another() -> None:
    again = generated(seed=7, articles=400, days=DAYS, late_matches=4)

    assert again == PUBMED
    assert generated(seed=8, articles=400, days=DAYS) != PUBMED


def test_everything_happens_that_can_happen_to_a_record() -> None:
    kinds = {change.kind for change in PUBMED.catalogue.changes}
    late = {one.pmid for one in PUBMED.catalogue.articles if one.year < DAY_ZERO.year - 1}

    assert kinds == set(get_args(Kind))
    assert _with("cites-tracked")
    assert late & {pmid for pmid, one in PUBMED.truth.items() if one.entered_day >= 0}


def test_in_a_world_of_few_days_nothing_becomes_of_the_records() -> None:
    assert generated(seed=5, articles=60, days=3).catalogue.changes == ()
