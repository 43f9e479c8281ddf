"""Polls from end to end, on SQLite, against a tiny PubMed."""

from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from services.poller import parked, store
from services.poller.eutils import Eutils
from services.poller.parse import Refused
from services.poller.poll import Waiting
from services.poller.run import poll_due, poll_topic
from services.poller.tables import articles, cursors, parked_records
from services.poller.topic import Query
from shared.article import Status
from shared.database import transaction
from shared.errors import ConfigurationError, Retryable
from shared.events import (
    PollCompleted,
)
from tests.unit.poller.fakes import SEED, FakePubMed, form, make_client, record
from tests.unit.poller.polling import (
    DAY,
    OLD,
    ONLY_SIMILAR,
    ONLY_WORDS,
    TOPIC,
    announced,
    discovered,
    leg,
    poll,
    revised,
    standing,
    taken,
)

NO_SUCH_PHRASE = httpx.Response(
    200,
    text="<eSearchResult><Count>0</Count><IdList/><ErrorList>"
    "<PhraseNotFound>chimric antigen receptr</PhraseNotFound></ErrorList></eSearchResult>",
)
UNREADABLE = "<PubmedArticle><MedlineCitation><PMID>9</PMID></MedlineCitation></PubmedArticle>"
OUTAGE = httpx.Response(
    200, text="<eSearchResult><ERROR>Search Backend failed</ERROR></eSearchResult>"
)


