"""NLM's files from end to end, on SQLite."""

import gzip
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller import store
from services.poller.alone import only_poller
from services.poller.ingest.plan import Wishes
from services.poller.ingest.readers import Readers
from services.poller.tables import articles, ingested_files, outbox, parked_records, polls
from services.poller.topic import Query, Similar, Topic
from shared.article import Article, Status
from shared.database import transaction
from shared.errors import ConfigurationError, Retryable
from shared.events import Poll, PollCompleted, Reason
from shared.migrate import upgrade
from tests.unit.poller.fakes import BASE, SEED, FakePubMed, record
from tests.unit.poller.ingesting import add_md5, citing, deleting, entry, nlm_file, take
from tests.unit.poller.polling import (
    DAY,
    OLD,
    ONLY_WORDS,
    TOPIC,
    announced,
    discovered,
    poll,
    revised,
    taken,
)

TODAY = DAY.date()
LONG_AGO = OLD.date()


async def ends(engine: AsyncEngine) -> list[Poll]:
    return [event.data for event in await taken(engine) if isinstance(event, PollCompleted)]


async def known(engine: AsyncEngine, pmid: int) -> Article:
    async with transaction(engine) as connection:
        return (await store.read_entries(connection, "tiny", [pmid]))[pmid].article


async def test_records_that_answer_the_query_are_taken_and_no_others(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    path = nlm_file(tmp_path, 1335, entry(1), entry(2, "A lorry"), entry(3, "Another car"))

    (report,) = await take(engine, [path])

    events = discovered(await taken(engine))
    assert [event.data.article.pmid for event in events] == [1, 3]
    assert {event.data.reasons for event in events} == {(Reason(relation="query", name="words"),)}
    assert report.state == "applied"
    assert report.well
    assert report.counts == {
        "records": 3, "matched": 2, "new": 2, "revised": 0, "deleted": 0, "refused": 0, "parked": 0,
    }  # fmt: skip


async def test_what_entered_pubmed_within_the_lookback_is_news_and_the_rest_background(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    lately = DAY - timedelta(days=29)
    path = nlm_file(tmp_path, 1335, entry(1, entered=OLD), entry(2, entered=lately))

    await take(engine, [path])

    events = discovered(await taken(engine))
    assert {event.data.article.pmid: event.data.backfill for event in events} == {1: True, 2: False}


async def test_what_came_while_no_poll_was_complete_is_news(
    engine: AsyncEngine, pubmed: FakePubMed, tmp_path: Path
) -> None:
    await poll(engine, pubmed, topic=ONLY_WORDS)
    await taken(engine)
    months_later = DAY + timedelta(days=120)
    missed, before = DAY + timedelta(days=20), DAY - timedelta(days=40)
    path = nlm_file(
        tmp_path,
        1335,
        entry(11, entered=missed),
        entry(12, entered=before, revised=before.date()),
        entry(13, "Now a car", entered=before, revised=missed.date()),
    )

    await take(engine, [path], now=months_later)

    events = discovered(await taken(engine))
    assert {e.data.article.pmid: e.data.backfill for e in events} == {
        11: False,
        12: True,
        13: False,
    }


async def test_citing_the_seed_and_being_cited_by_it_are_reasons(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    cited = nlm_file(tmp_path, 1, entry(7, "Cited"), entry(8, "Not cited"))
    seed = nlm_file(tmp_path, 2, entry(SEED, "The seed", data=citing(7)))
    citers = nlm_file(tmp_path, 3, entry(9, "Citing", data=citing(5, SEED)))

    await take(engine, [citers, seed, cited], topic=TOPIC)

    events = {event.data.article.pmid: event.data for event in discovered(await taken(engine))}
    assert events.keys() == {7, 9}
    assert events[7].reasons == (Reason(relation="references"),)
    assert events[9].reasons == (Reason(relation="cited-by"),)


async def test_without_polls_what_came_since_the_last_file_is_news_however_long_that_is(
    database: AsyncEngine, tmp_path: Path
) -> None:
    await upgrade(database, "poller")
    topic = ONLY_WORDS.model_copy(update={"initial_lookback_days": 0})
    old = DAY - timedelta(days=100)
    await take(database, [nlm_file(tmp_path, 1, entry(1, entered=old))], topic)
    later = [entry(2, entered=DAY + timedelta(days=2)), entry(3, entered=old)]

    await take(database, [nlm_file(tmp_path, 2, *later)], topic, now=DAY + timedelta(days=50))

    marked = {event.subject: event.data.backfill for event in discovered(await taken(database))}
    assert marked == {"1": True, "2": False, "3": True}


async def test_what_cites_the_seed_late_is_news_as_it_is_in_a_poll(
    engine: AsyncEngine, pubmed: FakePubMed, tmp_path: Path
) -> None:
    topic = Topic(id="tiny", title="Tiny", seed=SEED, cited_by=True)
    pubmed.links = {"pubmed_pubmed_citedin": [3]}
    await poll(engine, pubmed, topic=topic)
    await taken(engine)
    late = entry(9, entered=DAY - timedelta(days=60), data=citing(SEED))

    await take(engine, [nlm_file(tmp_path, 1335, late)], topic)

    (event,) = discovered(await taken(engine))
    assert (event.subject, event.data.backfill) == ("9", False)


async def test_what_the_seed_cites_is_remembered_for_later_files(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    await take(engine, [nlm_file(tmp_path, 1, entry(SEED, "Seed", data=citing(7)))], topic=TOPIC)
    await taken(engine)

    await take(engine, [nlm_file(tmp_path, 2, entry(7, "Cited"))], topic=TOPIC)

    assert announced(await taken(engine)) == [7]


async def test_a_revision_in_a_later_file_follows_whatever_order_they_are_named_in(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    first = nlm_file(tmp_path, 1334, entry(1, "A car", revised=LONG_AGO))
    later = nlm_file(tmp_path, 1335, entry(1, "A better car"))

    reports = await take(engine, [later, first])

    assert [report.name for report in reports] == [first.name, later.name]
    (event,) = revised(await taken(engine))
    assert event.data.changed == ("title",)
    assert event.data.article.title == "A better car"
    assert reports[1].counts["revised"] == 1


async def test_a_known_article_is_followed_when_it_answers_no_query_any_more(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    first = nlm_file(tmp_path, 1, entry(1, "A car", revised=LONG_AGO))
    later = nlm_file(tmp_path, 2, entry(1, "Withdrawn: a lorry"))

    # Both are read at the same time: the second is read before the first is applied.
    await take(engine, [first, later])

    assert [event.data.article.title for event in revised(await taken(engine))] == [
        "Withdrawn: a lorry"
    ]


async def test_an_article_that_nlm_takes_out_becomes_deleted(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    first = nlm_file(tmp_path, 1, entry(1))
    later = nlm_file(tmp_path, 2, entry(5, "Not ours"), deleting(1, 77))

    reports = await take(engine, [first, later])

    (event,) = revised(await taken(engine))
    assert event.data.article.status is Status.DELETED
    assert event.data.previous_status is Status.PUBLISHED
    assert reports[1].counts["deleted"] == 1


async def test_within_a_file_the_higher_version_wins_and_deletions_keep_their_place(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    second = entry(1, "Car, version 2").replace('Version="1">1<', 'Version="2">1<')
    path = nlm_file(tmp_path, 1, entry(2), deleting(2), second, entry(1, "Car, version 1"))

    await take(engine, [path])

    assert (await known(engine, 1)).title == "Car, version 2"
    assert (await known(engine, 2)).status is Status.DELETED


async def test_a_file_undoes_nothing_that_a_poll_read_since(
    engine: AsyncEngine, pubmed: FakePubMed, tmp_path: Path
) -> None:
    at_pubmed = entry(2, "Retracted car", revised=TODAY, entered=DAY)
    pubmed.records[2] = at_pubmed
    await poll(engine, pubmed, topic=ONLY_WORDS)
    await taken(engine)

    await take(engine, [nlm_file(tmp_path, 1, entry(2, "A car", revised=LONG_AGO))])

    assert announced(await taken(engine)) == []
    assert (await known(engine, 2)).title == "Retracted car"


async def test_what_is_taken_from_an_old_file_is_read_again_by_the_next_poll(
    engine: AsyncEngine, pubmed: FakePubMed, tmp_path: Path
) -> None:
    await take(engine, [nlm_file(tmp_path, 1, entry(41, "A car", OLD, LONG_AGO))])
    pubmed.records[41] = record(41, "A car, retracted", OLD)
    await taken(engine)

    await poll(engine, pubmed, topic=ONLY_WORDS)

    assert 41 in [event.data.article.pmid for event in revised(await taken(engine))]


async def test_a_file_is_taken_in_once(engine: AsyncEngine, tmp_path: Path) -> None:
    path = nlm_file(tmp_path, 1, entry(1))
    await take(engine, [path])
    await taken(engine)

    (again,) = await take(engine, [path])

    assert again.state == "known"
    assert again.well
    assert await taken(engine) == []


async def test_taken_in_again_it_is_reported_and_tells_nothing_twice(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    path = nlm_file(tmp_path, 1, entry(1))
    await take(engine, [path])
    (first,) = await ends(engine)

    (again,) = await take(engine, [path], wishes=Wishes(again=True))

    (second,) = await ends(engine)
    assert again.state == "applied"
    assert again.counts["new"] == again.counts["revised"] == 0
    assert first.poll_id != second.poll_id
    assert second.announced == 0


async def test_a_topic_that_asks_otherwise_has_its_files_read_again(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    path = nlm_file(tmp_path, 1, entry(1), entry(2, "A lorry"))
    await take(engine, [path])
    await taken(engine)

    wider = (*ONLY_WORDS.query, Query(name="lorries", term="lorry[ti]"))
    (report,) = await take(engine, [path], topic=ONLY_WORDS.model_copy(update={"query": wider}))

    assert report.state == "applied"
    assert announced(await taken(engine)) == [2]


async def test_a_file_ends_as_a_poll_of_its_own(engine: AsyncEngine, tmp_path: Path) -> None:
    await take(engine, [nlm_file(tmp_path, 1335, entry(1), entry(2, "A lorry"))])

    events = await taken(engine)
    (end,) = [event.data for event in events if isinstance(event, PollCompleted)]
    (leg,) = end.legs
    assert isinstance(events[-1], PollCompleted)
    assert {event.data.poll_id for event in discovered(events)} == {end.poll_id}
    assert end.announced == 1
    assert end.healthy
    assert (leg.relation, leg.name) == ("query", "ingest pubmed26n1335.xml.gz")
    assert (leg.state, leg.counted, leg.fetched, leg.new, leg.published) == ("closed", 1, 1, 1, 1)


async def test_after_a_crash_in_the_middle_it_is_taken_in_again_and_told_once(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    path = nlm_file(tmp_path, 1, *(entry(pmid) for pmid in range(201, 502)))
    async with transaction(engine) as connection:
        await connection.exec_driver_sql(
            "CREATE TRIGGER crash BEFORE INSERT ON articles WHEN NEW.pmid = 450 "
            "BEGIN SELECT RAISE(ABORT, 'power is gone'); END"
        )
    with pytest.raises(sa.exc.IntegrityError, match="power is gone"):
        await take(engine, [path])
    async with transaction(engine) as connection:
        await connection.exec_driver_sql("DROP TRIGGER crash")
        assert await connection.scalar(sa.select(sa.func.count()).select_from(articles)) == 200
        assert (await connection.execute(sa.select(ingested_files))).all() == []

    (report,) = await take(engine, [path])

    events = await taken(engine)
    (end,) = [event.data for event in events if isinstance(event, PollCompleted)]
    assert report.state == "applied"
    assert announced(events) == list(range(201, 502))
    assert end.announced == 301


async def test_a_file_that_breaks_off_gives_what_is_whole_and_stops_the_others(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    path = nlm_file(tmp_path, 1, entry(1), entry(2))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 40])
    add_md5(path)
    after = nlm_file(tmp_path, 2, entry(3))

    broken, skipped = await take(engine, [path, after])

    assert (broken.state, skipped.state) == ("broken", "skipped")
    assert not broken.well
    assert "download it again" in str(broken.error)
    assert path.name in str(skipped.error)
    events = await taken(engine)
    (end,) = [event.data for event in events if isinstance(event, PollCompleted)]
    assert not end.healthy
    assert 3 not in announced(events)

    nlm_file(tmp_path, 1, entry(1), entry(2))
    reports = await take(engine, [path, after])

    assert [report.state for report in reports] == ["applied", "applied"]
    assert 3 in announced(await taken(engine))


async def test_a_wrong_sum_refuses_the_file_and_all_after_it_and_says_so(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    first, wrong, last = (nlm_file(tmp_path, number, entry(number)) for number in (1, 2, 3))
    wrong.with_name(f"{wrong.name}.md5").write_text(f"MD5({wrong.name})= {'0' * 32}\n")

    reports = await take(engine, [first, wrong, last])

    assert [report.state for report in reports] == ["applied", "refused", "skipped"]
    events = await taken(engine)
    assert announced(events) == [1]
    healthy = [event.data.healthy for event in events if isinstance(event, PollCompleted)]
    assert healthy == [True, False]


async def test_a_dry_run_writes_nothing(engine: AsyncEngine, tmp_path: Path) -> None:
    path = nlm_file(tmp_path, 1, entry(1), entry(2, "A lorry"))

    (report,) = await take(engine, [path], wishes=Wishes(dry_run=True))

    assert report.state == "read"
    assert report.counts["matched"] == report.counts["new"] == 1
    assert await taken(engine) == []
    async with transaction(engine) as connection:
        for table in (articles, ingested_files, outbox):
            assert (await connection.execute(sa.select(table))).all() == []


UNREADABLE = (
    "<PubmedArticle><MedlineCitation><PMID>{pmid}</PMID><Kept>{text}</Kept></MedlineCitation>"
    "</PubmedArticle>"
)


async def test_a_record_that_is_not_understood_is_parked_if_it_may_be_ours(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    ours = UNREADABLE.format(pmid=8, text="a car, perhaps")
    others = UNREADABLE.format(pmid=9, text="a lorry")
    path = nlm_file(tmp_path, 1, ours, entry(1), others)

    (report,) = await take(engine, [path])

    assert (report.counts["refused"], report.counts["parked"]) == (2, 1)
    assert not report.well
    assert [complaint.split(":")[0] for complaint in report.complaints] == ["PMID 8", "PMID 9"]
    async with transaction(engine) as connection:
        (row,) = (await connection.execute(sa.select(parked_records))).all()
    assert (row.pmid, row.reasons) == (8, [{"relation": "query", "name": "words"}])


async def test_a_parked_record_that_a_later_file_mends_is_announced_and_unparked(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    spoiled = nlm_file(tmp_path, 1, UNREADABLE.format(pmid=8, text="a car"))
    mended = nlm_file(tmp_path, 2, entry(8, "A lorry after all"))

    await take(engine, [spoiled, mended])

    (event,) = discovered(await taken(engine))
    assert event.data.reasons == (Reason(relation="query", name="words"),)
    async with transaction(engine) as connection:
        assert (await connection.execute(sa.select(parked_records))).all() == []


async def test_a_file_never_makes_a_source_look_better_than_its_last_poll(
    engine: AsyncEngine, pubmed: FakePubMed, tmp_path: Path
) -> None:
    pubmed.broken["esearch"] = httpx.Response(
        200, text="<eSearchResult><ERROR>Search Backend failed</ERROR></eSearchResult>"
    )
    polled = await poll(engine, pubmed, topic=ONLY_WORDS)
    await taken(engine)
    assert not polled.healthy

    await take(engine, [nlm_file(tmp_path, 1, entry(1))], now=DAY + timedelta(minutes=1))

    (end,) = await ends(engine)
    assert not end.healthy
    assert end.legs[0].state == "closed"
    left_open = {leg.name for leg in polled.legs if leg.state == "open"}
    assert {(leg.name, leg.state) for leg in end.legs[1:]} == {(n, "open") for n in left_open}
    assert end.next_at == polled.next_at


async def test_what_no_file_tells_is_unknown_of_a_topic_that_was_never_polled(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    topic = ONLY_WORDS.model_copy(update={"similar": Similar()})

    await take(engine, [nlm_file(tmp_path, 1, entry(1))], topic=topic)

    (end,) = await ends(engine)
    assert [(leg.relation, leg.state) for leg in end.legs] == [
        ("query", "closed"),
        ("similar", "unknown"),
    ]
    assert end.healthy
    assert end.next_at == DAY + timedelta(days=2)


async def test_a_file_is_no_poll_to_the_schedule(engine: AsyncEngine, tmp_path: Path) -> None:
    await take(engine, [nlm_file(tmp_path, 1, entry(1))])

    async with transaction(engine) as connection:
        assert (await connection.execute(sa.select(polls))).all() == []


async def test_two_processes_read_and_one_applies(engine: AsyncEngine, tmp_path: Path) -> None:
    paths = [
        nlm_file(tmp_path, number, entry(1, f"Car {number}"), entry(10 + number))
        for number in range(1, 6)
    ]

    reports = await take(
        engine, paths, executor=ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    )

    assert [report.state for report in reports] == ["applied"] * 5
    assert (await known(engine, 1)).title == "Car 5"
    assert len(discovered(await taken(engine))) == 6


async def test_a_query_that_only_pubmed_can_read_is_refused_before_anything_is_read(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    odd = Topic(id="tiny", title="T", seed=SEED, query=(Query(name="odd", term="car[filter]"),))

    with pytest.raises(ConfigurationError, match=r"topic tiny: odd: .*unknown field \[filter\]"):
        await take(engine, [nlm_file(tmp_path, 1, entry(1))], topic=odd)


async def test_a_file_that_is_not_there_is_named(engine: AsyncEngine, tmp_path: Path) -> None:
    there = nlm_file(tmp_path, 1, entry(1))

    with pytest.raises(ConfigurationError, match=r"no such file: .*pubmed26n0002\.xml\.gz"):
        await take(engine, [there, tmp_path / "pubmed26n0002.xml.gz"])

    assert await taken(engine) == []


async def test_a_store_that_another_source_filled_takes_no_files(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    async with transaction(engine) as connection:
        await store.claim_source(connection, f"{BASE}other/", DAY)

    with pytest.raises(ConfigurationError, match="this store was filled from"):
        await take(engine, [nlm_file(tmp_path, 1, entry(1))])


async def test_two_ingests_of_a_topic_do_not_run_at_once(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    async with only_poller(engine, "tiny.ingest"):
        with pytest.raises(Retryable, match="another ingest of tiny is under way"):
            await take(engine, [nlm_file(tmp_path, 1, entry(1))])


async def test_a_reading_process_that_dies_is_said_with_what_to_do(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        readers = Readers(executor, 1, tmp_path)
        with pytest.raises(Retryable, match="fewer --processes"):
            await readers._run(os._exit, 1)


async def test_files_are_taken_in_on_both_databases(database: AsyncEngine, tmp_path: Path) -> None:
    await upgrade(database, "poller")
    first = nlm_file(tmp_path, 1, entry(1), entry(2), UNREADABLE.format(pmid=8, text="a car"))
    later = nlm_file(tmp_path, 2, entry(1, "A fast car"), deleting(2))
    await take(database, [first])

    reports = await take(database, [first, later])
    await take(database, [later], wishes=Wishes(again=True))

    assert [report.state for report in reports] == ["known", "applied"]
    events = await taken(database)
    assert [int(event.subject) for event in revised(events)] == [1, 2]
    assert sum(isinstance(event, PollCompleted) for event in events) == 3
    async with transaction(database) as connection:
        rows = await connection.execute(
            sa.select(ingested_files.c.name, ingested_files.c.times, ingested_files.c.state)
        )
        assert sorted(tuple(row) for row in rows) == [
            (first.name, 1, "applied"),
            (later.name, 2, "applied"),
        ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"503 Service Unavailable",
        b"<html><body>Not found</body></html>",
        b"<PubmedArticleSet></PubmedArticleSet>",
        gzip.compress(b"", mtime=0),
        gzip.compress(b"", mtime=0)[:10] + b"\xff" * 60,
    ],
)
async def test_a_file_that_is_none_of_nlms_is_not_taken_for_one_without_news(
    engine: AsyncEngine, tmp_path: Path, content: bytes
) -> None:
    topic = ONLY_WORDS.model_copy(update={"references": True})
    path = tmp_path / "pubmed26n1335.xml.gz"
    path.write_bytes(content)

    reports = await take(engine, [path, nlm_file(tmp_path, 1336, entry(1))], topic)

    assert [report.state for report in reports] == ["broken", "skipped"]
    (end,) = await ends(engine)
    assert not end.healthy
