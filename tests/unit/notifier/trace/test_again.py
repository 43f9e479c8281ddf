"""What replays were allowed to send of an article, apart from what was told live."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.trace.delivery import happenings
from services.notifier.trace.life import lives, sent_by_replays
from shared.migrate import upgrade
from tests.builders import REPLAY
from tests.fakes import FakeClock, FakeSender
from tests.unit.notifier.kit import START, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.test_replays_delivery import House


@pytest.fixture
async def replaying(database: AsyncEngine) -> House:
    await upgrade(database, "notifier")
    found = House(database, FakeClock(START), FakeClock(START), FakeSender())
    muting = {"muted_journals": ["J Ex"]}
    await found.subscribe(a_subscription(), a_subscription(id="muting", filters=muting))
    await found.receive(a_poll_event(START))
    return found


async def test_what_a_replay_sends_is_told_as_a_replay_s(replaying: House) -> None:
    await replaying.replay(an_article_event(1, START), to=("reader",))

    (waiting,) = await sent_by_replays(replaying.engine, 1, None)
    assert await replaying.settle() == 1
    (sent,) = await sent_by_replays(replaying.engine, 1, "car-autoimmune")

    assert (waiting.outcome, sent.outcome) == ("waiting", "accepted")
    assert happenings([sent])[0].title == (
        f"In the digest of the replay {REPLAY}: accepted for 1 subscription"
    )
    assert await lives(replaying.engine, 1, None, START) == [], "it was never here live"
    assert await sent_by_replays(replaying.engine, 1, "another") == []
    assert await sent_by_replays(replaying.engine, 2, None) == []


async def test_what_the_reader_filters_out_is_in_no_digest_of_theirs(replaying: House) -> None:
    await replaying.replay(an_article_event(1, START), to=("reader", "muting"))
    await replaying.settle()

    found = await sent_by_replays(replaying.engine, 1, None)

    assert [one.subscription_id for one in found] == ["reader"]
