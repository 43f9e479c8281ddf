"""The rules of a poll, without any PubMed or database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.poller.ask import ask
from services.poller.eutils import Eutils
from services.poller.legs import (
    Asked,
    Cursor,
    Plan,
    is_first,
    merge,
    news_from,
    plans,
    span,
    whole_pasts,
    without_dates,
)
from services.poller.poll import (
    Entry,
    Found,
    Known,
    Moment,
    Waiting,
    discover,
    gather,
    is_backfill,
    revisit,
    to_read_again,
    with_waiting,
)
from services.poller.relatedness import relatedness
from services.poller.schedule import LastPoll, due, next_poll_at
from services.poller.settle import Tally, settle
from services.poller.topic import Query, Topic
from shared.article import Article
from shared.events import Reason, Relation
from tests.unit.poller.fakes import FakePubMed, form, make_client

NOW = datetime(2026, 9, 7, 5, tzinfo=UTC)
WORDS = Query(name="words", term="car[tiab]")
TOPIC = Topic(id="t", title="T", seed=100, query=(WORDS,), cited_by=True, references=True)
MOMENT = Moment(TOPIC, "p1", NOW)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def asked(relation: Relation, *pmids: int, first: bool = False, error: str | None = None) -> Asked:
    reasons = {pmid: Reason(relation=relation) for pmid in pmids}
    return Asked(Plan(relation, "d"), first, counted=len(pmids), reasons=reasons, error=error)


def known(
    backfill: bool = False, entered: float = 400, read: float = 0.5, told: float = 0.5
) -> Known:
    return Known((), backfill, NOW - days(entered), NOW - days(told), NOW - days(read))


def an_entry(title: str = "A", *reasons: Reason) -> Entry:
    article = Article(pmid=1, title=title)
    given = reasons or (Reason(relation="query", name="words"),)
    return Entry(article, 1, given, False, NOW - days(9), NOW - days(9), NOW - days(9), "p0")


def test_a_query_is_asked_by_both_dates() -> None:
    assert [(plan.key, plan.datetype) for plan in plans(TOPIC)] == [
        ("query:words", "crdt"),
        ("query:words (entry date)", "edat"),
        ("cited-by", None),
        ("references", None),
    ]


def test_the_first_window_is_the_back_catalogue_and_later_ones_overlap() -> None:
    plan = next(iter(plans(TOPIC)))
    cursor = Cursor(NOW - days(1), plan.definition)

    assert span(TOPIC, plan, None, NOW) == NOW - days(365.25 * 5)
    assert span(TOPIC, plan, cursor, NOW) == NOW - days(15)
    assert span(TOPIC, plan, Cursor(NOW + days(99), plan.definition), NOW) == NOW - days(14)


def test_once_a_week_a_query_is_asked_for_its_whole_past() -> None:
    (plan,) = whole_pasts(TOPIC, {}, NOW)
    sunday, monday = (Cursor(NOW - days(back), plan.definition) for back in (1, 0))
    other_term = Cursor(NOW, "another term")

    assert NOW.isoweekday() == 1
    assert span(TOPIC, plan, sunday, NOW) == NOW - days(365.25 * 5)
    assert [*whole_pasts(TOPIC, {plan.key: sunday}, NOW)] == [plan]
    assert [*whole_pasts(TOPIC, {plan.key: other_term}, NOW)] == [plan]
    assert [*whole_pasts(TOPIC, {plan.key: monday}, NOW + days(6))] == []


def test_a_leg_that_is_defined_anew_begins_anew() -> None:
    plan = Plan("query", "new term", "words")

    assert is_first(plan, Cursor(NOW, "old term"))
    assert not is_first(plan, Cursor(NOW, "new term"))


def test_a_translation_is_compared_without_the_window() -> None:
    said = '"car"[Title/Abstract] AND 2026/09/01:2026/09/07[Date - Create]'

    assert without_dates(said) == '"car"[Title/Abstract]'
    assert without_dates(None) is None


def test_reasons_are_kept_and_the_newer_of_a_kind_counts() -> None:
    old = (Reason(relation="similar", rank=9), Reason(relation="query", name="a"))
    new = (Reason(relation="similar", rank=2), Reason(relation="query", name="b"))

    merged = merge(old, new)

    assert [(r.relation, r.name, r.rank) for r in merged] == [
        ("query", "a", None),
        ("query", "b", None),
        ("similar", None, 2),
    ]


def test_every_leg_adds_its_reason_and_a_failed_one_adds_none() -> None:
    legs = (asked("query", 1, 100), asked("cited-by", 1), asked("similar", 2, error="away"))

    found = gather(legs, seed=100)

    assert list(found) == [1]
    assert [reason.relation for reason in found[1].reasons] == ["query", "cited-by"]


@pytest.mark.parametrize(
    ("entered", "legs", "backfill"),
    [
        (10, [asked("query", 1, first=True)], False),
        (31, [asked("query", 1, first=True)], True),
        (31, [asked("query", 1)], False),
        (31, [asked("query", 1, first=True), asked("cited-by", 1)], False),
        (31, [asked("references", 1)], True),
        (10, [asked("references", 1)], False),
        (None, [asked("query", 1, first=True)], True),
        (None, [asked("query", 1)], False),
    ],
)
def test_what_was_there_before_the_watch_is_no_news(
    entered: int | None, legs: list[Asked], backfill: bool
) -> None:
    at = None if entered is None else NOW - days(entered)

    assert is_backfill(at, Found(legs=tuple(legs)), MOMENT) is backfill


def test_what_a_leg_missed_before_its_definition_changed_is_news() -> None:
    before = Cursor(NOW - days(60), "old term")

    assert news_from(TOPIC, None, NOW) == NOW - days(30)
    assert news_from(TOPIC, Cursor(NOW - days(1), "old term"), NOW) == NOW - days(30)
    assert news_from(TOPIC, before, NOW) == NOW - days(74)

    leg = replace(asked("query", 1, first=True), news_from=news_from(TOPIC, before, NOW))
    brief = TOPIC.model_copy(update={"backfill_years": 0})
    assert span(brief, next(iter(plans(brief))), before, NOW) == NOW - days(74)
    assert not is_backfill(NOW - days(73), Found(legs=(leg,)), MOMENT)
    assert is_backfill(NOW - days(75), Found(legs=(leg,)), MOMENT)


def test_an_article_that_waited_to_be_understood_is_the_news_it_was_when_it_was_found() -> None:
    query = Reason(relation="query", name="words")
    now = {1: Found((Reason(relation="cited-by"),), (asked("cited-by", 1, first=True),))}

    both = with_waiting(now, {1: Waiting((query,), NOW - days(90)), 2: Waiting((query,), None)})

    assert [reason.relation for reason in both[1].reasons] == ["query", "cited-by"]
    assert both[2].reasons == (query,)
    assert not is_backfill(NOW - days(89), both[1], MOMENT)
    assert is_backfill(NOW - days(91), both[1], MOMENT)
    assert not is_backfill(NOW - days(999), both[2], MOMENT)


def test_what_waited_as_background_is_no_news_when_the_same_relation_names_it_again() -> None:
    waiting = Waiting((Reason(relation="similar"),), NOW - days(90))
    again, other = asked("similar", 1), asked("cited-by", 1)

    def told(*legs: Asked) -> bool:
        return not is_backfill(NOW - days(91), Found(legs=legs, waiting=waiting), MOMENT)

    assert not told(again)
    assert told(again, other)
    assert not is_backfill(NOW - days(89), Found(legs=(again,), waiting=waiting), MOMENT)


def test_the_same_discovery_has_the_same_id_and_another_text_another() -> None:
    found = Found((Reason(relation="query"),), (asked("query", 1),))
    later = Moment(TOPIC, "p2", NOW + days(1))

    one = discover(Article(pmid=1, title="A"), found, MOMENT).event
    again = discover(Article(pmid=1, title="A"), found, later).event
    other = discover(Article(pmid=1, title="B"), found, MOMENT).event

    assert one
    assert again
    assert other
    assert one.id == again.id != other.id


def test_a_text_that_changes_back_is_a_third_revision_with_an_id_of_its_own() -> None:
    first = revisit(an_entry("A"), Article(pmid=1, title="B"), Found(), MOMENT)
    second = revisit(first.entry, Article(pmid=1, title="A"), Found(), MOMENT)
    third = revisit(second.entry, Article(pmid=1, title="B"), Found(), MOMENT)

    events = [first.event, second.event, third.event]
    assert [event.data.revision for event in events if event] == [2, 3, 4]
    assert len({event.id for event in events if event}) == 3


def test_another_rank_changes_what_is_stored_and_announces_nothing() -> None:
    entry = an_entry("A", Reason(relation="similar", rank=9, of=10))
    found = Found((Reason(relation="similar", rank=1, of=10),))

    decision = revisit(entry, None, found, MOMENT)

    assert decision.event is None
    assert decision.entry.reasons[0].rank == 1
    assert decision.entry.reread_at == entry.reread_at


def test_a_record_that_did_not_change_is_noted_as_read() -> None:
    decision = revisit(an_entry("A"), Article(pmid=1, title="A"), Found(), MOMENT)

    assert (decision.event, decision.entry.reread_at) == (None, NOW)


def test_fresh_articles_are_read_at_every_poll_young_ones_daily_and_old_ones_weekly() -> None:
    rows = {
        1: known(entered=3),  # entered within the overlap, and found
        2: known(told=20),  # news of the last 30 days
        3: known(backfill=True, entered=300, read=5),  # young, longest overdue
        4: known(backfill=True, entered=500, read=9),  # old
        5: known(backfill=True, entered=300),  # read half a day ago
        6: known(backfill=True, entered=3),  # within the overlap, not found
        7: known(backfill=True, entered=500, read=5),  # old, read this week
    }

    order = to_read_again(rows, {1}, MOMENT, budget=10)

    assert order == [1, 2, 3, 4]
    assert to_read_again(rows, {1}, MOMENT, budget=3) == [1, 2, 3]
    assert to_read_again(rows, {1}, MOMENT, budget=-1) == []


def test_what_was_read_before_the_clock_was_put_back_is_read_again() -> None:
    rows = {1: known(backfill=True, read=-300, told=400)}

    assert to_read_again(rows, (), MOMENT, budget=10) == [1]


def test_a_leg_is_closed_when_count_and_ids_and_articles_agree() -> None:
    tally = Tally(known=frozenset({1}), understood={2}, parked={3}, new={2})

    leg = settle(asked("query", 1, 2, 3, 100), seed=100, tally=tally)

    assert (leg.state, leg.received, leg.fetched, leg.understood, leg.new) == ("closed", 4, 4, 3, 1)
    assert leg.error is None


def test_a_count_that_disagrees_leaves_the_leg_open() -> None:
    cut = Asked(Plan("query", "d"), False, counted=3, reasons={1: Reason(relation="query")})

    leg = settle(cut, 100, Tally(known=frozenset({1})))

    assert (leg.state, "counted 3 and named 1" in str(leg.error)) == ("open", True)


def test_a_known_article_that_could_not_be_read_again_leaves_the_leg_open() -> None:
    tally = Tally(known=frozenset({1}), failed={1: "efetch: away"})

    leg = settle(asked("query", 1), 100, tally)

    assert (leg.state, leg.error) == ("open", "efetch: away")


async def test_a_field_that_pubmed_does_not_know_is_an_error_and_no_answer() -> None:
    pubmed = FakePubMed()
    body = (
        "<eSearchResult><Count>246024</Count><IdList><Id>1</Id></IdList>"
        "<ErrorList><FieldNotFound>foo</FieldNotFound></ErrorList></eSearchResult>"
    )
    pubmed.broken["esearch"] = httpx.Response(200, text=body)

    leg = await ask(pubmed.eutils(), TOPIC, next(iter(plans(TOPIC))), None, NOW)

    assert "correct its term" in str(leg.error)
    assert gather([leg], 100) == {}


@pytest.mark.parametrize("kind", ["ErrorList/PhraseNotFound", "WarningList/QuotedPhraseNotFound"])
@pytest.mark.parametrize(("ever", "fault"), [(0, True), (7, False)])
async def test_an_unknown_word_is_a_fault_only_where_the_query_finds_nothing_on_any_day(
    kind: str, ever: int, fault: bool
) -> None:
    around, element = kind.split("/")
    unknown = f"<{around}><{element}>nosuchword</{element}></{around}>"

    def answer(request: httpx.Request) -> httpx.Response:
        count = 0 if "[crdt]" in form(request)["term"][0] else ever
        text = f"<eSearchResult><Count>{count}</Count><IdList/>{unknown}</eSearchResult>"
        return httpx.Response(200, text=text)

    leg = await ask(Eutils(make_client(answer)), TOPIC, next(iter(plans(TOPIC))), None, NOW)

    assert ("nosuchword" in str(leg.error)) is fault
    assert leg.warnings == (f"{element}: nosuchword",)


def test_two_reasons_are_nearer_than_one_and_never_over_1() -> None:
    near = Reason(relation="similar", rank=1, of=100)
    far = Reason(relation="similar", rank=100, of=100)
    query, cites = Reason(relation="query", name="a"), Reason(relation="cited-by")

    assert relatedness([]) == 0
    assert relatedness([far]) < relatedness([query]) < relatedness([cites]) < relatedness([near])
    assert relatedness([near]) < relatedness([near, query]) < relatedness([near, query, cites]) < 1
    assert relatedness([query, Reason(relation="query", name="b")]) == relatedness([query])
    assert relatedness([Reason(relation="references")]) == 0.35
    assert relatedness([Reason(relation="similar")]) == 0.4
    assert relatedness([Reason(relation="similar", rank=1, of=1)]) == 0.8


def test_a_topic_is_due_an_interval_after_its_last_poll() -> None:
    assert due(TOPIC, None, NOW)
    assert not due(TOPIC, LastPoll(NOW), NOW + timedelta(minutes=59))
    assert due(TOPIC, LastPoll(NOW), NOW + timedelta(minutes=60))


def test_what_could_not_be_checked_is_asked_again_in_minutes() -> None:
    unhealthy = LastPoll(NOW, healthy=False)
    hasty = TOPIC.model_copy(update={"poll_every_minutes": 2})

    assert not due(TOPIC, unhealthy, NOW + timedelta(minutes=4))
    assert due(TOPIC, unhealthy, NOW + timedelta(minutes=5))
    assert due(hasty, unhealthy, NOW + timedelta(minutes=2))


def test_a_last_poll_in_the_future_makes_the_topic_due_at_once() -> None:
    assert next_poll_at(TOPIC, LastPoll(NOW + days(300)), NOW) == NOW
    assert due(TOPIC, LastPoll(NOW + days(300)), NOW)
