"""What the notifier's store says of whether all is well."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import tables
from services.notifier.store import keep_poll
from services.notifier.subscribers import LEFT
from services.notifier.wrong import Wrong, look, of_poll
from shared.database import transaction
from shared.migrate import upgrade
from tests.builders import NOON, a_leg, poll_completed

EARLIER = NOON - timedelta(days=2)


def test_a_poll_that_left_something_open_is_wrong_since_that_is_open() -> None:
    legs = (
        a_leg(),
        a_leg(state="open", name="one", error="throttled", open_since=NOON),
        a_leg(state="open", name="two", error="no answer", open_since=EARLIER, alarm=True),
    )
    poll = poll_completed(healthy=False, legs=legs, next_at=NOON + timedelta(hours=1)).data

    assert of_poll(poll, NOON) == [
        Wrong(
            "car-autoimmune: the last poll was not complete (longer than it may be): "
            "no answer; throttled",
            EARLIER,
        )
    ]
    (silent,) = of_poll(poll, NOON + timedelta(hours=2))
    assert silent.since == poll.next_at
    assert of_poll(poll_completed().data, NOON) == []


@pytest.mark.parametrize(
    ("state", "error", "days", "is_wrong"),
    [
        ("intent", None, 0, False),
        ("intent", "no connection", 30, True),
        ("failed", "no such host", 6, True),
        ("failed", "no such host", 8, False),
        ("sent", "no connection", 0, False),
        ("failed", "counts as told, an operator said so", 0, False),
    ],
)
async def test_a_digest_is_wrong_while_it_is_tried_again_or_was_just_given_up(
    sqlite: AsyncEngine, state: str, error: str | None, days: int, is_wrong: bool
) -> None:
    await upgrade(sqlite, "notifier")
    due = NOON - timedelta(days=days)
    async with transaction(sqlite) as connection:
        await connection.execute(
            tables.digests.insert().values(
                id="d", subscription_id="s", period_from=due - timedelta(days=1), period_to=due,
                state=state, error=error, created_at=due,
            )
        )  # fmt: skip
        found, _ = await look(connection, (), NOON)

    assert found == [Wrong(f"digests not delivered: 1; the latest: {error}", due)] * is_wrong


async def test_readers_who_get_nothing_are_counted_and_none_who_left(sqlite: AsyncEngine) -> None:
    await upgrade(sqlite, "notifier")
    async with transaction(sqlite) as connection:
        await keep_poll(connection, poll_completed(announced=0).data)
        for name, reason in (("ill", "mailbox unknown"), ("left", LEFT), ("well", None)):
            await connection.execute(
                tables.subscriptions.insert().values(
                    id=name, topic="t", channel="email", address="x", wish={}, origin="file",
                    recipient=name, created_at=NOON, active=reason is None, inactive_reason=reason,
                )
            )  # fmt: skip
        found, polled = await look(connection, ["car-autoimmune"], NOON)

    assert polled
    assert [one.what.rpartition(": ")[2] for one in found] == ["1"]
