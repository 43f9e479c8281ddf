"""An ASGI application served beside a service's other work, until the block ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn

Asgi = Callable[..., Awaitable[None]]


class _Server(uvicorn.Server):
    """Leaves the signals to the service, which stops the server when it has stopped."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(application: Asgi, host: str, port: int, **more: Any) -> AsyncIterator[None]:
    """Answer on `port` of `host` while the block runs; `more` is for uvicorn's `Config`."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        **more,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task
