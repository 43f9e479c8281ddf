"""What a digest says on top: usual, first here, trend."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.notifier import census, tables
from services.notifier.digest import Digest, Trend
from services.notifier.novelty import firsts, pairs
from services.notifier.subscription import Filters
from services.notifier.summary import with_summary
from services.notifier.surroundings import Surroundings
from services.notifier.trend import months, trend
from services.notifier.usual import Told, usual, usual_of_topic
from shared.database import transaction
from shared.events import Label
from tests.unit.notifier.digests import a_digest, a_label, an_entry
from tests.unit.notifier.kit import Desk

MONDAY = datetime(2026, 9, 7, 5, tzinfo=UTC)
CAAR, CAR_NK, GENERAL = a_label("caar-t"), a_label("car-nk"), a_label("car-t-general")
SLE, TRIAL = a_label("sle", "disease"), a_label("trial", "evidence")
GRAVIS = Label(facet="disease", id="mg", name="Myasthenia gravis", confidence=0.9)


def weekly(*totals: int, first: int = 40) -> list[Told]:
    """Digests of the weeks before `MONDAY`, after a first one that brought thirty days."""
    numbers = [first, *totals]
    return [
        (MONDAY - timedelta(weeks=len(numbers) - 1 - place), number)
        for place, number in enumerate(numbers)
    ]


def test_the_middle_of_eight_weeks_is_usual() -> None:
    found = usual(weekly(0, 5, 4, 6, 30, 7, 5, 6), MONDAY, "weekly")

    assert found
    assert (found.low, found.high, found.over, found.unit) == (4, 7, 8, "week")


def test_of_a_long_past_eight_weeks_count() -> None:
    found = usual(weekly(*[90] * 20, *[5] * 8), MONDAY, "weekly")

    assert found
    assert (found.low, found.high, found.over) == (5, 5, 8)


@pytest.mark.parametrize("number", range(4))
def test_nothing_is_usual_after_so_few_weeks(number: int) -> None:
    assert usual(weekly(*[5] * number), MONDAY, "weekly") is None


def test_the_first_digest_does_not_count() -> None:
    found = usual(weekly(5, 5, 5, 5, first=99), MONDAY, "weekly")

    assert found
    assert (found.low, found.high, found.over) == (5, 5, 4)


def test_daily_digests_are_added_up_week_by_week() -> None:
    daily = [(MONDAY - timedelta(days=back), 2) for back in range(35, -1, -1)]

    found = usual(daily, MONDAY, "daily")

    assert found
    assert (found.low, found.high, found.over, found.unit) == (14, 14, 5, "week")


def test_a_week_that_began_before_the_first_digest_is_not_whole() -> None:
    daily = [(MONDAY - timedelta(days=back), 2) for back in range(33, -1, -1)]

    found = usual(daily, MONDAY, "daily")

    assert found
    assert (found.low, found.over) == (14, 4)


def test_who_reads_monthly_is_told_of_months() -> None:
    monthly = [(MONDAY - timedelta(days=30 * back), 20 + back) for back in range(5, -1, -1)]

    found = usual(monthly, MONDAY, "monthly")

    assert found
    assert (found.low, found.high, found.over, found.unit) == (21, 23, 5, "month")


def test_nothing_was_told_yet() -> None:
    assert usual([], MONDAY, "weekly") is None
    assert usual([], MONDAY, "monthly") is None


def shown(*labels: Label, pmid: int = 101, relatedness: float = 0.5) -> Digest:
    return a_digest(an_entry(pmid, *labels, relatedness=relatedness))


def test_an_approach_that_was_in_no_such_disease_is_a_first() -> None:
    items = shown(CAAR, GRAVIS, SLE).items

    (first,) = firsts(items, {("caar-t", "sle")}, 100)

    assert (first.pmid, first.modality, first.disease) == (101, "CAAR-T", "Myasthenia gravis")


def test_two_articles_make_one_first_and_the_nearer_one_is_named() -> None:
    far, near = shown(CAAR, GRAVIS), shown(CAAR, GRAVIS, pmid=7, relatedness=0.9)

    (first,) = firsts((*far.items, *near.items), (), 100)

    assert first.pmid == 7


def test_three_firsts_at_most() -> None:
    diseases = [a_label(f"d{n}", "disease") for n in range(5)]

    assert len(firsts(shown(CAAR, *diseases).items, (), 100)) == 3


def test_a_topic_that_knows_little_has_no_firsts() -> None:
    assert firsts(shown(CAAR, GRAVIS).items, (), 29) == ()


@pytest.mark.parametrize(
    "labels",
    [(GENERAL, GRAVIS), (CAAR, TRIAL), (CAAR, GRAVIS.model_copy(update={"confidence": 0.4}))],
    ids=["no approach of its own", "no disease", "unsure"],
)
def test_what_names_no_sure_pair_is_no_first(labels: tuple[Label, ...]) -> None:
    assert pairs(shown(*labels).items) == set()


def test_twelve_months_end_with_this_one() -> None:
    assert months(date(2026, 2, 3))[0] == "2025-03"
    assert months(date(2026, 2, 3))[-1] == "2026-02"


def test_a_trend_has_a_number_for_every_month_and_approach() -> None:
    found = trend({("2026-09", 0): 3, ("2026-08", 4): 1, ("2026-08", 0): 2}, date(2026, 9, 14))

    assert found
    assert [(one.name, one.counts[-2:], sum(one.counts)) for one in found.series] == [
        ("CD19 CAR-T", (2, 3), 5),
        ("CAAR-T", (1, 0), 1),
    ]


def test_the_small_approaches_are_one_series_and_nothing_is_lost() -> None:
    counts = {("2026-09", place): 20 - place for place in range(14)}

    found = trend(counts, date(2026, 9, 14))

    assert found
    assert [one.modality for one in found.series[:5]] == [
        "cd19-car-t", "bcma-car-t", "dual-car-t", "other-target-car-t", "caar-t",
    ]  # fmt: skip
    assert found.series[5].name == "Other approaches"
    assert sum(sum(one.counts) for one in found.series) == sum(counts.values())


def test_what_is_dated_ahead_counts_for_this_month_and_what_is_old_for_none() -> None:
    found = trend({("2026-12", 0): 3, ("2024-08", 0): 9}, date(2026, 9, 14))

    assert found
    assert found.series[0].counts == (*[0] * 11, 3)


def test_a_year_without_any_article_has_no_trend() -> None:
    assert trend({}, date(2026, 9, 14)) is None
    assert trend({("2024-08", 0): 9}, date(2026, 9, 14)) is None


def test_an_article_of_several_approaches_counts_under_its_first() -> None:
    assert pairs(shown(CAR_NK, CAAR, SLE).items) == {("caar-t", "sle")}


async def index(desk: Desk, pmid: int, month: str, *named: Label, **changes: object) -> None:
    """Put an article and its labels into the archive's index."""
    entered = changes.pop("entered", MONDAY)
    assert isinstance(entered, datetime)
    row = {
        "topic": "car", "pmid": pmid, "revision": 1, "status": "published", "scope": "core",
        "backfill": True, "discovered_at": MONDAY, "first_seen_at": MONDAY,
        "classified_at": MONDAY, "entry": an_entry(pmid).model_dump(mode="json"), "indexed": 1,
        **changes,
    }  # fmt: skip
    card = {
        "topic": "car", "pmid": pmid, "revision": 1, "status": row["status"], "scope": "core",
        "journal": "", "month": month, "entered": entered.date(), "found": MONDAY.date(),
        "preprint": False, "background": True, "relations": "", "relatedness": 0.0, "stamp": 0,
    }  # fmt: skip
    async with transaction(desk.engine) as connection:
        await connection.execute(tables.articles.insert().values(row))
        await connection.execute(tables.cards.insert().values(card))
        for label in named:
            await connection.execute(
                tables.labels.insert().values(
                    topic="car", pmid=pmid, facet=label.facet, label=label.id,
                    name=label.name, confidence=label.confidence,
                )
            )  # fmt: skip


