"""An operator at parked messages of a real broker: looking changes nothing, and none is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest
from aio_pika import Exchange
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from services.console.parked.broker import BrokerParking
from services.console.parked.hand import WINDOW, Hand, Window, in_hand
from services.console.parked.record import Order
from shared import topology
from shared.broker import declare_topology
from shared.errors import Away, Retryable
from shared.events import ParkedResolved, decode
from shared.parking import parked_at
from shared.topology import CLASSIFIER
from tests.builders import NOON, discovered
from tests.fakes import FakeClock
from tests.parts import Rabbit

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]

COUNT = 2 * WINDOW + 30


def _headers(reason: str = "exhausted", **more: Any) -> dict[str, Any]:
    return {
        "carillon-reason": reason,
        "carillon-error": "Retryable: no room",
        "carillon-attempt": 7,
        "carillon-first-failed-at": NOON.isoformat(),
        "carillon-parked-at": NOON.isoformat(),
        "carillon-origin-exchange": topology.EXCHANGE,
        "carillon-origin-routing-key": "article.discovered",
        **more,
    }


@pytest.fixture
async def channel(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    await declare_topology(amqp_url)
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        yield await connection.channel()


async def _park(channel: AbstractChannel, names: list[str], **headers: Any) -> None:
    event = discovered()
    for name in names:
        body = event.model_copy(update={"id": name}).encode()
        message = aio_pika.Message(
            body, headers=_headers(**headers), message_id=name, type=event.type
        )
        await channel.default_exchange.publish(message, CLASSIFIER.parked)


async def _ready(channel: AbstractChannel, queue: str) -> int:
    found = await channel.declare_queue(queue, passive=True)
    return found.declaration_result.message_count or 0


async def _all(channel: AbstractChannel, queue: str) -> list[AbstractIncomingMessage]:
    found = await channel.declare_queue(queue, passive=True)
    messages = []
    while message := await found.get(fail=False, timeout=5):
        messages.append(message)
        await message.ack()
    return messages


async def _audits(channel: AbstractChannel, count: int) -> list[ParkedResolved]:
    await channel.set_qos(prefetch_count=10)
    stream = await channel.declare_queue(topology.ARCHIVE, passive=True)
    found: list[ParkedResolved] = []
    async with stream.iterator(arguments={"x-stream-offset": "first"}, timeout=10) as messages:
        async for message in messages:
            await message.ack()
            event = decode(message.body)
            assert isinstance(event, ParkedResolved)
            found.append(event)
            if len(found) == count:
                break
    return found


def _names(count: int) -> list[str]:
    return [f"event-{n:04}" for n in range(count)]


def _order(names: list[str], resolution: Any = "redriven", **more: Any) -> Order:
    return Order("run", resolution, frozenset((CLASSIFIER.name, one) for one in names), "ada",
                 **more)  # fmt: skip


async def test_looking_takes_nothing_away_and_keeps_the_order(
    amqp_url: str, channel: AbstractChannel
) -> None:
    names = _names(COUNT)
    await _park(channel, names)
    parking = BrokerParking(amqp_url, FakeClock(NOON))

    for _ in range(3):
        assert [one.id for one in await parking.look()] == names
        assert await _ready(channel, CLASSIFIER.parked) == COUNT
    assert [message.message_id for message in await _all(channel, CLASSIFIER.parked)] == names


async def test_two_consoles_never_see_half_of_it_each(
    amqp_url: str, channel: AbstractChannel
) -> None:
    await _park(channel, _names(3))
    async with in_hand(amqp_url, CLASSIFIER.name) as hand:
        async for _window in hand.windows():
            with pytest.raises(Retryable, match="another console"):
                await BrokerParking(amqp_url, FakeClock(NOON)).look()
            with pytest.raises(Away, match="in hand"):
                await parked_at(amqp_url, CLASSIFIER)

    assert len(await BrokerParking(amqp_url, FakeClock(NOON)).look()) == 3
    seen = await parked_at(amqp_url, CLASSIFIER)
    assert seen is not None
    assert seen.count == 3


async def test_a_console_that_dies_with_it_in_hand_loses_nothing(
    amqp_url: str, channel: AbstractChannel
) -> None:
    names = _names(WINDOW + 5)
    await _park(channel, names)
    with pytest.raises(KeyboardInterrupt):
        async with in_hand(amqp_url, CLASSIFIER.name) as hand:
            async for _window in hand.windows():
                raise KeyboardInterrupt

    parking = BrokerParking(amqp_url, FakeClock(NOON))
    assert sorted(one.id for one in await parking.look()) == names


async def test_what_is_put_back_goes_to_its_consumer_alone_without_its_past(
    amqp_url: str, channel: AbstractChannel
) -> None:
    names = _names(COUNT)
    await _park(channel, names, tenant="a", **{"x-first-death-queue": "q", "traceparent": "00"})
    await _park(channel, ["stays"])

    gone = await BrokerParking(amqp_url, FakeClock(NOON)).settle(_order(names))

    assert gone == COUNT
    back = await _all(channel, CLASSIFIER.name)
    assert [message.message_id for message in back] == names
    assert back[0].type == "carillon.article.discovered.v1"
    assert {key: value for key, value in back[0].headers.items() if key[:3] != "x-d"} == {
        "tenant": "a",
        "carillon-origin-exchange": topology.EXCHANGE,
        "carillon-origin-routing-key": "article.discovered",
        "carillon-redriven": 1,
    }
    left = await _all(channel, CLASSIFIER.parked)
    assert [message.message_id for message in left] == ["stays"]
    audits = await _audits(channel, 3)
    assert [name for audit in audits for name in audit.data.messages] == names
    assert {(audit.data.by, audit.data.resolution) for audit in audits} == {("ada", "redriven")}


async def test_killed_before_the_acknowledgement_it_is_still_parked_and_on_record(
    amqp_url: str, channel: AbstractChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _park(channel, _names(3))
    parking = BrokerParking(amqp_url, FakeClock(NOON))

    async def dies(_hand: Hand, _messages: Window) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Hand, "ack", dies)
        await parking.settle(_order(_names(3)))

    assert [one.id for one in await parking.look()] == _names(3)
    assert len(await _audits(channel, 1)) == 1
    assert await parking.settle(_order(_names(3))) == 3
    twice = Counter(message.message_id for message in await _all(channel, CLASSIFIER.name))
    assert twice == dict.fromkeys(_names(3), 2)


async def test_what_its_queue_does_not_take_stays_parked(
    amqp_url: str, channel: AbstractChannel, rabbit: Rabbit
) -> None:
    """A limit that an operator sets; quorum queues keep to it a few messages later."""
    vhost = amqp_url.rsplit("/", 1)[1]
    limit = [f"^{CLASSIFIER.name}$", '{"max-length": 2}']
    code, said = rabbit.container.exec(["rabbitmqctl", "set_policy", "-p", vhost, "low", *limit])
    assert code == 0, said
    names = _names(COUNT)
    await _park(channel, names)

    with pytest.raises(Retryable, match="still parked"):
        await BrokerParking(amqp_url, FakeClock(NOON)).settle(_order(names))

    there = [message.message_id for message in await _all(channel, CLASSIFIER.name)]
    left = [message.message_id for message in await _all(channel, CLASSIFIER.parked)]
    assert left
    assert sorted([*there, *left], key=str) == names


async def test_a_message_without_an_id_is_named_by_its_body_and_discarded_with_a_record(
    amqp_url: str, channel: AbstractChannel
) -> None:
    for _ in range(2):
        await channel.default_exchange.publish(
            aio_pika.Message(b"\xff nonsense", headers=_headers("permanent")), CLASSIFIER.parked
        )
    parking = BrokerParking(amqp_url, FakeClock(NOON))
    one, copy = await parking.look("classifier.parked")
    assert one.key == copy.key

    order = _order([one.id], "discarded", because="sent by ada@example.org for a test")
    assert await parking.settle(order) == 2

    assert await parking.look() == []
    assert await _all(channel, CLASSIFIER.name) == []
    (audit,) = await _audits(channel, 1)
    assert audit.data.reasons == {"permanent": 2}
    assert audit.data.because == "sent by (address) for a test"
    assert b"nonsense" not in audit.encode()


async def test_an_edited_message_goes_to_its_consumer_and_into_the_archive(
    amqp_url: str, channel: AbstractChannel
) -> None:
    await _park(channel, ["e1"], reason="permanent")
    event = discovered()
    order = _order(["e1"], "edited", body=event.encode(), edited_to=event.id)

    assert await BrokerParking(amqp_url, FakeClock(NOON)).settle(order) == 1

    (back,) = await _all(channel, CLASSIFIER.name)
    assert (back.body, back.message_id) == (event.encode(), event.id)
    await channel.set_qos(prefetch_count=10)
    stream = await channel.declare_queue(topology.ARCHIVE, passive=True)
    kinds = []
    async with stream.iterator(arguments={"x-stream-offset": "first"}, timeout=10) as messages:
        async for message in messages:
            await message.ack()
            kinds.append(decode(message.body).type)
            if len(kinds) == 2:
                break
    assert kinds == ["carillon.article.discovered.v1", "carillon.parked.resolved.v1"]


async def test_what_becomes_of_a_replays_copy_leaves_the_live_message_where_it_is(
    amqp_url: str, channel: AbstractChannel
) -> None:
    """Both carry the id of the event; only the live one is a loss."""
    live = discovered()
    copy = live.model_copy(update={"replayid": "3f2a-1", "replayhop": 1})
    for event in (copy, live):
        headers = _headers(reason="bug")
        message = aio_pika.Message(event.encode(), headers=headers, message_id=event.id)
        await channel.default_exchange.publish(message, CLASSIFIER.parked)
    parking = BrokerParking(amqp_url, FakeClock(NOON))
    name = f"{live.id}+3f2a-1"
    assert sorted(one.id for one in await parking.look()) == [live.id, name]

    assert await parking.settle(_order([name], "discarded", because="a test of ours")) == 1

    (left,) = await _all(channel, CLASSIFIER.parked)
    assert decode(left.body).replayid is None
    (audit,) = await _audits(channel, 1)
    assert audit.data.messages == (name,)


async def test_the_archive_gets_no_edited_copy_of_a_replay(
    amqp_url: str, channel: AbstractChannel
) -> None:
    """An import would take it for the live event, of which it has the id."""
    copy = discovered().model_copy(update={"replayid": "3f2a-1", "replayhop": 1})
    message = aio_pika.Message(copy.encode(), headers=_headers(reason="permanent"))
    await channel.default_exchange.publish(message, CLASSIFIER.parked)
    mended = copy.model_copy(update={"subject": "1"})
    order = _order([f"{copy.id}+3f2a-1"], "edited", body=mended.encode(), edited_to=copy.id)

    assert await BrokerParking(amqp_url, FakeClock(NOON)).settle(order) == 1

    (back,) = await _all(channel, CLASSIFIER.name)
    assert back.body == mended.encode()
    await _audits(channel, 1)  # the first that is there


async def test_copies_of_one_message_go_back_one_after_the_other(
    amqp_url: str, channel: AbstractChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiormq finds a returned message by its id: two at once, and the wrong one counts as safe."""
    await _park(channel, ["e1", "e2", "e1", "e1"])
    underway: Counter[str] = Counter()
    most = 0
    publish = Exchange.publish

    async def watched(self: Exchange, message: aio_pika.Message, *rest: Any, **more: Any) -> Any:
        nonlocal most
        name = str(message.message_id)
        underway[name] += 1
        most = max(most, underway[name])
        try:
            return await publish(self, message, *rest, **more)
        finally:
            underway[name] -= 1

    monkeypatch.setattr(Exchange, "publish", watched)

    order = _order(["e1", "e2"])
    assert await BrokerParking(amqp_url, FakeClock(NOON)).settle(order) == 4
    assert most == 1
    assert len(await _all(channel, CLASSIFIER.name)) == 4


async def test_looking_in_vain_at_a_broker_that_is_away_is_said() -> None:
    with pytest.raises(Away):
        await asyncio.wait_for(
            BrokerParking("amqp://guest:guest@127.0.0.1:1/", FakeClock(NOON)).look(), 30
        )
