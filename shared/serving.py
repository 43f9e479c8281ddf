"""An ASGI application served beside a service's other work, until the block ends."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn

from shared.errors import ConfigurationError

Asgi = Callable[..., Awaitable[None]]


class _Server(uvicorn.Server):
    """Leaves the signals to the service, which stops the server when it has stopped."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(application: Asgi, host: str, port: int, **more: Any) -> AsyncIterator[str]:
    """Answer on `port` of `host` (0: a free one) while the block runs; gives the root's URL.

    `more` is for uvicorn's `Config`. Who is a trusted proxy, the application decides.

    Raises:
        ConfigurationError: the port is taken, or is not ours to listen on.
    """
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        **more,
    )
    server = _Server(config)
    # The socket listens before the server runs: who connects meanwhile waits in its backlog.
    with _listening(host, port) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            with suppress(asyncio.CancelledError):
                await task


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"nothing can be served on port {port} of {host} ({os.strerror(error.errno or 0)}): "
            "end what listens there, or set another one "
            "(NOTIFIER_WEB_PORT is the pages', ..._PORT a service's probes')"
        ) from error
