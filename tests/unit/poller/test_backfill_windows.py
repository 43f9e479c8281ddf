"""Which months are asked, and where the past ends and news begins. Rules only."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.poller.backfill_windows import (
    ClosedWindow,
    PastWindow,
    Span,
    months,
    news_begins,
    past,
    still_open,
)
from services.poller.legs import Cursor, plans
from services.poller.topic import Query, Similar, Topic

NOW = datetime(2026, 9, 7, 5, tzinfo=UTC)
WORDS = Query(name="words", term="car[tiab]")
OTHER = Query(name="other", term="treg[tiab]")
TOPIC = Topic(id="t", title="T", seed=100, query=(WORDS,), similar=Similar(), references=True)
BOTH = TOPIC.model_copy(update={"query": (WORDS, OTHER)})
SPAN = Span(date(2026, 6, 15))


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def complete(days: float, topic: Topic = TOPIC) -> dict[str, Cursor]:
    """Cursors of a topic whose legs were all complete so many days ago."""
    return {plan.key: Cursor(ago(days), plan.definition) for plan in plans(topic)}


def days_of(windows: list[PastWindow]) -> list[str]:
    return [f"{one.first:%m-%d}..{one.last:%m-%d}{'!' * one.is_news}" for one in windows]


def test_a_span_is_cut_into_calendar_months_without_gap_or_overlap() -> None:
    cut = list(months(date(2023, 12, 31), date(2024, 3, 1)))

    assert cut == [
        (date(2023, 12, 31), date(2023, 12, 31)),
        (date(2024, 1, 1), date(2024, 1, 31)),
        (date(2024, 2, 1), date(2024, 2, 29)),
        (date(2024, 3, 1), date(2024, 3, 1)),
    ]
    assert list(months(date(2024, 3, 2), date(2024, 3, 1))) == []


def test_before_the_first_poll_the_past_ends_where_its_look_back_will_begin() -> None:
    windows = list(past(TOPIC, {}, SPAN, NOW))

    assert days_of(windows) == ["06-15..06-30", "07-01..07-31", "08-01..08-07"]
    assert news_begins(TOPIC, {}, NOW) == ago(30)


def test_after_years_of_polling_it_ends_at_the_look_back_too() -> None:
    windows = list(past(TOPIC, complete(days=0.04), SPAN, NOW))

    assert days_of(windows)[-1] == "08-01..08-07"


def test_it_ends_where_a_leg_that_is_behind_will_go_on() -> None:
    cursors = complete(days=0.04) | {"query:words": Cursor(ago(40), WORDS.term)}

    windows = list(past(TOPIC, cursors, SPAN, NOW))

    assert days_of(windows) == ["06-15..06-30", "07-01..07-14"]


@pytest.mark.parametrize("behind", ["query:words", "query:words (entry date)"])
def test_either_date_of_a_query_ends_it(behind: str) -> None:
    cursors = complete(days=0.04) | {behind: Cursor(ago(40), WORDS.term)}

    assert days_of(list(past(TOPIC, cursors, SPAN, NOW)))[-1] == "07-01..07-14"


def test_where_another_relation_is_behind_the_days_since_are_asked_as_news() -> None:
    cursors = complete(days=0.04) | {"similar": Cursor(ago(40), "100 100 0")}

    windows = list(past(TOPIC, cursors, SPAN, NOW))

    assert days_of(windows) == [
        "06-15..06-30",
        "07-01..07-14",
        "07-15..07-31!",
        "08-01..08-07!",
    ]
    assert news_begins(TOPIC, cursors, NOW) == ago(54)


def test_a_query_that_is_behind_makes_another_querys_days_since_news() -> None:
    cursors = complete(days=0.04, topic=BOTH) | {"query:other": Cursor(ago(40), OTHER.term)}

    windows = list(past(BOTH, cursors, SPAN, NOW))

    ends = {one.plan.name: one.last for one in windows}
    assert ends == {"words": date(2026, 8, 7), "other": date(2026, 7, 14)}
    assert {str(one) for one in windows if one.is_news} == {
        "words 2026-07-15..2026-07-31",
        "words 2026-08-01..2026-08-07",
    }


def test_references_that_were_never_complete_again_make_nothing_news() -> None:
    cursors = complete(days=0.04) | {"references": Cursor(ago(900), "100")}

    assert news_begins(TOPIC, cursors, NOW) == ago(30)


def test_a_changed_term_is_behind_since_it_was_complete_under_the_old_one() -> None:
    cursors = {key: Cursor(ago(40), "another[tiab]") for key in complete(days=40)}

    assert days_of(list(past(TOPIC, cursors, SPAN, NOW)))[-1] == "07-01..07-14"


def test_a_cursor_in_the_future_does_not_make_the_look_back_background() -> None:
    windows = list(past(TOPIC, complete(days=-300), SPAN, NOW))

    assert days_of(windows)[-1] == "08-01..08-07"


def test_until_ends_it_earlier_and_never_later() -> None:
    earlier = past(TOPIC, {}, Span(SPAN.since, date(2026, 7, 10)), NOW)
    later = past(TOPIC, {}, Span(SPAN.since, date(2026, 9, 6)), NOW)

    assert days_of(list(earlier))[-1] == "07-01..07-10"
    assert days_of(list(later))[-1] == "08-01..08-07"


def test_a_span_within_the_look_back_has_no_window() -> None:
    assert list(past(TOPIC, {}, Span(date(2026, 8, 20)), NOW)) == []


def test_a_query_is_asked_by_the_day_of_creation_alone() -> None:
    windows = list(past(BOTH, {}, SPAN, NOW))

    assert {one.plan.datetype for one in windows} == {"crdt"}
    assert [one.plan.name for one in windows] == ["words"] * 3 + ["other"] * 3


@pytest.mark.parametrize(
    ("definition", "last", "asked"),
    [
        (WORDS.term, date(2026, 8, 7), 2),
        (WORDS.term, date(2026, 8, 31), 2),
        (WORDS.term, date(2026, 8, 6), 3),
        ("another[tiab]", date(2026, 8, 7), 3),
    ],
)
def test_a_closed_window_is_skipped_unless_its_term_changed_or_it_has_more_days_now(
    definition: str, last: date, asked: int
) -> None:
    closed = {("query:words", date(2026, 8, 1)): ClosedWindow(definition, last)}

    assert len(still_open(past(TOPIC, {}, SPAN, NOW), closed)) == asked
