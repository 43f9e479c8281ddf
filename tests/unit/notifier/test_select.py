"""What is news to whom, which notices are due, and when a period has been checked."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.notifier.coverage import coverage, in_processing, is_complete
from services.notifier.match import is_wanted
from services.notifier.project import Known
from services.notifier.select import LOOKBACK, Period, Sent, news, notices
from services.notifier.subscription import Filters, Subscription
from shared.article import Correction, Status
from tests.builders import a_classification, a_label, a_leg, an_article, classified
from tests.unit.notifier.kit import START, a_poll, a_subscription

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
END = START + 7 * HOUR


def known(pmid: int = 1, *, status: Status = Status.PUBLISHED, **overrides: Any) -> Known:
    times = {name: overrides.pop(name, END - HOUR) for name in ("discovered_at", "first_seen_at")}
    times["relevant_since"] = overrides.pop("relevant_since", None)
    backfill = overrides.pop("backfill", False)
    corrections = overrides.pop("corrections", ())
    article = an_article(pmid=pmid, status=status, corrections=corrections)
    entry = classified(article=article, **overrides).data
    return Known(entry=entry, classified_at=END, backfill=backfill, **times)


def brought(
    *articles: Known, told: set[int] | None = None, last: Any = None, **wish: Any
) -> list[int]:
    subscription = a_subscription(**wish)
    period = Period.of(subscription, last, END)
    return [e.article.pmid for e in news(subscription, articles, told or set(), period)]


def labelled(scope: str = "core", **facets: str) -> Any:
    labels = tuple(a_label(facet=facet, id=label, name=label) for facet, label in facets.items())
    return a_classification(scope=scope, labels=labels)


def test_a_new_article_is_news() -> None:
    assert brought(known(1), known(2)) == [1, 2]


def test_what_was_sent_once_is_not_sent_again_whatever_changed() -> None:
    assert brought(known(1, revision=7), known(2), told={1}) == [2]


def test_what_was_there_before_the_watch_began_is_no_news() -> None:
    assert brought(known(backfill=True)) == []


@pytest.mark.parametrize("status", [Status.RETRACTED, Status.WITHDRAWN])
def test_a_paper_retracted_before_it_was_sent_is_no_news(status: Status) -> None:
    assert brought(known(status=status)) == []


@pytest.mark.parametrize("status", [Status.CORRECTED, Status.CONCERN])
def test_a_corrected_paper_that_was_not_sent_is_news(status: Status) -> None:
    assert brought(known(status=status)) == [1]


def test_an_old_article_that_became_relevant_is_news_from_then_on_for_thirty_days() -> None:
    old: dict[str, Any] = dict.fromkeys(("discovered_at", "first_seen_at"), START - 99 * DAY)
    assert brought(known(**old)) == []
    assert brought(known(**old, relevant_since=START - DAY)) == [1]
    assert brought(known(**old, relevant_since=START - 31 * DAY)) == []
    assert brought(known(**old, relevant_since=START - DAY), last=START + 40 * DAY) == []


def test_a_backfilled_article_that_became_relevant_is_no_news() -> None:
    assert brought(known(backfill=True, relevant_since=START - DAY)) == []


def test_another_topics_article_is_no_news() -> None:
    assert brought(known(topic="other")) == []


@pytest.mark.parametrize(
    ("scope", "is_news"),
    [("core", True), ("adjacent", True), ("unclear", True), ("oncology", False), ("none", False)],
)
def test_cancer_and_no_car_at_all_are_left_out_unless_asked_for(scope: str, is_news: bool) -> None:
    article = known(classification=labelled(scope))
    assert brought(article) == ([1] if is_news else [])
    assert brought(article, filters=Filters(scope=frozenset({"oncology", "none"}))) == (
        [] if is_news else [1]
    )


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({"modality": {"caar-t"}}, True),
        ({"modality": {"car-nk", "caar-t"}}, True),
        ({"modality": {"car-nk"}}, False),
        ({"disease": {"mg"}}, True),
        ({"disease": {"sle"}}, False),
        ({"evidence": {"trial"}}, True),
        ({"evidence": {"review"}}, False),
        ({"modality": {"caar-t"}, "disease": {"sle"}}, False),
        ({"min_relatedness": 0.4}, True),
        ({"min_relatedness": 0.41}, False),
    ],
)
def test_each_filter_admits_what_it_names(filters: dict[str, Any], passes: bool) -> None:
    labels = labelled(modality="caar-t", disease="mg", evidence="trial")
    entry = known(classification=labels).entry
    assert is_wanted(entry, Filters.model_validate(filters)) is passes


def test_an_unclear_article_is_shown_where_it_carries_no_label_of_the_facet() -> None:
    filters = Filters(modality=frozenset({"caar-t"}))
    assert is_wanted(known(classification=labelled("unclear")).entry, filters)
    assert not is_wanted(known(classification=labelled("core")).entry, filters)
    other = known(classification=labelled("unclear", modality="car-nk"))
    assert not is_wanted(other.entry, filters)


def test_a_first_digest_brings_the_last_thirty_days() -> None:
    inside = known(1, discovered_at=START - LOOKBACK + HOUR)
    outside = known(2, discovered_at=START - LOOKBACK)
    assert brought(inside, outside) == [1]


def test_what_was_discovered_after_the_due_instant_waits_for_the_next_digest() -> None:
    assert brought(known(1, discovered_at=END), known(2, discovered_at=END + HOUR)) == [1]


def test_an_article_classified_late_is_made_up_for() -> None:
    late = known(1, discovered_at=START, first_seen_at=START + 60 * DAY)
    subscription = a_subscription()
    period = Period(START + 59 * DAY, START + 60 * DAY + HOUR)
    assert len(news(subscription, [late], set(), period)) == 1


def test_a_filter_that_is_widened_brings_no_flood_of_old_papers() -> None:
    old = known(1, discovered_at=START, first_seen_at=START)
    period = Period(START + 59 * DAY, START + 60 * DAY)
    assert news(a_subscription(), [old], set(), period) == []


def sent(article: Known, then: Status = Status.PUBLISHED, *noticed: Status) -> Sent:
    return Sent(article, START, then, frozenset(noticed))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (Status.RETRACTED, "retracted"),
        (Status.WITHDRAWN, "withdrawn"),
        (Status.CONCERN, "expression-of-concern"),
        (Status.CORRECTED, "corrected"),
    ],
)
def test_a_paper_that_got_worse_since_it_was_sent_is_noticed(status: Status, kind: str) -> None:
    (notice,) = notices(a_subscription(), [sent(known(status=status))])
    assert (notice.pmid, notice.kind) == (1, kind)


def test_a_notice_is_given_once_for_each_status() -> None:
    retracted = known(status=Status.RETRACTED)
    assert notices(a_subscription(), [sent(retracted, Status.PUBLISHED, Status.RETRACTED)]) == []
    assert len(notices(a_subscription(), [sent(retracted, Status.CONCERN, Status.CORRECTED)])) == 1


def test_a_status_that_the_digest_showed_already_needs_no_notice() -> None:
    assert notices(a_subscription(), [sent(known(status=Status.CORRECTED), Status.CORRECTED)]) == []


def test_a_paper_that_is_well_again_needs_no_notice() -> None:
    assert notices(a_subscription(), [sent(known(), Status.CONCERN)]) == []


def test_a_notice_names_its_own_record_and_the_readers_day() -> None:
    corrections = (
        Correction(ref_type="CommentIn", pmid=7),
        Correction(ref_type="RetractionIn", pmid=9, source="J Ex. 2026;1:2"),
        Correction(ref_type="ErratumIn", pmid=8),
    )
    article = known(status=Status.RETRACTED, corrections=corrections)
    wish = a_subscription(time_zone="America/New_York")
    (notice,) = notices(wish, [sent(article)])
    assert (notice.notice_pmid, notice.notice_source) == (9, "J Ex. 2026;1:2")
    assert notice.sent_on == date(2026, 9, 6)


def test_a_period_is_complete_when_all_announced_articles_have_arrived() -> None:
    polls = [a_poll(poll_id="p1", announced=2), a_poll(poll_id="p2", announced=0)]
    assert not is_complete(polls, {"p1": 1})
    assert is_complete(polls, {"p1": 2})
    assert in_processing(polls, {"p1": 1}) == 1


def test_more_arrivals_than_announced_make_up_for_no_other_poll() -> None:
    polls = [a_poll(poll_id="p1", announced=1), a_poll(poll_id="p2", announced=1)]
    assert in_processing(polls, {"p1": 5}) == 1


def test_a_period_without_a_poll_is_not_complete() -> None:
    assert not is_complete([], {})


def test_the_coverage_line_has_the_numbers_of_the_last_poll() -> None:
    legs = (
        a_leg(counted=12, fetched=12, understood=12, window_from=START - 30 * DAY),
        a_leg(relation="similar", name=None, state="open", counted=100, fetched=90, understood=90),
        a_leg(relation="references", name=None, state="unknown", counted=None, fetched=0),
    )
    polls = [
        a_poll(finished_at=START, legs=(a_leg(counted=999),)),
        a_poll(finished_at=START + HOUR, legs=legs),
    ]
    found = coverage(polls, 3, polls[1], Period(START - DAY, END))
    assert (found.polls, found.healthy, found.unhealthy_since) == (2, True, None)
    assert (found.counted, found.stored, found.in_processing) == (112, 102, 3)
    assert found.checked_from == START - 30 * DAY
    assert found.checked_to == START + HOUR
    assert found.legs == (
        "query 'core': 12 of 12",
        "similar: 90 of 100, incomplete",
        "references: PubMed cannot tell",
    )


def test_what_was_fetched_and_not_understood_is_said() -> None:
    leg = a_leg(relation="similar", name=None, counted=5, fetched=5, understood=4)

    found = coverage([a_poll(legs=(leg,))], 0, None, Period(START, END))

    assert found.legs == ("similar: 5 of 5, 1 not understood",)


def test_what_pubmed_cannot_tell_is_said_in_the_pollers_words() -> None:
    gone = a_leg(name="re-read", state="unknown", error="2 are not sent any more")

    found = coverage([a_poll(legs=(gone,))], 0, None, Period(START, END))

    assert found.legs == ("query 're-read': 2 are not sent any more",)


def test_a_leg_that_could_not_be_counted_is_said_to_be_incomplete() -> None:
    poll = a_poll(legs=(a_leg(state="open", counted=None, fetched=0),))
    found = coverage([poll], 0, None, Period(START, END))
    assert found.legs == ("query 'core': 0 of an unknown number, incomplete",)
    assert found.counted == found.stored == 0


def test_the_source_is_unhealthy_since_the_last_poll_that_was_not() -> None:
    well, ill = a_poll(finished_at=START), a_poll(finished_at=START + HOUR, healthy=False)
    found = coverage([ill], 0, well, Period(START - DAY, END))
    assert (found.healthy, found.unhealthy_since) == (False, START)
    assert coverage([ill, well], 0, well, Period(START - DAY, END)).healthy


@pytest.mark.parametrize(
    ("pause", "late", "is_well"),
    [
        (HOUR, 30 * MINUTE, True),
        (HOUR, 31 * MINUTE, False),
        (DAY, 12 * HOUR, True),
        (DAY, 12 * HOUR + MINUTE, False),
        (10 * MINUTE, 30 * MINUTE, True),
        (10 * MINUTE, 31 * MINUTE, False),
    ],
)
def test_a_poll_that_does_not_come_when_it_is_due_makes_the_source_unhealthy(
    pause: timedelta, late: timedelta, is_well: bool
) -> None:
    poll = a_poll(finished_at=START, next_at=START + pause)
    found = coverage([poll], 0, poll, Period(START - DAY, START + pause + late))
    assert found.healthy is is_well
    assert found.unhealthy_since == (None if is_well else START + pause)


def test_a_poll_that_did_not_say_when_the_next_is_due_is_never_overdue() -> None:
    poll = a_poll(finished_at=START)
    assert coverage([poll], 0, poll, Period(START - DAY, START + 6 * DAY)).healthy


def test_a_poller_that_fell_silent_before_the_period_is_out_of_order_since_its_next_poll() -> None:
    poll = a_poll(finished_at=START, next_at=START + DAY)
    found = coverage([], 0, poll, Period(START + DAY, START + 7 * DAY))
    assert found.unhealthy_since == START + DAY


def test_a_poller_that_fell_silent_while_ill_is_ill_since_it_was_last_well() -> None:
    well = a_poll(finished_at=START, next_at=START + HOUR)
    ill = a_poll(finished_at=START + HOUR, next_at=START + 2 * HOUR, healthy=False)
    assert coverage([ill], 0, well, Period(START, START + DAY)).unhealthy_since == START


def test_a_source_that_was_not_polled_is_unhealthy() -> None:
    found = coverage([], 0, None, Period(START, END))
    assert (found.polls, found.healthy, found.unhealthy_since) == (0, False, START)
    assert (found.checked_from, found.checked_to, found.legs) == (None, None, ())


def test_the_next_period_begins_where_the_last_one_ended() -> None:
    subscription: Subscription = a_subscription()
    assert Period.of(subscription, None, END).start == START - LOOKBACK
    assert Period.of(subscription, START, END).start == START


def test_what_the_last_digest_left_out_lowers_the_floor_and_never_raises_it() -> None:
    subscription = a_subscription()
    plain = Period(END, END + DAY).floor(subscription)
    assert Period(END, END + DAY, plain - DAY).floor(subscription) == plain - DAY
    assert Period(END, END + DAY, plain + DAY).floor(subscription) == plain