async def test_the_first_poll_tells_what_was_there_from_what_is_news(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    polled = await poll(engine, pubmed)

    events = discovered(await taken(engine))
    assert {event.data.article.pmid: event.data.backfill for event in events} == {
        1: True,
        2: False,
        3: True,
    }
    assert polled.healthy
    assert polled.announced == 3
    assert {event.data.poll_id for event in events} == {polled.poll_id}


async def test_the_seed_is_not_announced(engine: AsyncEngine, pubmed: FakePubMed) -> None:
    pubmed.query.append(SEED)

    polled = await poll(engine, pubmed)

    assert SEED not in announced(await taken(engine))
    assert leg(polled, "query").state == "closed"


async def test_the_poll_is_announced_last_with_its_ledger(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    polled = await poll(engine, pubmed)

    last = (await taken(engine))[-1]
    assert isinstance(last, PollCompleted)
    assert last.data == polled
    line = leg(polled, "query")
    assert (line.counted, line.received, line.fetched, line.understood, line.new) == (2, 2, 2, 2, 2)


async def test_a_second_poll_with_nothing_new_announces_only_itself(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)

    polled = await poll(engine, pubmed, days=1)

    assert [type(event) for event in await taken(engine)] == [PollCompleted]
    assert polled.announced == 0


async def test_a_clock_that_stands_still_gives_two_polls(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    assert (await poll(engine, pubmed)).poll_id != (await poll(engine, pubmed)).poll_id


async def test_empty_references_are_unknown_not_none(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    polled = await poll(engine, pubmed)

    assert leg(polled, "references").state == "unknown"
    assert leg(polled, "cited-by").state == "closed"


async def test_a_seed_that_pubmed_does_not_know_is_said_and_not_taken_for_none(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    del pubmed.records[SEED]

    polled = await poll(engine, pubmed)

    assert leg(polled, "cited-by").state == "open"
    assert "no article 100" in str(leg(polled, "cited-by").error)


async def test_a_failing_leg_keeps_its_cursor_and_stops_no_other(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.broken["esearch"] = OUTAGE

    polled = await poll(engine, pubmed)

    events = await taken(engine)
    assert announced(events) == [3]
    assert isinstance(events[-1], PollCompleted)
    assert not polled.healthy
    assert leg(polled, "query").state == "open"
    assert "Search Backend failed" in str(leg(polled, "query").error)
    async with transaction(engine) as connection:
        rows = (await connection.execute(sa.select(cursors.c.leg, cursors.c.definition))).all()
    assert {row.leg for row in rows if row.definition} == {"similar"}
    assert {row.leg for row in rows if not row.definition} == {"cited-by", "references"}


async def test_a_paper_that_an_outage_hid_is_found_by_the_next_poll(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.broken["esearch"] = OUTAGE
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.broken.clear()

    polled = await poll(engine, pubmed, days=1)

    assert announced(await taken(engine)) == [1, 2]
    assert polled.healthy


async def test_an_id_that_is_not_sent_leaves_the_leg_open_until_it_is(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    withheld = pubmed.records.pop(2)

    first = await poll(engine, pubmed)
    pubmed.records[2] = withheld
    second = await poll(engine, pubmed, days=1)

    assert leg(first, "query").state == "open"
    assert "did not send 1: 2" in str(leg(first, "query").error)
    assert leg(second, "query").state == "closed"
    assert announced(await taken(engine)) == [1, 2, 3]


async def test_a_failing_fetch_leaves_the_legs_open_and_the_poll_told(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.broken["efetch"] = httpx.Response(500, text="")

    polled = await poll(engine, pubmed)

    assert leg(polled, "query").state == "open"
    assert announced(await taken(engine)) == []


@pytest.mark.parametrize("status", [200, 500])
async def test_a_record_that_cannot_be_sent_holds_up_no_other(
    engine: AsyncEngine, pubmed: FakePubMed, status: int
) -> None:
    refusal = "<eFetchResult><ERROR>Too many UIDs</ERROR></eFetchResult>" if status == 200 else ""
    pubmed.query = list(range(1000, 2000))
    pubmed.records |= {pmid: record(pmid, entered=DAY) for pmid in pubmed.query}
    bad = {1999, 1799, 1500, 1200}  # the first, the first of a chunk, the last, and any

    def answer(request: httpx.Request) -> httpx.Response:
        asked = form(request).get("id", [""])[0].split(",")
        if request.url.path.endswith("efetch.fcgi") and bad & set(map(int, asked)):
            return httpx.Response(status, text=refusal)
        return pubmed.answer(request)

    polled = await poll_topic(engine, Eutils(make_client(answer)), ONLY_WORDS, standing(DAY))

    assert announced(await taken(engine)) == sorted({*pubmed.query} - bad)
    assert leg(polled, "query").state == "open"
    assert leg(polled, "query").understood == 996


async def test_an_efetch_that_is_down_is_asked_a_few_times_and_not_for_every_record(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("efetch.fcgi"):
            return pubmed.answer(request)
        asked.append(form(request)["id"][0])
        return httpx.Response(500, text="")

    pubmed.query = list(range(1000, 2000))
    polled = await poll_topic(engine, Eutils(make_client(answer)), ONLY_WORDS, standing(DAY))

    assert len(asked) == 3
    assert leg(polled, "query").understood == 0
    assert "efetch" in str(leg(polled, "query").error)


async def test_an_id_that_ncbi_refuses_leaves_the_leg_open(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.broken["efetch"] = httpx.Response(400, text="Mandatory parameter: db - is omitted")

    polled = await poll(engine, pubmed)

    assert "Mandatory parameter" in str(leg(polled, "similar").error)


async def test_a_changed_title_is_announced_once(engine: AsyncEngine, pubmed: FakePubMed) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records[2] = record(2, "Another title", DAY - timedelta(days=2))

    await poll(engine, pubmed, days=1)
    await poll(engine, pubmed, days=2)

    (event,) = revised(await taken(engine))
    assert (event.data.article.title, event.data.revision) == ("Another title", 2)
    assert event.data.changed == ("title",)


async def test_a_retraction_is_announced_once_with_the_status_before(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    notice = (
        '<CommentsCorrectionsList><CommentsCorrections RefType="RetractionIn">'
        "<PMID>9</PMID></CommentsCorrections></CommentsCorrectionsList>"
    )
    pubmed.records[1] = record(1, entered=OLD, more=notice)

    await poll(engine, pubmed, days=1)
    await poll(engine, pubmed, days=2)

    (event,) = revised(await taken(engine))
    assert event.data.article.status is Status.RETRACTED
    assert event.data.previous_status is Status.PUBLISHED
    assert "status" in event.data.changed
    assert event.data.backfill


async def test_an_article_that_pubmed_deletes_stays_as_deleted(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records[2] = "<DeleteCitation><PMID>2</PMID></DeleteCitation>"

    await poll(engine, pubmed, days=1)

    (event,) = revised(await taken(engine))
    assert event.data.article.status is Status.DELETED


async def test_another_relation_is_announced_and_another_rank_is_not(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.links["pubmed_pubmed"] = [SEED, 2, 3]

    await poll(engine, pubmed, days=1)

    (event,) = revised(await taken(engine))
    assert (event.subject, event.data.changed) == ("2", ("reasons",))
    assert [reason.relation for reason in event.data.reasons] == ["query", "similar"]
    async with transaction(engine) as connection:
        entries = await store.read_entries(connection, "tiny", [3])
    assert entries[3].reasons[0].rank == 2
    assert entries[3].revision == 1


async def test_an_old_paper_that_comes_late_is_news(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.links["pubmed_pubmed_citedin"] = [1]
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records[4] = record(4, entered=OLD)
    pubmed.links["pubmed_pubmed_citedin"] = [4, 1]

    await poll(engine, pubmed, days=1)

    (event,) = discovered(await taken(engine))
    assert not event.data.backfill


async def test_an_old_reference_that_comes_late_is_background(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records[4] = record(4, entered=OLD)
    pubmed.links["pubmed_pubmed_refs"] = [4]

    await poll(engine, pubmed, days=1)

    (event,) = discovered(await taken(engine))
    assert event.data.backfill


async def test_a_record_that_cannot_be_read_is_parked_and_the_others_proceed(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    readable = pubmed.records[2]
    pubmed.records[2] = (
        "<PubmedArticle><MedlineCitation><PMID>2</PMID></MedlineCitation></PubmedArticle>"
    )

    polled = await poll(engine, pubmed)

    assert announced(await taken(engine)) == [1, 3]
    line = leg(polled, "query")
    assert (line.state, line.fetched, line.understood) == ("closed", 2, 1)
    async with transaction(engine) as connection:
        (row,) = (await connection.execute(sa.select(parked_records))).all()
    assert row.pmid == 2
    assert b"<PMID>2</PMID>" in row.body
    assert "no Article" in row.reason

    pubmed.records[2] = readable
    await poll(engine, pubmed, days=1)

    assert announced(await taken(engine)) == [2]
    async with transaction(engine) as connection:
        assert not (await connection.execute(sa.select(parked_records))).all()


class Killed(BaseException):
    """The process ends here."""


async def test_a_poll_killed_between_chunks_is_taken_up_without_duplicates(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pmids = list(range(1000, 1250))
    pubmed.query = pmids
    pubmed.records |= {pmid: record(pmid, entered=OLD) for pmid in pmids}

    def die_at_the_second_chunk(chunk: list[int]) -> None:
        if 1000 in chunk:
            raise Killed

    pubmed.before_fetch = die_at_the_second_chunk
    with pytest.raises(Killed):
        await poll(engine, pubmed)
    before = await taken(engine)
    pubmed.before_fetch = lambda _chunk: None
    polled = await poll(engine, pubmed, days=0.1)
    after = await taken(engine)

    assert len(announced(before)) == 200
    assert sorted(announced(before) + announced(after)) == [3, *pmids]
    assert not [event for event in before if isinstance(event, PollCompleted)]
    assert polled.announced == 51
    assert all(event.data.backfill for event in discovered(before + after))


async def test_an_article_and_its_event_are_written_together_or_not_at_all(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    async with transaction(engine) as connection:
        await connection.execute(sa.text("ALTER TABLE outbox RENAME TO away"))

    with pytest.raises(Retryable):
        await poll(engine, pubmed)

    async with transaction(engine) as connection:
        assert not (await connection.execute(sa.select(articles))).all()


async def test_a_store_is_never_filled_from_two_sources(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    other = pubmed.eutils("http://other.test/entrez/eutils/")

    with pytest.raises(ConfigurationError, match=r"pubmed\.test.*other\.test.*POLLER_DATABASE_URL"):
        await poll_topic(engine, other, TOPIC, lambda: DAY)


async def test_a_query_that_was_changed_begins_with_its_background(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records[5] = record(5, entered=OLD)
    pubmed.query = [5, 2, 1]
    wider = TOPIC.model_copy(update={"query": (Query(name="words", term="car[tiab] OR x[tiab]"),)})

    await poll_topic(engine, pubmed.eutils(), wider, lambda: DAY + timedelta(days=1))

    (event,) = discovered(await taken(engine))
    assert event.data.backfill


async def test_a_query_changed_after_an_outage_announces_what_came_in_between(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records |= {5: record(5, entered=OLD), 6: record(6, entered=DAY + timedelta(days=3))}
    pubmed.query = [6, 5, 2, 1]
    wider = TOPIC.model_copy(update={"query": (Query(name="words", term="car[tiab] OR x[tiab]"),)})

    await poll_topic(engine, pubmed.eutils(), wider, standing(DAY + timedelta(days=60)))

    events = discovered(await taken(engine))
    assert {event.data.article.pmid: event.data.backfill for event in events} == {5: True, 6: False}


async def test_only_topics_that_are_due_are_polled(engine: AsyncEngine, pubmed: FakePubMed) -> None:
    eutils = pubmed.eutils()

    first = await poll_due(engine, eutils, [TOPIC], lambda: DAY)
    at_once = await poll_due(engine, eutils, [TOPIC], lambda: DAY + timedelta(minutes=59))
    later = await poll_due(engine, eutils, [TOPIC], lambda: DAY + timedelta(minutes=60))

    assert [len(first), len(at_once), len(later)] == [1, 0, 1]


async def test_a_poll_that_finds_nothing_at_all_still_says_that_it_was_made(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.query, pubmed.links = [], {}

    polled = await poll(engine, pubmed)

    assert [type(event) for event in await taken(engine)] == [PollCompleted]
    assert leg(polled, "similar").state == "unknown"


async def test_a_poll_says_when_the_next_one_is_due(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    healthy = await poll(engine, pubmed)
    pubmed.broken["esearch"] = OUTAGE
    unhealthy = await poll(engine, pubmed, days=1)

    assert healthy.next_at == DAY + timedelta(minutes=60)
    assert unhealthy.next_at == DAY + timedelta(days=1, minutes=5)


async def test_a_clock_put_back_has_the_topic_polled_at_once_and_then_at_its_interval(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    eutils = pubmed.eutils()
    await poll(engine, pubmed, days=300)

    polls = []
    for minute in (0, 1, 59, 60, 61):
        now = DAY + timedelta(minutes=minute)
        polls.append(len(await poll_due(engine, eutils, [TOPIC], standing(now))))

    assert polls == [1, 0, 0, 1, 0]


async def test_a_date_that_is_none_stops_no_poll(engine: AsyncEngine, pubmed: FakePubMed) -> None:
    odd = "<Year>99999999999999999999</Year>"
    pubmed.records[2] = record(2).replace("<Year>2026</Year>", odd)

    polled = await poll(engine, pubmed)

    assert polled.healthy
    assert announced(await taken(engine)) == [1, 2, 3]


async def test_a_topic_that_fails_keeps_no_other_from_being_polled(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    def break_down(pmids: list[int]) -> None:
        if pmids == [11]:
            raise RuntimeError("a bug")

    pubmed.before_fetch = break_down
    pubmed.query, pubmed.links = [11], {}
    bad = ONLY_WORDS.model_copy(update={"id": "bad"})
    worse = ONLY_WORDS.model_copy(update={"id": "worse"})
    good = ONLY_SIMILAR.model_copy(update={"id": "good"})

    with capture_logs() as logs:
        polls = await poll_due(engine, pubmed.eutils(), [bad, worse, good], standing(DAY))

    ended = [event.data.topic for event in await taken(engine) if isinstance(event, PollCompleted)]
    assert ended == ["good"]
    assert [poll.topic for poll in polls] == ["good"]
    failed = [line["topic"] for line in logs if line["event"] == "topic_not_polled"]
    assert failed == ["bad", "worse"]
    with pytest.raises(RuntimeError, match="a bug"):
        await poll_due(engine, pubmed.eutils(), [bad, worse, good], standing(DAY))


async def test_a_list_that_was_complete_once_stays_so_when_pubmed_cannot_tell_for_a_day(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    pubmed.links["pubmed_pubmed"] = []
    assert leg(await poll(engine, pubmed, days=1), "similar").state == "unknown"
    await taken(engine)
    pubmed.records[4] = record(4, entered=OLD)
    pubmed.links["pubmed_pubmed"] = [SEED, 4, 3]

    await poll(engine, pubmed, days=2)

    (event,) = discovered(await taken(engine))
    assert not event.data.backfill


async def test_the_first_citing_papers_are_news_only_as_far_as_they_are_new(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records |= {4: record(4, entered=OLD), 5: record(5, entered=DAY)}
    pubmed.links["pubmed_pubmed_citedin"] = [5, 4]

    await poll(engine, pubmed, days=1)

    events = discovered(await taken(engine))
    assert {event.data.article.pmid: event.data.backfill for event in events} == {4: True, 5: False}


async def test_what_enters_while_nobody_cites_the_seed_is_news_however_late_its_links_come(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    for days in (0, 30, 60, 90):
        await poll(engine, pubmed, days=days)
    await taken(engine)
    entered = {4: OLD, 5: DAY + timedelta(days=40)}
    pubmed.records |= {pmid: record(pmid, entered=at) for pmid, at in entered.items()}
    pubmed.links["pubmed_pubmed_citedin"] = [5, 4]

    await poll(engine, pubmed, days=100)

    events = discovered(await taken(engine))
    assert {event.data.article.pmid: event.data.backfill for event in events} == {4: True, 5: False}


async def test_a_similar_list_that_comes_late_is_background(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.links = {}
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.links = {"pubmed_pubmed": list(range(200, 300))}
    pubmed.records |= {pmid: record(pmid, entered=OLD) for pmid in range(200, 300)}

    await poll(engine, pubmed, days=1)

    assert [event.data.backfill for event in discovered(await taken(engine))] == [True] * 10


async def test_known_articles_that_pubmed_no_longer_sends_are_shown_and_not_asked_for_all_day(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    del pubmed.records[1]

    polled = await poll(engine, pubmed, days=2)
    later = await poll(engine, pubmed, days=2.1)

    line = polled.legs[-1]
    assert (line.name, line.state) == ("re-read known articles", "unknown")
    assert (line.counted, line.fetched, line.understood) == (3, 2, 2)
    assert "no longer sends 1 known articles: 1" in str(line.error)
    assert polled.healthy
    assert 1 not in pubmed.fetched[-1]
    assert all(line.name != "re-read known articles" for line in later.legs)


async def test_a_fetch_that_sends_nothing_at_all_is_an_outage_and_no_withdrawal(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    many = {pmid: record(pmid, entered=OLD) for pmid in range(1000, 1020)}
    pubmed.records |= many
    pubmed.query = list(many)
    await poll(engine, pubmed)
    for pmid in (2, 3, *many):
        pubmed.records.pop(pmid)

    away = await poll(engine, pubmed, days=2)
    pubmed.records |= many
    back = await poll(engine, pubmed, days=2.1)

    assert not away.healthy
    assert "sent none of 21 records" in str(away.legs[-1].error)
    assert set(many) <= set(pubmed.fetched[-1])
    assert back.healthy


async def test_a_poll_that_could_not_read_known_articles_again_is_not_healthy(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    pubmed.query = []
    pubmed.broken["efetch"] = httpx.Response(503, text="<html>away</html>")

    polled = await poll_topic(engine, pubmed.eutils(), ONLY_WORDS, lambda: DAY + timedelta(days=20))

    assert not polled.healthy
    line = polled.legs[-1]
    assert (line.name, line.state) == ("re-read known articles", "open")
    assert "3 known articles could not be read again" in str(line.error)


async def test_a_query_of_unknown_words_is_not_nothing_new(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.broken["esearch"] = NO_SUCH_PHRASE

    polled = await poll(engine, pubmed)

    assert not polled.healthy
    assert "chimric antigen receptr" in str(leg(polled, "query").error)


async def test_a_parked_record_outside_the_window_is_shown_and_leaves_the_poll_healthy(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.records[9] = UNREADABLE
    pubmed.query = [9, 2, 1]
    await poll(engine, pubmed)
    pubmed.query = [2, 1]

    polled = await poll(engine, pubmed, days=1)

    line = polled.legs[-1]
    assert (line.name, line.state, line.error) == ("re-read known articles", "closed", None)
    assert line.understood == line.fetched - 1
    assert polled.healthy


async def test_a_known_article_whose_record_broke_is_read_as_soon_as_it_can_be(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records[1] = UNREADABLE.replace("9", "1")
    await poll(engine, pubmed, days=2)
    pubmed.records[1] = record(1, "Another title", OLD)

    await poll(engine, pubmed, days=2.1)

    (event,) = revised(await taken(engine))
    assert event.data.article.title == "Another title"
    async with transaction(engine) as connection:
        assert not (await connection.execute(sa.select(parked_records))).all()


async def test_parked_records_take_turns(engine: AsyncEngine) -> None:
    waiting = Waiting((), None)
    refused = [(Refused(pmid, "odd", b"%d" % pmid), waiting) for pmid in range(1, 302)]
    async with transaction(engine) as connection:
        await parked.park(connection, "tiny", refused, DAY)
        await parked.park(connection, "tiny", [(Refused(None, "odd", b"?"), waiting)], DAY)

        turns = [
            set(await parked.take_up(connection, "tiny", DAY + timedelta(days=day)))
            for day in (1, 2)
        ]

    assert [len(turn) for turn in turns] == [200, 200]
    assert turns[0] | turns[1] == set(range(1, 302))


async def test_a_parked_record_is_read_as_soon_as_it_can_be_also_outside_the_window(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    pubmed.records[9] = UNREADABLE
    pubmed.query = [9, 2, 1]
    polled = await poll(engine, pubmed)
    assert polled.healthy
    await taken(engine)
    pubmed.records[9] = record(9, entered=DAY - timedelta(days=20))
    pubmed.query = [2]

    await poll(engine, pubmed, days=30)
    await poll(engine, pubmed, days=31)

    (event,) = discovered(await taken(engine))
    assert event.data.article.pmid == 9
    assert [reason.name for reason in event.data.reasons] == ["words"]
    assert not event.data.backfill
