"""`carillon record-ncbi`: what is recorded of one PubMed is found the same in its recording."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.console.commands.record import write_recording
from services.console.recorded_entry import entry_of
from services.console.recording import Recording, Wanted, record
from services.console.standin import serve_standin
from services.ncbi_sim.catalogue import Catalogue, load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from services.poller.eutils import Access, Client, Conduct, Limiter, Window, make_eutils
from services.poller.eutils.client import make_http
from services.poller.run import poll_topic
from services.poller.tables import articles
from services.poller.topic import CitesTracked, Topic, read_topic
from shared.article import Article, Author, HistoryDate, Journal, MeshHeading, PartialDate
from shared.database import make_engine, transaction
from shared.errors import ConfigurationError
from shared.events import Leg, Poll
from shared.migrate import upgrade

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
SECRET = {"api_key": "key-of-somebody", "email": "somebody@example.org"}
TOPIC = read_topic(ROOT / "topics" / "car-autoimmune.toml").model_copy(
    update={"cites_tracked": CitesTracked(at_least=2), "backfill_years": 1}
)


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Client]:
    client = Client(make_http(), Access(url, **SECRET), Conduct(Limiter(1000)))
    try:
        yield client
    finally:
        await client.aclose()


async def recorded(topic: Topic = TOPIC, limit: int | None = None) -> Recording:
    """The demo's PubMed, recorded as if it were the live one."""
    async with (
        serve_standin(load_catalogue(PACKAGED_CATALOGUE), lambda: NOW) as url,
        client_of(url) as client,
    ):
        return await record(client, Wanted(topic, NOW, 2 * 365, limit))


async def polled(catalogue: Catalogue, folder: Path) -> tuple[Poll, dict[int, Any], bytes]:
    """The legs, the stored articles and the bytes of all records, of a first poll."""
    engine = make_engine(f"sqlite+aiosqlite:///{folder}/poller.db")
    await upgrade(engine, "poller")
    async with serve_standin(catalogue, lambda: NOW) as url:
        eutils = make_eutils(Access(url), limiter=Limiter(1000))
        poll = await poll_topic(engine, eutils, TOPIC, lambda: NOW)
        async with transaction(engine) as connection:
            columns = articles.c.pmid, articles.c.article, articles.c.reasons
            rows = (await connection.execute(sa.select(*columns))).all()
        raw = await eutils.fetch(sorted(row.pmid for row in rows))
        await eutils.aclose()
    await engine.dispose()
    return poll, {row.pmid: (row.article, row.reasons) for row in rows}, raw


@pytest.mark.timeout(300)
async def test_a_poll_of_the_recording_finds_the_same_articles_with_the_same_bytes(
    tmp_path: Path,
) -> None:
    write_recording(await recorded(), tmp_path / "recording")
    for name in ("live", "replay"):
        (tmp_path / name).mkdir()
    live, stored, raw = await polled(load_catalogue(PACKAGED_CATALOGUE), tmp_path / "live")
    replay, replayed, bytes_ = await polled(
        load_catalogue(tmp_path / "recording"), tmp_path / "replay"
    )
    assert live.healthy
    assert replay.healthy
    assert len(stored) > 40
    assert replayed == stored
    assert bytes_ == raw
    assert [counted(leg) for leg in replay.legs] == [counted(leg) for leg in live.legs]


def counted(leg: Leg) -> tuple[object, ...]:
    return leg.relation, leg.name, leg.counted, leg.understood, leg.state, leg.error


async def test_a_recording_holds_one_answer_of_each_utility_and_nobodys_key(tmp_path: Path) -> None:
    write_recording(await recorded(limit=3), tmp_path)
    assert sorted(path.name for path in (tmp_path / "answers").iterdir()) == [
        *("efetch.xml", "elink.xml", "epost.xml", "esearch.xml", "esummary.json"),
    ]
    assert len(list((tmp_path / "records").iterdir())) == 4
    assert len(load_catalogue(tmp_path).articles) == 4
    for path in tmp_path.rglob("*.*"):
        content = path.read_bytes()
        assert not [secret for secret in SECRET.values() if secret.encode() in content], path