async def summed(desk: Desk, digest: Digest, filters: Filters | None = None) -> Digest:
    async with transaction(desk.engine) as connection:
        return await with_summary(connection, digest, Surroundings(), filters or Filters())


def counts(found: Trend | None) -> dict[str, int]:
    assert found
    return {one.name: sum(one.counts) for one in found.series}


async def test_an_article_counts_once_under_its_first_approach(desk: Desk) -> None:
    await index(desk, 1, "2026-08", GENERAL, CAAR, SLE)
    await index(desk, 2, "2026-08", GENERAL)
    await index(desk, 3, "2026-09", CAAR, status="retracted")
    await index(desk, 4, "2024-09", CAAR)
    await index(desk, 5, "2026-09", a_label("new-approach"))

    found = await summed(desk, a_digest())

    assert counts(found.trend) == {"CAAR-T": 1, "CAR-T in general": 1, "Other approaches": 1}


async def test_a_first_is_looked_for_among_all_that_was_known_before(desk: Desk) -> None:
    for pmid in range(1, 31):
        await index(desk, pmid, "2026-08", CAAR, SLE)
    later = MONDAY + timedelta(days=1)
    await index(desk, 101, "2026-09", CAAR, GRAVIS, backfill=False, discovered_at=later)
    await index(desk, 102, "2026-09", CAR_NK, SLE, backfill=False, discovered_at=later)
    digest = a_digest(
        an_entry(101, CAAR, GRAVIS), an_entry(103, CAAR, SLE), an_entry(104, CAR_NK, SLE)
    )

    found = await summed(desk, digest)

    assert {(one.modality, one.disease) for one in found.firsts} == {
        ("CAAR-T", "Myasthenia gravis"),
        ("CAR-NK", "Systemic lupus erythematosus"),
    }


