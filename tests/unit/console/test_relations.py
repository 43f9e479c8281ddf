"""What `carillon status` says of each relation of a topic."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from services.console.relations import DRIFT_SHOWN, Relations, take_relations
from services.console.show import print_relations
from services.console.stores import Stores, embedded_stores
from services.notifier.store import keep_poll
from services.poller.legs import Cursor
from services.poller.store import move_cursor
from shared.database import transaction
from shared.events import Leg
from tests.builders import NOON, a_leg, poll_completed

DAY = timedelta(days=1)
ROOT = Path(__file__).parents[3]


async def after_polls(folder: Path, *polls: tuple[timedelta, tuple[Leg, ...]]) -> Relations:
    """What is read at noon, after polls that ended so long before."""
    stores: Stores = embedded_stores(folder)
    try:
        await stores.migrate()
        async with transaction(stores.poller) as connection:
            cursor = Cursor(NOON - DAY, "definition")
            await move_cursor(connection, "car-autoimmune", "query:core", cursor)
        async with transaction(stores.notifier) as connection:
            for number, (ago, legs) in enumerate(polls):
                poll = poll_completed(poll_id=f"p{number}", finished_at=NOON - ago, legs=legs)
                await keep_poll(connection, poll.data)
        return await take_relations(stores, "car-autoimmune", NOON)
    finally:
        await stores.close()


def shown(relations: Relations) -> str:
    out = StringIO()
    print_relations(Console(file=out, width=200), relations)
    return out.getvalue()


async def test_each_relation_is_shown_as_the_last_poll_left_it(tmp_path: Path) -> None:
    alarm = a_leg(
        relation="similar", name=None, state="open", alarm=True, open_since=NOON - 3 * DAY,
        error="elink: API rate limit exceeded (throttled)",
    )  # fmt: skip
    relations = await after_polls(
        tmp_path, (2 * DAY, (a_leg(state="open"),)), (DAY, (a_leg(), alarm))
    )

    assert [leg.relation for leg in relations.alarms] == ["similar"]
    told = shown(relations)
    lines = {line.split()[1]: line for line in told.splitlines() if line.startswith("│")}
    assert "closed" in lines["query"]
    assert "2026-09-06 12:00" in lines["query"]
    assert "never" in lines["similar"]
    assert "2026-09-04 12:00" in lines["similar"]
    assert "ALARM similar: PubMed was too busy to answer" in told


@pytest.mark.parametrize(("is_alarm", "code"), [(False, 0), (True, 1)])
def test_status_fails_on_an_alarm_where_all_else_is_well(
    tmp_path: Path, is_alarm: bool, code: int
) -> None:
    leg = a_leg(state="unknown", alarm=is_alarm)
    asyncio.run(after_polls(tmp_path / "state", (DAY, (leg,))))

    done = subprocess.run(
        [sys.executable, "-m", "services.console", "status"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", "CARILLON_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == code, done.stderr
    assert ("ALARM" in done.stdout) == is_alarm


async def test_how_pubmed_reads_a_query_is_shown_for_a_week(tmp_path: Path) -> None:
    recent = a_leg(previous_translation="a", query_translation="a OR b")
    older = a_leg(previous_translation="x", query_translation="y")
    relations = await after_polls(
        tmp_path, (DRIFT_SHOWN + DAY, (older,)), (DAY, (recent,)), (DAY / 2, (a_leg(),))
    )

    told = shown(relations)
    assert told.count("PubMed now reads") == 1
    assert "PubMed now reads query 'core' differently: it adds b." in told
    assert relations.alarms == ()


async def test_what_pubmed_remarks_on_a_query_is_shown_once(tmp_path: Path) -> None:
    legs = (a_leg(warnings=("Phrase not found: [x]",)), a_leg(name="core (entry date)"))
    twice = (legs[0], legs[1].model_copy(update={"warnings": legs[0].warnings}))
    told = shown(await after_polls(tmp_path, (DAY, twice)))
    assert told.count("PubMed remarks on query 'core': Phrase not found: [x]") == 1


@pytest.mark.parametrize("ago", [None, -DAY])
async def test_before_the_first_poll_there_is_nothing_to_show(
    tmp_path: Path, ago: timedelta | None
) -> None:
    polls = () if ago is None else ((ago, (a_leg(),)),)
    assert shown(await after_polls(tmp_path, *polls)) == ""
