from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.notifier.archive.fold import terms
from services.notifier.archive.index import card, month, stamp, told, words
from services.notifier.project import Known, project
from shared.article import Author, Journal, PartialDate, Status
from shared.events import Reason
from tests.builders import NOON, a_classification, a_label, an_article, classified


def _known(**changes: Any) -> Known:
    event = classified(**changes)
    return project(None, event.data, event.time, NOON)


def test_a_card_says_what_is_counted() -> None:
    known = _known(
        article=an_article(
            pmid=7, publication_types=("Preprint",), status=Status.RETRACTED,
            published=PartialDate(year=2026, month=8), entered_at=datetime(2026, 8, 3, tzinfo=UTC),
        ),
        reasons=(Reason(relation="query"), Reason(relation="similar"), Reason(relation="query")),
        backfill=True,
    )  # fmt: skip

    found = card(known)

    assert (found.pmid, found.status, found.journal, found.month) == (
        7,
        "retracted",
        "J Ex",
        "2026-08",
    )
    assert (found.entered, found.found) == (date(2026, 8, 3), NOON.date())
    assert (found.preprint, found.background, found.relations) == (True, True, "query similar")


@pytest.mark.parametrize(
    ("published", "electronic", "entered_at", "expected"),
    [
        (PartialDate(year=2026, month=12), PartialDate(year=2026, month=9, day=2), NOON, "2026-09"),
        (PartialDate(year=2026, month=12), None, NOON, "2026-12"),
        (PartialDate(year=2026), None, NOON, "2026-09"),
        (PartialDate(year=2019), None, NOON, "2019"),
        (PartialDate(text="2026 Winter"), None, None, "2026-09"),
        (PartialDate(year=2026, month=13), None, NOON, "2026-09"),
        (PartialDate(year=99999, month=1), None, NOON, "2026-09"),
        (PartialDate(), None, datetime(2025, 1, 2, tzinfo=UTC), "2025-01"),
    ],
)
def test_the_month_is_that_of_the_first_appearance(
    published: PartialDate, electronic: PartialDate | None, entered_at: datetime, expected: str
) -> None:
    article = an_article(published=published, electronic=electronic, entered_at=entered_at)

    assert month(_known(article=article)) == expected


@pytest.mark.parametrize(
    "search",
    ["lupus", "depleted", "okafor", "j ex", "40000001", "NCT01234567", "10.1/x.y", "immune",
     '"journal of examples"'],
)  # fmt: skip
def test_an_article_is_found_by(search: str) -> None:
    article = an_article(
        authors=(Author(last_name="Okafor", fore_name="Ada"),),
        journal=Journal(title="Journal of Examples", abbreviation="J Ex"),
        trial_ids=("NCT01234567",),
        doi="10.1/x.y",
        keywords=("immune reset",),
    )

    assert all(term in words(article) for term in terms(search))


def test_the_stamp_changes_with_what_is_counted_and_with_nothing_else() -> None:
    labels = (a_label(),)
    same = _known(article=an_article(doi="10.1/new"))
    other = _known(article=an_article(status=Status.CORRECTED))

    assert stamp(card(same), labels) == stamp(card(_known()), labels)
    assert stamp(card(other), labels) != stamp(card(_known()), labels)
    assert stamp(card(_known()), (a_label(id="caar-t"),)) != stamp(card(_known()), labels)


def test_an_event_tells_its_part_of_the_history() -> None:
    event = classified(
        revision=2, changed=("title",), previous_status=Status.PUBLISHED,
        classification=a_classification(taxonomy_version="2026.11"),
    )  # fmt: skip

    part = told(event.data)

    assert part.changed == ("title",)
    assert [(one.id, one.confidence) for one in part.labels] == [("cd19-car-t", 0.9)]
    assert (part.taxonomy_version, part.scope) == ("2026.11", "core")
