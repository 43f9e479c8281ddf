"""Messages that nobody should have sent, and those that come again.

    messages = spoiled(seed=7, archive=await archived(url))
    await send(url, messages)

Each says what must become of it: parked, or no effect at all.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import aio_pika

from shared import topology
from shared.events import CONTENT_TYPE
from shared.topology import CONSUMERS, ConsumerQueue

Fate = Literal["parked", "no effect"]


@dataclass(frozen=True)
class Spoiled:
    """A message and its fate. To `exchange` with `key`; "" is the default one, to a queue.

    `message_id` is None for a message without any properties. `queue` is where it arrives.
    """

    kind: str
    body: bytes
    exchange: str
    key: str
    queue: str
    fate: Fate
    message_id: str | None


async def archived(url: str, most: int = 200, first: str | int = "first") -> list[bytes]:
    """Bodies of the archive's first events, or from the offset `first`; at most so many.

    Raises:
        AMQPError, OSError: the broker is away.
    """
    connection = await aio_pika.connect(url, timeout=10)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=50)
        stream = await channel.declare_queue(topology.ARCHIVE, passive=True)
        wanted = min(most, stream.declaration_result.message_count or 0)
        found: list[bytes] = []
        if not wanted:
            return found
        start = {"x-stream-offset": first}
        async with stream.iterator(arguments=start, timeout=10) as messages:
            async for message in messages:
                await message.ack()
                found.append(message.body)
                if len(found) >= wanted:
                    break
        return found


async def send(url: str, messages: Sequence[Spoiled]) -> None:
    """Publish them, confirmed.

    Raises:
        AMQPError, OSError: the broker is away; some may have been sent.
    """
    connection = await aio_pika.connect(url, timeout=10)
    async with connection:
        channel = await connection.channel()
        for one in messages:
            exchange = (
                await channel.get_exchange(one.exchange, ensure=False)
                if one.exchange
                else channel.default_exchange
            )
            await exchange.publish(_message(one), one.key, timeout=20)


def _message(one: Spoiled) -> aio_pika.Message:
    if one.message_id is None:
        return aio_pika.Message(one.body)
    return aio_pika.Message(
        one.body,
        message_id=one.message_id,
        content_type=CONTENT_TYPE,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def spoiled(seed: int, archive: Sequence[bytes], large: int = 1_000_000) -> tuple[Spoiled, ...]:
    """One message of each kind, and what the archive has that can come again.

    Pure: the same seed and archive give the same messages. `large` is the size, in bytes, of the
    message that is too large to be anything sensible.
    """
    rng = random.Random(seed)  # noqa: S311  no secret
    unreadable = [
        _unreadable("undecodable", rng.randbytes(200) + b"\xff", rng),
        _unreadable("wrong-schema", _event_without(rng), rng),
        _unreadable("unknown-version", _of_version(9), rng),
        _unreadable("too-large", b'{"data": "' + b"x" * large + b'"}', rng),
        _unreadable("empty", b"", rng),
        _unreadable("no-properties", rng.randbytes(20) + b"\xff", rng, bare=True),
    ]
    return (*unreadable, *_again(rng, [_parsed(body) for body in archive]))


def _unreadable(kind: str, body: bytes, rng: random.Random, *, bare: bool = False) -> Spoiled:
    queue = rng.choice(CONSUMERS)
    is_direct = rng.random() < 0.5
    key = queue.name if is_direct else rng.choice(queue.bindings)
    message_id = None if bare else f"chaos-{kind}-{rng.getrandbits(40):010x}"
    exchange = "" if is_direct else topology.EXCHANGE
    return Spoiled(kind, body, exchange, key, queue.name, "parked", message_id)


def _event_without(rng: random.Random) -> bytes:
    """An event of ours in which fields are missing."""
    event = {"specversion": "1.0", "type": "carillon.article.discovered.v1", "id": "chaos"}
    return json.dumps({**event, "data": {"topic": "t", "n": rng.random()}}).encode()


def _of_version(number: int) -> bytes:
    return json.dumps(
        {"specversion": "1.0", "type": f"carillon.article.discovered.v{number}"}
    ).encode()


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(body)
    except ValueError:
        return None
    is_event = isinstance(event, dict) and isinstance(event.get("data"), dict)
    return event if is_event and "id" in event else None


def _again(rng: random.Random, events: Sequence[dict[str, Any] | None]) -> list[Spoiled]:
    """Events under their own ids, with and without properties; misplaced; and older ones."""
    found: list[Spoiled] = []
    for queue in CONSUMERS:
        ours = [one for one in events if one is not None and _key(one) in queue.bindings]
        if not ours:
            continue
        found.append(_repeated("duplicate", rng.choice(ours), queue, has_id=True))
        found.append(
            _repeated("duplicate-without-properties", rng.choice(ours), queue, has_id=False)
        )
        wrong = next(other for other in CONSUMERS if other is not queue)
        found.append(_misplaced(rng.choice(ours), wrong, rng))
        revised = [one for one in ours if one["data"].get("revision", 0) > 1]
        if revised:
            found.append(_older(rng.choice(revised), queue, rng))
    return found


def _key(event: dict[str, Any]) -> str:
    return ".".join(str(event.get("type", "")).split(".")[1:3])


def _repeated(kind: str, event: dict[str, Any], queue: ConsumerQueue, *, has_id: bool) -> Spoiled:
    body, name = json.dumps(event).encode(), event["id"] if has_id else None
    return Spoiled(kind, body, "", queue.name, queue.name, "no effect", name)


def _misplaced(event: dict[str, Any], queue: ConsumerQueue, rng: random.Random) -> Spoiled:
    name = f"chaos-misplaced-{rng.getrandbits(40):010x}"
    return Spoiled(
        "misplaced", json.dumps(event).encode(), "", queue.name, queue.name, "parked", name
    )


def _older(event: dict[str, Any], queue: ConsumerQueue, rng: random.Random) -> Spoiled:
    """The article as it never was, under a new id and an older revision: nobody may believe it."""
    name = f"chaos-older-{rng.getrandbits(40):010x}"
    data = json.loads(json.dumps(event["data"]))
    data["revision"] -= 1
    data["article"]["title"] = "An older title that must not be shown"
    body = json.dumps({**event, "id": name[:36], "data": data}).encode()
    return Spoiled("older-revision", body, "", queue.name, queue.name, "no effect", name[:36])