async def test_what_background_has_is_no_first(desk: Desk) -> None:
    for pmid in range(1, 31):
        await index(desk, pmid, "2020-08", CAAR, GRAVIS, discovered_at=MONDAY + timedelta(days=3))

    found = await summed(desk, a_digest(an_entry(101, CAAR, GRAVIS)))

    assert found.firsts == ()


async def test_what_was_told_is_read_in_turn_with_what_was_skipped(desk: Desk) -> None:
    async with transaction(desk.engine) as connection:
        for week, state in enumerate(["sent", "skipped", "intent", "failed"]):
            end = MONDAY - timedelta(weeks=week)
            await connection.execute(
                tables.digests.insert().values(
                    id=str(week), subscription_id="sub-1", period_to=end, state=state,
                    period_from=end - timedelta(weeks=1), created_at=end, content={"total": week},
                )
            )  # fmt: skip

        found = await census.told(connection, "sub-1", MONDAY - timedelta(days=1))

    assert found == [(MONDAY - timedelta(weeks=2), 2), (MONDAY - timedelta(weeks=1), 1)]


async def test_topics_are_read_once_for_all_subscribers_of_a_pass(one: Desk) -> None:
    for pmid in range(1, 31):
        await index(one, pmid, "2026-08", CAAR, SLE)
    around, digest = Surroundings(), a_digest(an_entry(101, CAAR, GRAVIS))
    async with transaction(one.engine) as connection:
        first = await with_summary(connection, digest, around, Filters())
        await connection.execute(tables.labels.delete())

        again = await with_summary(connection, digest, around, Filters())

    assert again == first
    assert first.firsts
    assert first.trend


def test_of_a_topic_the_middle_of_eight_weeks_by_entry_is_usual() -> None:
    entered = [
        MONDAY - timedelta(weeks=week, hours=hour)
        for week, number in enumerate((0, 5, 4, 6, 30, 7, 5, 6))
        for hour in range(number)
    ]

    found = usual_of_topic(entered, MONDAY)

    assert found
    assert (found.low, found.high, found.over, found.unit) == (4, 7, 8, "week")
    assert usual_of_topic([MONDAY + timedelta(hours=1)], MONDAY) is None


async def test_a_new_reader_is_told_what_the_topic_would_have_brought(desk: Desk) -> None:
    for pmid in range(1, 25):
        at = MONDAY - timedelta(weeks=(pmid - 1) // 3, hours=5)
        label = CAAR if pmid % 3 else CAR_NK
        entry = an_entry(pmid, label, entered_at=at).model_dump(mode="json")
        await index(desk, pmid, "2026-08", label, entry=entry, entered=at)
    digest = a_digest(period_from=MONDAY)

    everything = (await summed(desk, digest)).usual
    some = (await summed(desk, digest, Filters(modality=frozenset({"car-nk"})))).usual

    assert everything
    assert (everything.low, everything.high, everything.over) == (3, 3, 8)
    assert some
    assert (some.low, some.high) == (1, 1)


def test_what_is_dated_to_a_year_alone_is_in_no_month_and_stops_no_digest() -> None:
    """Such as an article of 2026, by its journal, that PubMed had in 2025 already."""
    found = trend({("2026", 0): 5, ("2026-08", 0): 2}, date(2026, 9, 14))

    assert found
    assert sum(found.series[0].counts) == 2
    assert trend({("2026", 0): 5}, date(2026, 9, 14)) is None
