"""Words on why something is no news hold exactly where it is none: another writing of one rule."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.match import Features, admits, against
from services.notifier.project import Known
from services.notifier.select import Period, is_news, no_news
from services.notifier.subscription import Filters, Subscription
from shared.article import Status
from tests.unit.notifier.kit import a_subscription
from tests.unit.notifier.test_match import entry
from tests.unit.notifier.test_select import END, known

SCOPES = st.sampled_from(["core", "adjacent", "oncology", "none", "unclear"])
SOME = {
    "scope": st.sets(SCOPES, min_size=1),
    "modality": st.sets(st.sampled_from(["caar-t", "car-nk"])),
    "disease": st.sets(st.sampled_from(["mg", "sle"])),
    "target": st.sets(st.sampled_from(["musk", "cd19"])),
    "evidence": st.sets(st.sampled_from(["review"])),
    "words": st.lists(st.sampled_from(["lupus", "asthma"]), max_size=2),
    "journals": st.lists(st.sampled_from(["Lancet", "Blood"]), max_size=1),
    "muted_journals": st.lists(st.sampled_from(["Lancet", "Blood"]), max_size=1),
    "muted_authors": st.lists(st.sampled_from(["Schett G", "Baker D"]), max_size=1),
    "min_relatedness": st.sampled_from([0.0, 0.5]),
}
ONE = st.one_of([st.fixed_dictionaries({name: values}) for name, values in SOME.items()])
SEVERAL = st.fixed_dictionaries({}, optional=SOME)
FILTERS = st.one_of(ONE, SEVERAL).map(Filters.model_validate)
LABELS = st.sampled_from([{}, {"modality": "caar-t", "disease": "mg", "target": "musk"}])


@given(FILTERS, SCOPES, LABELS)
def test_filters_refuse_with_a_reason_exactly_what_they_do_not_admit(
    filters: Filters, scope: str, labels: dict[str, str]
) -> None:
    found = Features(entry(scope, labels=labels))

    assert (against(filters, found) is None) is admits(filters, found)


HOURS = st.one_of(st.integers(-12, 12), st.integers(-24 * 70, 24 * 2)).map(
    lambda hours: END + timedelta(hours=hours)
)


ARTICLES = st.builds(
    known,
    status=st.sampled_from([Status.PUBLISHED, Status.RETRACTED, Status.CORRECTED]),
    backfill=st.booleans(),
    discovered_at=HOURS,
    first_seen_at=HOURS,
    relevant_since=st.none() | HOURS,
)
READERS = st.builds(
    a_subscription,
    created_at=HOURS,
    filters=st.sampled_from([Filters(), Filters(scope=frozenset({"oncology"}))]),
)


@given(one=ARTICLES, subscription=READERS, last=st.none() | HOURS, carried=st.none() | HOURS)
def test_what_is_no_news_has_a_reason_and_news_has_none(
    one: Known, subscription: Subscription, last: datetime | None, carried: datetime | None
) -> None:
    start = Period.of(subscription, last, END).start
    period = Period(start, END, carried, END + timedelta(hours=9))

    assert (no_news(one, subscription, period) is None) is is_news(one, subscription, period)
