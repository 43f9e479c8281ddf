"""Real files of NLM, where they are at hand: baseline and update files of 2020 and 2026."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller.ingest.sift import seed_references
from services.poller.topic import Query, Topic
from shared.article import Status
from shared.events import Reason
from tests.unit.poller.ingesting import at, entry, nlm_file, take
from tests.unit.poller.polling import announced, discovered, revised, taken

FILES = Path(__file__).parents[4] / "shared" / "eutils" / "files"
NAMES = ("pubmed26n1334.xml.gz", "pubmed20n1016.xml.gz", "pubmed20n1203.xml.gz")
NOW = at(2026, 1, 30)
TOPIC = Topic(
    id="tiny",
    title="Tiny",
    seed=10658653,
    query=(
        Query(name="cells", term='"mast cells"[ti] AND tuberculosis[tiab] AND eng[la]'),
        Query(name="gut", term='("Celiac Disease"[mh] OR asthma[mh]) NOT 1975:1976[crdt]'),
    ),
    references=True,
    cited_by=True,
)

pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason=f"no recorded files in {FILES}")


async def test_real_files_are_filtered_by_words_headings_and_days(engine: AsyncEngine) -> None:
    reports = await take(engine, [FILES / name for name in NAMES], topic=TOPIC, now=NOW)

    counted = {one.name: (one.counts["records"], one.counts["matched"]) for one in reports}
    assert counted == {
        "pubmed20n1016.xml.gz": (26, 1),
        "pubmed20n1203.xml.gz": (10, 0),
        "pubmed26n1334.xml.gz": (30, 1),
    }
    assert [one.counts["refused"] for one in reports] == [0, 0, 0]
    events = {event.data.article.pmid: event.data for event in discovered(await taken(engine))}
    assert {pmid: (data.reasons[0].name, data.backfill) for pmid, data in events.items()} == {
        31171885: ("gut", True),
        41603352: ("cells", False),
    }


async def test_a_real_deletion_takes_an_article_out_that_an_earlier_file_brought(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    day = at(2019, 12, 1)
    ours = nlm_file(tmp_path, 1, entry(31845705, "Mast cells: tuberculosis", day, day.date()))
    anything = TOPIC.model_copy(update={"query": (Query(name="all", term="mast[ti]"),)})

    await take(engine, [ours], topic=anything, now=NOW)
    assert announced(await taken(engine)) == [31845705]
    await take(engine, [FILES / "pubmed20n1016.xml.gz"], topic=anything, now=NOW)

    (event,) = revised(await taken(engine))
    assert event.data.article.status is Status.DELETED
    assert event.data.reasons == (Reason(relation="query", name="all"),)


def test_what_a_real_record_cites_is_found_by_its_number() -> None:
    cited = seed_references(FILES / "pubmed26n1334.xml.gz", 41583336)

    assert cited is not None
    assert (len(cited), 24416692 in cited) == (7, True)
    # It is a reference in this file, and has no record of its own here.
    assert seed_references(FILES / "pubmed26n1334.xml.gz", 24416692) is None
