"""One hop further: articles that cite several of those near the seed."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller.relatedness import relatedness
from services.poller.topic import CitesTracked, Topic
from shared.events import Reason
from tests.unit.poller.fakes import SEED, FakePubMed, record
from tests.unit.poller.polling import DAY, OLD, TOPIC, announced, discovered, leg, poll, taken

HOP = Topic(**{**dict(TOPIC), "cites_tracked": CitesTracked(at_least=2)})
NEW = DAY - timedelta(days=3)


async def test_an_article_that_cites_enough_of_the_topics_is_found(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed, topic=HOP)
    await taken(engine)
    pubmed.records |= {5: record(5, entered=DAY), 6: record(6, entered=DAY)}
    pubmed.cites = {5: [1, 2], 6: [3]}

    polled = await poll(engine, pubmed, days=1, topic=HOP)

    (event,) = discovered(await taken(engine))
    assert event.subject == "5"
    assert event.data.reasons == (Reason(relation="cites-tracked", cites=2),)
    assert not event.data.backfill
    assert leg(polled, "cites-tracked").state == "closed"


async def test_the_seed_counts_among_the_cited(engine: AsyncEngine, pubmed: FakePubMed) -> None:
    await poll(engine, pubmed, topic=HOP)
    pubmed.records[5] = record(5, entered=DAY)
    pubmed.cites = {5: [1, SEED]}
    await taken(engine)

    await poll(engine, pubmed, days=1, topic=HOP)

    (event,) = discovered(await taken(engine))
    assert [reason.relation for reason in event.data.reasons] == ["cited-by", "cites-tracked"]


async def test_what_is_one_hop_away_is_no_step_to_the_next(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.records |= {5: record(5), 6: record(6), 7: record(7)}
    pubmed.cites = {5: [1, 2], 6: [1, 2], 7: [5, 6]}
    await poll(engine, pubmed, topic=HOP)

    await poll(engine, pubmed, days=1, topic=HOP)
    await poll(engine, pubmed, days=2, topic=HOP)

    assert {5, 6} <= set(announced(await taken(engine)))
    assert pubmed.fetched
    assert not any(7 in pmids for pmids in pubmed.fetched)


async def test_an_old_paper_that_comes_to_cite_enough_is_background(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.cites = {3: [1, 2]}
    await poll(engine, pubmed, topic=HOP)
    await poll(engine, pubmed, days=1, topic=HOP)
    await taken(engine)
    late = DAY - timedelta(days=150)
    pubmed.records |= {5: record(5, entered=OLD), 6: record(6, entered=late)}
    pubmed.cites = {5: [1, 2], 6: [1, 3], 3: [1, 2]}

    await poll(engine, pubmed, days=2, topic=HOP)

    marked = {e.subject: e.data.backfill for e in discovered(await taken(engine))}
    assert marked == {"5": True, "6": False}


def test_the_more_it_cites_the_nearer_and_never_nearer_than_what_cites_the_seed() -> None:
    def near(count: int) -> float:
        return relatedness([Reason(relation="cites-tracked", cites=count)])

    assert 0 < near(2) < near(5) < near(8)
    assert near(500) == relatedness([Reason(relation="cited-by")])
