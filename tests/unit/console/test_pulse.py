from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.pulse import failures, overdue_since
from services.notifier import tables
from services.notifier.subscribers import LEFT, REMOVED
from shared.database import transaction
from shared.migrate import upgrade
from tests.builders import NOON, poll_completed


def test_a_poller_that_is_silent_for_too_long_is_overdue() -> None:
    poll = poll_completed(next_at=NOON + timedelta(hours=1)).data

    assert overdue_since(poll, NOON + timedelta(minutes=89)) is None
    assert overdue_since(poll, NOON + timedelta(minutes=91)) == NOON + timedelta(hours=1)


def test_before_the_first_poll_and_for_polls_of_an_older_version_nothing_is_overdue() -> None:
    assert overdue_since(None, NOON) is None
    assert overdue_since(poll_completed().data, NOON + timedelta(days=9)) is None


async def test_a_reader_who_gets_nothing_is_shown_with_the_reason_and_one_who_left_is_not(
    sqlite: AsyncEngine,
) -> None:
    await upgrade(sqlite, "notifier")
    async with transaction(sqlite) as connection:
        standings = (("ill", "mailbox unknown"), ("gone", REMOVED), ("left", LEFT), ("well", None))
        for name, reason in standings:
            await connection.execute(
                tables.subscriptions.insert().values(
                    id=name, topic="t", channel="email", address="x", wish={}, origin="file",
                    recipient=name, created_at=NOON, active=reason is None,
                    inactive_reason=reason,
                )
            )  # fmt: skip

    async with transaction(sqlite) as connection:
        assert await failures(connection) == ("ill: mailbox unknown",)
