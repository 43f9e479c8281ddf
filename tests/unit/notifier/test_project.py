"""The projection is the same in whatever order events come."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.notifier.project import Known, project
from shared.article import AbstractSection, Status
from shared.events import Classified
from tests.builders import a_classification, a_label, an_article, classified
from tests.unit.notifier.kit import START

HOUR = timedelta(hours=1)


def entry(revision: int, status: Status = Status.PUBLISHED, **overrides: Any) -> Classified:
    return classified(
        article=an_article(status=status), revision=revision, discovered_at=START, **overrides
    ).data


def projected(*events: tuple[Classified, int]) -> Known:
    known: Known | None = None
    for one, hours in events:
        known = project(known, one, START + hours * HOUR, START + 9 * HOUR)
    assert known is not None
    return known


def test_the_first_event_is_taken_as_it_is() -> None:
    known = projected((entry(1), 1))
    assert (known.pmid, known.status, known.status_changed_at) == (
        40000001, Status.PUBLISHED, None,
    )  # fmt: skip
    assert (known.discovered_at, known.first_seen_at) == (START, START + 9 * HOUR)
    assert known.classified_at == START + HOUR


def test_a_newer_revision_replaces_the_entry_and_keeps_the_first_times() -> None:
    first = projected((entry(1), 1))
    known = project(first, entry(2), START + 2 * HOUR, START + 99 * HOUR)
    assert (known.entry.revision, known.first_seen_at) == (2, first.first_seen_at)
    assert known.classified_at == START + 2 * HOUR


def test_a_change_of_status_is_dated() -> None:
    known = projected(
        (entry(1), 1), (entry(2, Status.RETRACTED), 5), (entry(3, Status.RETRACTED), 6)
    )
    assert (known.status, known.status_changed_at) == (Status.RETRACTED, START + 5 * HOUR)


def test_a_status_that_changed_before_we_heard_of_it_is_dated_too() -> None:
    late = entry(2, Status.CORRECTED, previous_status=Status.PUBLISHED)
    assert projected((late, 5)).status_changed_at == START + 5 * HOUR


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
def test_the_latest_revision_wins_in_any_order(order: tuple[int, ...]) -> None:
    known = projected(*((entry(revision), revision) for revision in order))
    assert (known.entry.revision, known.classified_at) == (3, START + 3 * HOUR)


def test_of_two_classifications_of_one_revision_the_later_counts() -> None:
    early, late = entry(1, relatedness=0.1), entry(1, relatedness=0.9)
    assert projected((early, 1), (late, 2)).entry.relatedness == 0.9
    assert projected((late, 2), (early, 1)).entry.relatedness == 0.9


def test_what_was_backfill_stays_backfill() -> None:
    assert projected((entry(1, backfill=True), 1), (entry(2), 2)).backfill
    assert projected((entry(2), 2), (entry(1, backfill=True), 1)).backfill


def test_the_earliest_discovery_is_kept() -> None:
    later = entry(2).model_copy(update={"discovered_at": START + HOUR})
    assert projected((later, 2), (entry(1), 1)).discovered_at == START


def test_nothing_is_discovered_later_than_it_is_received() -> None:
    ahead = entry(1).model_copy(update={"discovered_at": START + 900 * HOUR})
    known = projected((ahead, 1))
    assert known.discovered_at == START + 9 * HOUR
    assert project(known, ahead, START + HOUR, START + 10 * HOUR).discovered_at == START + 9 * HOUR


TITLE, ABSTRACT = (), (AbstractSection(text="CAR-T cells were given to two patients."),)
OUTSIDE, INSIDE = a_classification(scope="none", labels=()), a_classification()


def text(revision: int, abstract: Any, classification: Any, **overrides: Any) -> Classified:
    article = an_article(abstract=abstract)
    return entry(revision, classification=classification).model_copy(
        update={"article": article, **overrides}
    )


def since(*entries: Classified) -> object:
    return projected(*((one, hour) for hour, one in enumerate(entries, 1))).relevant_since


@pytest.mark.parametrize("scope", ["core", "adjacent", "unclear"])
@pytest.mark.parametrize("before", ["none", "oncology"])
def test_an_article_is_relevant_since_a_new_text_brought_it_into_scope(
    before: str, scope: str
) -> None:
    first = text(1, TITLE, a_classification(scope=before, labels=()))
    assert since(first, text(2, ABSTRACT, a_classification(scope=scope))) == START + 9 * HOUR


def test_an_article_is_relevant_since_a_new_text_brought_its_label() -> None:
    bare = a_classification(labels=())
    assert since(text(1, TITLE, bare), text(2, ABSTRACT, INSIDE)) == START + 9 * HOUR
    more = a_classification(labels=(a_label(), a_label(facet="disease", id="sle")))
    assert since(text(1, TITLE, INSIDE), text(2, ABSTRACT, more)) == START + 9 * HOUR


@pytest.mark.parametrize(
    "later",
    [
        text(1, TITLE, INSIDE),
        text(2, TITLE, INSIDE, changed=("reasons",)),
        text(2, ABSTRACT, OUTSIDE),
        text(2, ABSTRACT, a_classification(scope="oncology")),
    ],
)
def test_other_rules_for_the_same_text_and_what_stays_outside_make_nothing_relevant(
    later: Classified,
) -> None:
    assert since(text(1, TITLE, OUTSIDE), later) is None


def test_a_new_text_with_the_labels_it_had_is_no_news() -> None:
    assert since(text(1, TITLE, INSIDE), text(2, ABSTRACT, INSIDE)) is None


def test_since_when_an_article_is_relevant_outlasts_later_revisions_and_late_older_ones() -> None:
    became = projected((text(1, TITLE, OUTSIDE), 1), (text(3, ABSTRACT, INSIDE), 3))
    for later in (text(4, TITLE, INSIDE), text(2, ABSTRACT, INSIDE)):
        after = project(became, later, START + 4 * HOUR, START + 99 * HOUR)
        assert after.relevant_since == became.relevant_since == START + 9 * HOUR
