"""What a notice points to is read at once; what PubMed names and never sends is not waited for."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.article import Status
from tests.unit.poller.fakes import FakePubMed, record
from tests.unit.poller.polling import DAY, announced, discovered, leg, poll, revised, taken

LONG_AGO = DAY - timedelta(days=900)


def link(kind: str, pmid: int) -> str:
    return (
        f'<CommentsCorrectionsList><CommentsCorrections RefType="{kind}">'
        f"<PMID>{pmid}</PMID></CommentsCorrections></CommentsCorrectionsList>"
    )


async def test_a_retraction_notice_has_its_old_paper_read_in_the_same_poll(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.records[1] = record(1, entered=LONG_AGO)
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records[1] = record(1, entered=LONG_AGO, more=link("RetractionIn", 8))
    pubmed.records[8] = record(8, "Retraction", DAY, link("RetractionOf", 1))
    pubmed.query = [8, 2, 1]

    await poll(engine, pubmed, days=1)

    events = await taken(engine)
    (paper,) = revised(events)
    assert (paper.subject, paper.data.article.status) == ("1", Status.RETRACTED)
    assert announced(events) == [1, 8]


async def test_a_link_is_followed_once_and_not_at_each_poll(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.records[1] = record(1, entered=LONG_AGO)
    pubmed.records[8] = record(8, "Erratum", DAY, link("ErratumFor", 1))
    await poll(engine, pubmed)
    pubmed.query = [8, 2, 1]
    await poll(engine, pubmed, days=0.1)
    pubmed.fetched.clear()

    await poll(engine, pubmed, days=0.2)

    assert not any(1 in pmids for pmids in pubmed.fetched)


@pytest.mark.parametrize(("age", "backfill"), [(200, False), (700, True)])
async def test_what_comes_to_match_a_query_late_is_news_within_a_year_of_its_entry(
    engine: AsyncEngine, pubmed: FakePubMed, age: int, backfill: bool
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records[7] = record(7, entered=DAY - timedelta(days=age))
    pubmed.past = [7]

    await poll(engine, pubmed, days=7)

    (event,) = discovered(await taken(engine))
    assert event.data.backfill is backfill


async def test_what_matches_late_and_has_no_day_of_entry_is_news(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records[7] = record(7).replace('PubStatus="entrez"', 'PubStatus="received"')
    pubmed.past = [7]

    await poll(engine, pubmed, days=7)

    (event,) = discovered(await taken(engine))
    assert not event.data.backfill


async def test_what_only_now_entered_pubmed_is_news_however_its_dates_were_set_back(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records[7] = record(7, entered=LONG_AGO)
    pubmed.query = [7, 2, 1]

    await poll(engine, pubmed, days=7)

    (event,) = discovered(await taken(engine))
    assert not event.data.backfill


async def test_an_id_that_is_never_sent_stops_holding_the_leg_open_and_is_still_asked_for(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    withheld = pubmed.records.pop(2)
    states = []
    for day in range(6):
        polled = await poll(engine, pubmed, days=day)
        states.append(leg(polled, "query").state)
    line = leg(polled, "query")
    await taken(engine)
    pubmed.records[2] = withheld

    healed = await poll(engine, pubmed, days=6)

    assert states == ["open"] * 4 + ["closed"] * 2
    assert (line.counted, line.fetched, line.understood) == (2, 2, 1)
    assert announced(await taken(engine)) == [2]
    assert leg(healed, "query").understood == 2


async def test_what_was_withheld_and_is_named_no_more_is_forgotten(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    del pubmed.records[2]
    await poll(engine, pubmed)
    pubmed.query = [1]

    polled = await poll(engine, pubmed, days=1)
    asked = len([1 for pmids in pubmed.fetched if 2 in pmids])
    await poll(engine, pubmed, days=31)
    pubmed.fetched.clear()
    await poll(engine, pubmed, days=31.1)

    assert polled.healthy
    assert asked == 2
    assert not any(2 in pmids for pmids in pubmed.fetched)
