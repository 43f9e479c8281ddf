"""Leaks as they are made in life, planted around a service's handler: the soak must find them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import ModuleType
from typing import Any

from faststream.rabbit import RabbitBroker

from shared.placing import Handle

KEPT = 65_536
"""Bytes of each message's worth that the list keeps: a record with its pages, say."""

Leak = Callable[[bytes], Awaitable[None]]


def plant(app: ModuleType, names: Sequence[str]) -> None:
    """Let the handler that `app` makes leak, at every message, in each of these ways."""
    made: list[RabbitBroker] = []
    make_broker, handler = app.make_broker, app.handler

    def seen(url: str) -> RabbitBroker:
        made.append(make_broker(url))
        return made[-1]

    def leaky(*parts: Any, **named: Any) -> Handle:
        leaks = [_LEAKS[name](made) for name in names]
        return _leaking(handler(*parts, **named), leaks)

    app.make_broker, app.handler = seen, leaky  # type: ignore[attr-defined]


def _leaking(handle: Handle, leaks: Sequence[Leak]) -> Handle:
    async def leaking(body: bytes) -> None:
        for leak in leaks:
            await leak(body)
        await handle(body)

    return leaking


def _list(_made: Sequence[RabbitBroker]) -> Leak:
    kept: list[bytes] = []

    async def keep(body: bytes) -> None:
        kept.append((body * (KEPT // len(body) + 1))[:KEPT])

    return keep


def _task(_made: Sequence[RabbitBroker]) -> Leak:
    waiting: list[asyncio.Task[object]] = []

    async def wait(_body: bytes) -> None:
        waiting.append(asyncio.create_task(asyncio.Event().wait()))

    return wait


def _channel(made: Sequence[RabbitBroker]) -> Leak:
    """One in ten messages: the broker takes 2047 channels of a connection."""
    opened: list[object] = []
    count = 0

    async def open_one(_body: bytes) -> None:
        nonlocal count
        count += 1
        if count % 10 == 0:
            connection = await made[0].connect()
            opened.append(await connection.channel())

    return open_one


def _file(_made: Sequence[RabbitBroker]) -> Leak:
    opened: list[object] = []

    async def open_one(_body: bytes) -> None:
        opened.append(open("/dev/null", "rb"))  # noqa: PTH123, SIM115, ASYNC230  left open: a leak

    return open_one


_LEAKS: dict[str, Callable[[Sequence[RabbitBroker]], Leak]] = {
    "list": _list,
    "task": _task,
    "channel": _channel,
    "file": _file,
}
