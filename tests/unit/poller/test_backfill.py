"""A backfill from end to end, on SQLite, against a tiny PubMed that knows when records came."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller.backfill import GIVE_UP, Step, begin, go_through
from services.poller.backfill_windows import Span
from services.poller.collect import Outside
from services.poller.run import poll_topic
from services.poller.tables import articles, outbox, parked_records, polls, windows
from services.poller.topic import Query, Topic
from shared.database import make_engine, transaction
from shared.errors import ConfigurationError
from shared.events import ArticleDiscovered, ArticleRevised, Event, PollCompleted, decode
from shared.migrate import upgrade
from tests.unit.poller.fakes import SEED, FakePubMed, form, record

NOW = datetime(2026, 9, 7, 5, tzinfo=UTC)
WORDS = Query(name="words", term="car[tiab]")
TOPIC = Topic(id="tiny", title="Tiny", seed=SEED, query=(WORDS,), backfill_years=0)
SPAN = Span(date(2026, 5, 1))
WINDOW = re.compile(r"(\d{4}/\d\d/\d\d)[^:]*:(\d{4}/\d\d/\d\d)[^\[]*\[(crdt|edat)\]")
OUTAGE = httpx.Response(500, text="")
UNREADABLE = "<PubmedArticle><MedlineCitation><PMID>{}</PMID></MedlineCitation></PubmedArticle>"


@dataclass
class DatedPubMed(FakePubMed):
    """Answers a query by the day of creation and of entry; `asked` are the days it was asked for.

    `down` are first days on which its search is out of order.
    """

    created: dict[int, datetime] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: set[str] = field(default_factory=set)

    def add(self, pmid: int, days_ago: float) -> None:
        self.created[pmid] = NOW - timedelta(days=days_ago)
        self.records[pmid] = record(pmid, entered=self.created[pmid])

    def answer(self, request: httpx.Request) -> httpx.Response:
        if window := WINDOW.search(form(request).get("term", [""])[0]):
            first, last, _ = window.groups()
            self.asked.append(first)
            if first in self.down:
                return OUTAGE
            days = {pmid: f"{day:%Y/%m/%d}" for pmid, day in self.created.items()}
            self.query = [pmid for pmid, day in sorted(days.items()) if first <= day <= last]
        return super().answer(request)


@pytest.fixture(name="engine")
async def _engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/poller.db")
    await upgrade(engine, "poller")
    yield engine
    await engine.dispose()


@pytest.fixture(name="pubmed")
def _pubmed() -> DatedPubMed:
    """One article a month from May to August, and one of yesterday."""
    fake = DatedPubMed()
    for pmid, days_ago in ((1, 120), (2, 90), (3, 60), (4, 32), (5, 1)):
        fake.add(pmid, days_ago)
    return fake


def outside(engine: AsyncEngine, pubmed: FakePubMed, days: float = 0) -> Outside:
    return Outside(engine, pubmed.eutils(), lambda: NOW + timedelta(days=days))


async def fill(
    engine: AsyncEngine, pubmed: FakePubMed, topic: Topic = TOPIC, days: float = 0
) -> list[Step]:
    where = outside(engine, pubmed, days)
    planned = await begin(where, topic, SPAN)
    return [step async for step in go_through(where, planned)]


async def poll(
    engine: AsyncEngine, pubmed: FakePubMed, topic: Topic = TOPIC, days: float = 0
) -> None:
    await poll_topic(engine, pubmed.eutils(), topic, lambda: NOW + timedelta(days=days))


async def taken(engine: AsyncEngine) -> list[Event]:
    async with transaction(engine) as connection:
        rows = await connection.execute(sa.select(outbox.c.body).order_by(outbox.c.seq))
        events = [decode(bytes(row.body)) for row in rows]
        await connection.execute(outbox.delete())
    return events


def told(events: list[Event]) -> dict[int, bool]:
    """Every article discovered, and whether as background; none twice."""
    found = [event.data for event in events if isinstance(event, ArticleDiscovered)]
    assert len({one.article.pmid for one in found}) == len(found)
    return {one.article.pmid: one.backfill for one in found}


async def states(engine: AsyncEngine) -> dict[date, str]:
    async with transaction(engine) as connection:
        rows = await connection.execute(
            sa.select(windows.c.first_day, windows.c.state).order_by(windows.c.first_day)
        )
        return {row.first_day: row.state for row in rows}


async def test_before_the_first_poll_the_past_is_background_and_the_look_back_is_left_as_news(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    steps = await fill(engine, pubmed)

    assert told(await taken(engine)) == dict.fromkeys((1, 2, 3, 4), True)
    assert [step.leg.state for step in steps] == ["closed"] * 4
    await poll(engine, pubmed)
    assert told(await taken(engine)) == {5: False}


async def test_after_polls_it_adds_what_is_older_and_touches_no_news(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    await poll(engine, pubmed, days=-40)
    await poll(engine, pubmed)
    before = told(await taken(engine))

    await fill(engine, pubmed)

    assert before == {3: False, 4: False, 5: False}
    assert told(await taken(engine)) == {1: True, 2: True}


async def test_what_came_while_a_query_could_not_be_asked_is_left_to_it_as_news(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    await poll(engine, pubmed, days=-50)
    await taken(engine)
    pubmed.broken["esearch"] = OUTAGE
    await poll(engine, pubmed, days=-20)
    pubmed.broken.clear()
    pubmed.records[2] = record(2, entered=NOW - timedelta(days=50))  # later than it was made

    await fill(engine, pubmed)
    filled = told(await taken(engine))
    await poll(engine, pubmed)

    assert filled == {1: True, 2: False}
    assert told(await taken(engine)) == {4: False, 5: False}


async def test_what_came_while_another_relation_could_not_be_asked_is_news_when_it_finds_it(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    both = TOPIC.model_copy(update={"cited_by": True})
    pubmed.links["pubmed_pubmed_citedin"] = [9]
    pubmed.add(9, 500)
    await poll(engine, pubmed, both, days=-50)
    pubmed.broken["pubmed_pubmed_citedin"] = OUTAGE
    await poll(engine, pubmed, both)
    await taken(engine)
    pubmed.add(6, 40)  # it answers the query only now
    pubmed.add(7, 41)
    pubmed.records[7] = record(7, entered=NOW - timedelta(days=900))  # set back, as it came late

    await fill(engine, pubmed, both)

    assert told(await taken(engine)) == {1: True, 2: True, 6: False, 7: False}


async def test_what_entered_within_the_look_back_is_news_also_in_a_window_of_the_past(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    pubmed.records[3] = record(3, entered=NOW - timedelta(days=29))

    await fill(engine, pubmed)

    assert told(await taken(engine)) == {1: True, 2: True, 3: False, 4: True}


async def test_a_changed_term_asks_all_windows_again_and_announces_nothing_again(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    await fill(engine, pubmed)
    await taken(engine)
    pubmed.asked.clear()
    pubmed.add(6, 61)
    changed = TOPIC.model_copy(update={"query": (WORDS.model_copy(update={"term": "cars[tiab]"}),)})

    await fill(engine, pubmed, changed)

    assert len(pubmed.asked) == 4
    assert told(await taken(engine)) == {6: True}


async def test_an_article_known_already_gains_a_reason_and_is_not_announced_as_new(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    citing = TOPIC.model_copy(update={"cited_by": True, "query": ()})
    pubmed.links["pubmed_pubmed_citedin"] = [2]
    await poll(engine, pubmed, citing)
    await taken(engine)

    steps = await fill(engine, pubmed)

    events = await taken(engine)
    (revised,) = [event for event in events if isinstance(event, ArticleRevised)]
    assert (revised.subject, revised.data.changed) == ("2", ("reasons",))
    assert {reason.relation for reason in revised.data.reasons} == {"query", "cited-by"}
    assert 2 not in told(events)
    assert sum(step.leg.new for step in steps) == 3


async def test_it_is_no_poll(engine: AsyncEngine, pubmed: DatedPubMed) -> None:
    await fill(engine, pubmed)

    events = await taken(engine)
    assert not any(isinstance(event, PollCompleted) for event in events)
    async with transaction(engine) as connection:
        assert not (await connection.execute(sa.select(polls))).all()
        (poll_id,) = set(await connection.scalars(sa.select(articles.c.poll_id)))
    assert {event.data.poll_id for event in events if isinstance(event, ArticleDiscovered)} == {
        poll_id
    }


async def test_closed_windows_are_not_asked_again_and_open_ones_are(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    pubmed.down = {"2026/06/01"}
    first = await fill(engine, pubmed)
    pubmed.down.clear()
    pubmed.asked.clear()

    again = await begin(outside(engine, pubmed), TOPIC, SPAN)
    second = [step async for step in go_through(outside(engine, pubmed), again)]

    assert [step.leg.state for step in first] == ["closed", "open", "closed", "closed"]
    assert "500" in str(first[1].leg.error)
    assert (again.closed_before, len(second), pubmed.asked) == (3, 1, ["2026/06/01"])
    assert set((await states(engine)).values()) == {"closed"}
    assert told(await taken(engine)) == dict.fromkeys((1, 2, 3, 4), True)


async def test_it_gives_up_when_one_window_after_the_other_stays_open(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    pubmed.broken["esearch"] = OUTAGE

    steps = await fill(engine, pubmed)

    assert [step.leg.state for step in steps] == ["open"] * GIVE_UP
    assert len(pubmed.created) > GIVE_UP


async def test_stopped_before_any_commit_and_started_again_nothing_is_lost_or_told_twice(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    class Killed(BaseException):
        pass

    lives = 0
    commits = 0

    def fate(_connection: object) -> None:
        nonlocal commits
        commits += 1
        if commits == lives:
            raise Killed

    sa.event.listen(engine.sync_engine, "commit", fate)
    while True:
        lives, commits = lives + 1, 0
        try:
            await fill(engine, pubmed)
        except Killed:
            continue
        break

    assert lives > 6
    assert told(await taken(engine)) == dict.fromkeys((1, 2, 3, 4), True)
    assert list((await states(engine)).values()) == ["closed"] * 4


async def test_beside_a_poll_each_article_is_told_once_and_as_what_it_is(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    wide = TOPIC.model_copy(update={"backfill_years": 5})

    await asyncio.gather(poll(engine, pubmed, wide), fill(engine, pubmed, wide))

    assert told(await taken(engine)) == {1: True, 2: True, 3: True, 4: True, 5: False}


async def test_what_came_to_match_since_polls_had_all_is_news_as_it_is_in_a_poll(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    wide = TOPIC.model_copy(update={"backfill_years": 2})
    await poll(engine, pubmed, wide)
    await taken(engine)
    pubmed.add(6, 60)  # it is indexed only now
    pubmed.add(7, 400)
    span = Span(date(2025, 5, 1))
    where = outside(engine, pubmed, days=1)

    async for _ in go_through(where, await begin(where, wide, span)):
        pass

    assert told(await taken(engine)) == {6: False, 7: True}


async def test_a_longer_past_makes_no_news_of_what_it_adds(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)

    await poll(engine, pubmed, TOPIC.model_copy(update={"backfill_years": 5}), days=8)

    assert told(await taken(engine)) == dict.fromkeys((1, 2, 3, 4), True)


async def test_windows_are_kept_alike_by_both_databases(
    database: AsyncEngine, pubmed: DatedPubMed
) -> None:
    await upgrade(database, "poller")
    pubmed.down = {"2026/06/01"}
    await fill(database, pubmed)
    before = await states(database)
    pubmed.down.clear()

    assert len(await fill(database, pubmed)) == 1
    assert list(before.values()) == ["closed", "open", "closed", "closed"]
    assert set((await states(database)).values()) == {"closed"}
    assert told(await taken(database)) == dict.fromkeys((1, 2, 3, 4), True)


async def test_a_window_is_open_while_pubmed_withholds_a_record(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    withheld = pubmed.records.pop(2)

    first = await fill(engine, pubmed)
    pubmed.records[2] = withheld
    second = await fill(engine, pubmed)

    assert [step.leg.state for step in first] == ["closed", "open", "closed", "closed"]
    assert "did not send 1: 2" in str(first[1].leg.error)
    assert [step.leg.state for step in second] == ["closed"]
    assert told(await taken(engine)) == dict.fromkeys((1, 2, 3, 4), True)


async def test_a_record_that_is_parked_stays_background_when_it_is_mended_later(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    readable, pubmed.records[2] = pubmed.records[2], UNREADABLE.format(2)

    (step,) = [
        step for step in await fill(engine, pubmed) if step.leg.fetched > step.leg.understood
    ]
    pubmed.records[2] = readable
    await poll(engine, pubmed, days=30)

    assert step.leg.state == "closed"
    assert told(await taken(engine))[2]


async def test_a_record_that_a_poll_parked_as_news_stays_news_when_a_backfill_can_read_it(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    readable, pubmed.records[3] = pubmed.records[3], UNREADABLE.format(3)
    await poll(engine, pubmed, days=-50)
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.records[3] = readable

    await fill(engine, pubmed)

    assert told(await taken(engine)) == {1: True, 2: True, 3: False}
    async with transaction(engine) as connection:
        assert not (await connection.execute(sa.select(parked_records))).all()


async def test_a_topic_without_a_query_has_no_past_to_ask_for(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    citing = TOPIC.model_copy(update={"cited_by": True, "query": ()})

    with pytest.raises(ConfigurationError, match="topic tiny has no query"):
        await begin(outside(engine, pubmed), citing, SPAN)


async def test_a_span_that_ends_before_it_begins_is_refused(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    with pytest.raises(ConfigurationError, match="exchange the two days"):
        await begin(outside(engine, pubmed), TOPIC, Span(date(2026, 5, 2), date(2026, 5, 1)))


async def test_a_store_filled_from_elsewhere_is_not_backfilled(
    engine: AsyncEngine, pubmed: DatedPubMed
) -> None:
    await poll(engine, pubmed)
    elsewhere = Outside(engine, pubmed.eutils("http://other.test/"), lambda: NOW)

    with pytest.raises(ConfigurationError, match="filled from"):
        await begin(elsewhere, TOPIC, SPAN)
