"""How old an open leg is, when it raises an alarm, and how a changed reading is reported."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from services.poller.eutils import Eutils
from services.poller.ledger import read_open
from services.poller.run import poll_topic
from shared.database import transaction
from shared.migrate import upgrade
from tests.unit.poller.fakes import FakePubMed, make_client
from tests.unit.poller.polling import (
    DAY,
    ONLY_WORDS,
    TOPIC,
    discovered,
    leg,
    poll,
    standing,
    taken,
)

OUTAGE = httpx.Response(
    200, text="<eSearchResult><ERROR>Search Backend failed</ERROR></eSearchResult>"
)


async def test_a_leg_that_was_never_complete_is_open_since_it_was_first_asked(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.broken["esearch"] = OUTAGE

    await poll(engine, pubmed)
    later = await poll(engine, pubmed, days=0.5)

    assert leg(later, "query").open_since == DAY
    assert not leg(later, "query").alarm
    assert leg(later, "similar").open_since is None


async def test_what_came_while_the_first_poll_could_not_be_completed_is_news(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.broken["esearch"] = OUTAGE
    await poll(engine, pubmed)
    await poll(engine, pubmed, days=40)
    pubmed.broken.clear()
    await taken(engine)

    await poll(engine, pubmed, days=60)

    marked = {e.subject: e.data.backfill for e in discovered(await taken(engine))}
    assert marked == {"1": True, "2": False}  # 2 entered two days before the first poll


async def test_a_leg_that_was_complete_is_open_since_then(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    pubmed.broken["esearch"] = OUTAGE

    later = await poll(engine, pubmed, days=0.2)

    assert leg(later, "query").open_since == DAY


async def test_a_leg_that_stays_open_past_the_limit_is_an_alarm_that_is_logged_once(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.broken["esearch"] = OUTAGE
    await poll(engine, pubmed)

    with capture_logs() as logs:
        alarms = [
            leg(await poll(engine, pubmed, days=days), "query").alarm for days in (0.9, 1.1, 1.2)
        ]

    assert alarms == [False, True, True]
    rang = [line for line in logs if line["event"] == "leg_alarm"]
    legs = ["query:words", "query:words (entry date)", "query:words (whole past)"]
    assert [line["leg"] for line in rang] == legs
    assert all(line["log_level"] == "error" for line in rang)


async def test_an_alarm_ends_with_the_leg_and_counts_anew(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.broken["esearch"] = OUTAGE
    await poll(engine, pubmed)
    await poll(engine, pubmed, days=2)
    pubmed.broken.clear()

    with capture_logs() as logs:
        healed = await poll(engine, pubmed, days=3)

    assert healed.healthy
    assert leg(healed, "query").open_since is None
    assert sum(line["event"] == "leg_alarm_ended" for line in logs) == 3
    async with transaction(engine) as connection:
        assert await read_open(connection, "tiny") == {}


async def test_a_leg_that_the_topic_no_longer_has_is_open_no_more(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.broken["pubmed_pubmed"] = httpx.Response(500, text="")
    await poll(engine, pubmed)

    await poll(engine, pubmed, days=1, topic=ONLY_WORDS)

    async with transaction(engine) as connection:
        assert await read_open(connection, "tiny") == {}


async def test_another_reading_of_a_query_is_reported_once(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.translation = '"car"[Title/Abstract] AND 2026/08/24:2026/09/07[Date - Create]'
    await poll(engine, pubmed)
    pubmed.translation = '"car"[Title/Abstract] AND 2026/08/25:2026/09/08[Date - Create]'
    same = await poll(engine, pubmed, days=1)
    pubmed.translation = '"automobiles"[MeSH Terms]'

    with capture_logs() as logs:
        drifted = await poll(engine, pubmed, days=2)
        again = await poll(engine, pubmed, days=3)

    assert leg(same, "query").previous_translation is None
    assert leg(drifted, "query").previous_translation == '"car"[Title/Abstract]'
    assert leg(again, "query").previous_translation is None
    assert [line["log_level"] for line in logs if "translation_changed" in line["event"]] == [
        "warning",
        "warning",
    ]


async def test_another_remark_on_a_query_is_reported_once(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.translation = '"car"[Title/Abstract]'
    await poll(engine, pubmed)
    remark = "<WarningList><PhraseIgnored>car</PhraseIgnored></WarningList>"
    pubmed.broken["esearch"] = httpx.Response(
        200,
        text="<eSearchResult><Count>2</Count><IdList><Id>1</Id><Id>2</Id></IdList>"
        f"<QueryTranslation>{pubmed.translation}</QueryTranslation>{remark}</eSearchResult>",
    )

    drifted = await poll(engine, pubmed, days=1)
    again = await poll(engine, pubmed, days=2)

    assert leg(drifted, "query").previous_warnings == ()
    assert leg(drifted, "query").warnings == ("PhraseIgnored: car",)
    assert leg(again, "query").previous_warnings is None


async def test_the_line_says_how_many_of_its_articles_were_announced(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    first = await poll(engine, pubmed)
    pubmed.links["pubmed_pubmed_citedin"] = [2]

    second = await poll(engine, pubmed, days=1)

    assert leg(first, "query").published == 2
    assert leg(second, "cited-by").published == 1
    assert leg(second, "similar").published == 0
    assert timedelta(0) == second.finished_at - second.started_at


async def test_a_poll_ends_at_its_deadline_and_leaves_open_what_was_not_answered(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    minutes = [0.0]

    def slow(request: httpx.Request) -> httpx.Response:
        minutes[0] += 12
        return pubmed.answer(request)

    eutils = Eutils(make_client(slow, monotonic=lambda: minutes[0] * 60))

    polled = await poll_topic(engine, eutils, TOPIC, standing(DAY))

    assert minutes[0] == 36
    assert not polled.healthy
    assert "the poll's 30 minutes are over" in str([line.error for line in polled.legs])


@pytest.mark.parametrize(
    "words", ["\x00 gateway", '{"error": "\\ud800 gone"}', '{"error": "\\u0000"}']
)
async def test_words_of_ncbi_that_no_database_takes_are_an_open_leg(
    database: AsyncEngine, pubmed: FakePubMed, words: str
) -> None:
    await upgrade(database, "poller")
    pubmed.broken["esearch"] = httpx.Response(200, text=words)

    polled = await poll(database, pubmed, topic=ONLY_WORDS)

    assert leg(polled, "query").state == "open"


async def test_words_on_a_seed_that_no_database_takes_are_an_open_leg(
    database: AsyncEngine, pubmed: FakePubMed
) -> None:
    await upgrade(database, "poller")
    pubmed.links = {}
    about = r'{"uid": "100", "error": "\u0000 \ud800 backend away"}'
    summary = f'{{"result": {{"uids": ["100"], "100": {about}}}}}'
    pubmed.broken["esummary"] = httpx.Response(200, text=summary)

    polled = await poll(database, pubmed)

    assert "backend away" in str(leg(polled, "cited-by").error)