async def test_a_recorded_query_is_answered_with_what_else_is_asked(tmp_path: Path) -> None:
    write_recording(await recorded(), tmp_path)
    async with (
        serve_standin(load_catalogue(tmp_path), lambda: NOW) as url,
        client_of(url) as client,
    ):
        eutils = make_eutils(client.access, limiter=Limiter(1000))
        week = Window(date(2026, 9, 14), date(2026, 9, 21))
        found = await eutils.search(TOPIC.query[0].term, week, "crdt")
        everything = await eutils.count(TOPIC.query[0].term)
        other = await eutils.count("lupus[tiab]")
        await eutils.aclose()
    assert 0 < found.count < everything
    assert found.query_translation is not None
    assert found.query_translation.endswith("AND 2026/09/14:2026/09/21[Date - Create]")
    assert other > 0


async def test_a_seed_that_pubmed_does_not_know_is_named() -> None:
    with pytest.raises(ConfigurationError, match="PubMed has no article 5: correct the seed"):
        await recorded(Topic(id="x", title="X", seed=5, cited_by=True))


async def test_a_query_that_pubmed_does_not_understand_is_named() -> None:
    query = TOPIC.query[0].model_copy(update={"term": "lupus[nofield]"})
    with pytest.raises(ConfigurationError, match="did not understand query 'car-autoimmune'"):
        await recorded(TOPIC.model_copy(update={"query": (query,)}))


def test_what_the_stand_in_has_no_word_for_is_left_out_of_the_entry() -> None:
    odd = Article(
        pmid=7,
        title="On <i>p</i> < 0.05",
        doi="no doi",
        journal=Journal(title="J"),
        published=PartialDate(year=2026, month=2, day=30),
        history=(HistoryDate(status="pubmed", date=PartialDate(year=2026, month=3, day=1)),),
        entered_at=datetime(2026, 3, 2, 7, 5, tzinfo=UTC),
        authors=(Author(fore_name="A"), Author(collective_name="Group")),
        publication_types=("Journal Article", "Poem"),
        mesh=(MeshHeading(name="No id"), MeshHeading(name="A", ui="D1", qualifiers=("magic",))),
        languages=("xxx",),
        trial_ids=("ISRCTN1", "NCT01234567"),
    )
    assert entry_of(odd, date(2026, 3, 1)) == {
        "pmid": 7,
        "version": 1,
        "title": "On p < 0.05",
        "journal": "J",
        "year": 2026,
        "entered_day": 1,
        "entered_time": "07:05",
        "entry_date": "2026-03-01",
        "language": "und",
        "authors": [{"collective": "Group"}],
        "publication_types": ["Journal Article"],
        "mesh": [{"ui": "D1", "name": "A", "major": False, "qualifiers": []}],
        "trials": ["NCT01234567"],
        "month": "Feb",
    }


def test_a_date_as_printed_stays_one() -> None:
    seasonal = Article(pmid=7, title="", published=PartialDate(year=1998, text="1998 Fall"))
    entry = entry_of(seasonal, date(2026, 3, 1))
    assert (entry["medline_date"], entry["year"], entry["title"]) == (
        *("1998 Fall", 1998, "[Not available]."),
    )


def test_the_command_writes_no_recording_over_another(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("something")
    words = ["record-ncbi", "--topic", "car-autoimmune", "--out", str(tmp_path)]
    refused = subprocess.run(
        [sys.executable, "-m", "services.console", *words],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "POLLER_EUTILS_URL": "http://127.0.0.1:1/"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 1
    assert "is there already; name a new or an empty folder" in refused.stderr


def test_a_recording_without_its_catalogue_cannot_be_served(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_catalogue(tmp_path)
    (tmp_path / "catalogue.json").write_text(json.dumps({"article": [{"pmid": 1}]}))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_catalogue(tmp_path)
