"""A subscription on record that this version cannot read silences nobody else."""

import pytest
from structlog.testing import capture_logs

from services.notifier import subscribers, tables
from services.notifier.subscription import Filters
from shared.database import transaction
from tests.unit.notifier.kit import Desk, a_subscription
from tests.unit.notifier.test_run import AWAY, subscribed

REASON = "its wish cannot be read: filters.modality.0: unknown modality 'renamed'"


async def spoil(desk: Desk, name: str) -> None:
    await rewrite(desk, name, {"filters": {"modality": ["renamed"]}})


async def rewrite(desk: Desk, name: str, wish: dict[str, object]) -> None:
    table = tables.subscriptions
    async with transaction(desk.engine) as connection:
        await connection.execute(table.update().where(table.c.id == name).values(wish=wish))


async def recorded(desk: Desk, name: str) -> tuple[bool, str | None]:
    rows = {row.id: row for row in await desk.rows(tables.subscriptions)}
    return rows[name].active, rows[name].inactive_reason


async def test_the_others_are_mailed_and_its_row_says_why_it_is_not(desk: Desk) -> None:
    await subscribed(desk, "a", "b", "c")
    await spoil(desk, "b")
    assert await desk.at(8) == 2
    active, reason = await recorded(desk, "b")
    assert active
    assert reason is not None
    assert reason.startswith(REASON)
    assert await desk.told("b") == set()


async def test_it_is_logged_once_and_not_with_each_pass(one: Desk) -> None:
    await subscribed(one, "a", "b")
    await spoil(one, "b")
    with capture_logs() as logs:
        await one.at(8)
        await one.deliver()
    found = [entry for entry in logs if entry["event"] == "subscription_unreadable"]
    assert [(entry["subscription_id"], entry["log_level"]) for entry in found] == [("b", "warning")]
    assert "@" not in str(found)


async def test_saved_anew_it_is_mailed_again(desk: Desk) -> None:
    await subscribed(desk, "a", "b")
    await spoil(desk, "b")
    await desk.at(8)
    await desk.subscribe(a_subscription(id="b"))
    assert await recorded(desk, "b") == (True, None)
    assert await desk.deliver() == 1


async def test_once_an_upgrade_can_read_it_it_is_mailed_again(desk: Desk) -> None:
    await subscribed(desk, "a", "b")
    await spoil(desk, "b")
    await desk.at(8)
    await rewrite(desk, "b", {"cadence": "daily", "filters": Filters().model_dump(mode="json")})
    assert await desk.deliver() == 1
    assert await recorded(desk, "b") == (True, None)


async def test_a_digest_that_waits_for_it_is_kept_and_holds_up_no_other(desk: Desk) -> None:
    await subscribed(desk, "a", "b")
    desk.sender.faults = [AWAY, AWAY]
    await desk.at(8)
    await spoil(desk, "a")
    desk.timer.advance(minutes=1)
    assert await desk.deliver() == 1
    assert sorted(await desk.digests()) == [("intent", 1), ("sent", 2)]

    await desk.subscribe(a_subscription(id="a"))
    assert await desk.deliver() == 1


async def test_who_asks_for_it_by_its_id_is_told_so(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await spoil(one, "reader")
    async with transaction(one.engine) as connection:
        with pytest.raises(subscribers.Unreadable, match="unknown modality 'renamed'"):
            await subscribers.lock(connection, "reader")
