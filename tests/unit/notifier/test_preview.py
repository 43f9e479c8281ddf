"""What the last weeks would have brought, before anybody subscribes."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from services.notifier import preview, tables
from services.notifier.preview import over_weeks
from services.notifier.subscription import Wish
from shared.article import Correction, Status
from tests.builders import a_classification
from tests.unit.notifier.kit import START, Desk, an_article_event

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = START + 28 * DAY + 8 * HOUR


def a_wish(**fields: Any) -> Wish:
    kept = {"topic": "car-autoimmune", "address": SecretStr("nobody@example.invalid"), **fields}
    return Wish(**kept)


async def filled(desk: Desk) -> None:
    """An article a week, and what nobody is told of."""
    desk.clock.now = NOW
    for week in range(4):
        await desk.receive(an_article_event(week + 1, START + week * 7 * DAY + HOUR))
    await desk.receive(
        an_article_event(11, START + DAY, backfill=True),
        an_article_event(12, START + DAY, status=Status.RETRACTED),
        an_article_event(13, START + DAY, classification=a_classification(scope="oncology")),
        an_article_event(14, START + DAY, topic="other"),
        an_article_event(15, START - 99 * DAY),
    )


def told(found: preview.Preview) -> list[tuple[int, list[int]]]:
    """Day since the start, and articles, of each issue."""
    return [((one.due - START).days, [x.pmid for x in one.items]) for one in found.issues]


async def test_each_article_stands_in_the_first_digest_that_was_due_after_it(desk: Desk) -> None:
    await filled(desk)
    found = await over_weeks(desk.engine, a_wish(), NOW)
    assert told(found) == [(28, []), (21, [4]), (14, [3]), (7, [2])]
    earlier = await over_weeks(desk.engine, a_wish(), NOW, weeks=5)
    assert told(earlier) == [(28, []), (21, [4]), (14, [3]), (7, [2]), (0, [1])]
    assert (earlier.total, earlier.is_cut_off) == (4, False)
    assert await desk.rows(tables.digests) == []


@pytest.mark.parametrize(
    ("wish", "issues"),
    [
        ({"cadence": "daily"}, 28),
        ({"cadence": "monthly", "day": 1}, 1),
        ({"cadence": "immediate"}, 3),
    ],
)
async def test_other_cadences_have_other_issues_with_the_same_articles(
    one: Desk, wish: dict[str, Any], issues: int
) -> None:
    await filled(one)
    found = await over_weeks(one.engine, a_wish(**wish), NOW)
    assert len(found.issues) == issues
    assert found.total == 3


async def test_the_filters_and_pairs_of_a_preprint_and_its_journal_version_count(
    one: Desk,
) -> None:
    await filled(one)
    published = (Correction(ref_type="UpdateIn", pmid=2),)
    await one.receive(
        an_article_event(
            21, START + 7 * DAY + HOUR, publication_types=("Preprint",), corrections=published
        )
    )
    assert (await over_weeks(one.engine, a_wish(), NOW)).total == 3
    assert (await over_weeks(one.engine, a_wish(preprints="both"), NOW)).total == 4
    nothing = a_wish(filters={"words": ("not a word of it",)})
    assert (await over_weeks(one.engine, nothing, NOW)).total == 0
    followed = a_wish(filters={"min_relatedness": 1, "journals": ("J Ex",)})
    assert (await over_weeks(one.engine, followed, NOW)).total == 3


async def test_only_so_many_articles_are_looked_at_and_it_is_said(
    one: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(one)
    monkeypatch.setattr(preview, "MOST_ARTICLES", 2)
    found = await over_weeks(one.engine, a_wish(), NOW)
    assert (found.total, found.is_cut_off) == (2, True)


async def test_nobody_looks_back_for_years(one: Desk) -> None:
    found = await over_weeks(one.engine, a_wish(cadence="daily"), NOW, weeks=5000)
    assert len(found.issues) == 12 * 7
