"""Whom PostgreSQL waits for, by its setting and by who follows; and none on SQLite."""

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.standbys import Standbys, counted
from shared.vitals import StandbyWatch


@pytest.mark.parametrize(
    ("setting", "followers", "wanted", "following"),
    [
        ("", ["postgres-2"], 0, 0),
        (" ", [], 0, 0),
        ('"postgres-2"', ["postgres-2"], 1, 1),
        ('"postgres-2"', [], 1, 0),
        ('"postgres-2"', ["pg_basebackup", "postgres-3"], 1, 0),
        ("one, two", ["two"], 1, 1),
        ("One", ["oNE"], 1, 1),
        ("*", ["anybody"], 1, 1),
        ("*", [], 1, 0),
        ("2 (one, two, three)", ["three", "one"], 2, 2),
        ("FIRST 2 (one, two)", ["two"], 2, 1),
        ("first 1(one)", [], 1, 0),
        ('ANY 1 ("postgres-2","postgres-3")', ["postgres-2", "postgres-3"], 1, 2),
        ('any 2 (one, "a ""b"" (c), d")', ['a "b" (c), d'], 2, 1),
    ],
)
def test_who_is_wanted_and_who_of_them_follows(
    setting: str, followers: list[str], wanted: int, following: int
) -> None:
    assert counted(setting, followers) == Standbys(wanted, following)


def test_more_than_are_wanted_are_none_too_few() -> None:
    assert [Standbys(*one).missing for one in ((0, 0), (1, 2), (1, 0), (2, 1))] == [0, 0, 1, 1]


def test_one_disk_is_where_a_second_server_is_named_and_nobody_waited_for() -> None:
    said = [Standbys(*one).is_one_disk for one in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1))]
    assert said == [False, True, False, False]


async def test_a_server_of_its_own_and_a_file_wait_for_nobody(database: AsyncEngine) -> None:
    registry = CollectorRegistry()

    await StandbyWatch(database, registry).look()

    assert registry.get_sample_value("carillon_standbys_wanted") == 0
    assert registry.get_sample_value("carillon_standbys_following") == 0
    assert registry.get_sample_value("carillon_standbys_named") == 0
