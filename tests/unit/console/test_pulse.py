from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.pulse import take_wrongs
from services.console.stores import embedded_stores
from services.notifier import tables
from services.notifier.store import keep_poll
from services.notifier.subscribers import LEFT, REMOVED
from services.notifier.wrong import Wrong, concerned, overdue_since, verdict
from services.poller import tables as poller
from shared.database import transaction
from shared.errors import Permanent
from shared.migrate import upgrade
from shared.outbox import Outgoing, add, relay
from tests.builders import NOON, discovered, poll_completed


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
        assert await concerned(connection, NOON) == ["ill: mailbox unknown"]


async def test_what_should_have_come_through_long_ago_is_said_with_the_reason(
    tmp_path: Path,
) -> None:
    """An event that no carrier takes, and an article that is still between the services."""
    event, poll = discovered(), poll_completed(announced=3).data
    stores = embedded_stores(tmp_path)
    await stores.migrate()
    async with transaction(stores.poller) as connection:
        await add(connection, poller.outbox, event, poll.finished_at)
    async with transaction(stores.notifier) as connection:
        await keep_poll(connection, poll)
    await relay(stores.poller, poller.outbox, _refusing)

    at = {minutes: poll.finished_at + timedelta(minutes=minutes) for minutes in (29, 31, 121)}
    wrong = {m: await take_wrongs(stores, [poll.topic], now) for m, now in at.items()}
    nowhere = await take_wrongs(stores, ["another"], at[29])
    await stores.close()

    unpublished = Wrong(
        "poller: 1 events not published for half an hour: Permanent: too large", poll.finished_at
    )
    on_the_way = Wrong(
        f"{poll.topic}: 3 articles announced more than two hours ago have not arrived",
        poll.finished_at,
    )
    assert wrong[29] == ([], True)
    assert nowhere == ([], False)
    assert wrong[31] == ([unpublished], True)
    assert wrong[121] == ([on_the_way, unpublished], True)


def test_the_verdict_says_since_when_with_the_longest_first() -> None:
    new, old, undated = Wrong("new", NOON), Wrong("old", NOON - timedelta(days=2)), Wrong("whose")

    judged = verdict([undated, new, old], polled=True)

    assert judged.wrongs == (old, new, undated)
    assert judged.line == f"Not all is well, since {old.since:%Y-%m-%d %H:%M} UTC."
    assert verdict([undated], polled=True).line == "Not all is well."
    assert verdict([], polled=True).line == "All is well."
    assert verdict([], polled=False).line == "Nothing was polled yet."


async def _refusing(batch: Sequence[Outgoing]) -> list[Exception | None]:
    return [Permanent("too large") for _ in batch]
