"""The NCBI stand-in on a loopback port of this process, for the demo."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from services.ncbi_sim.app import create_app
from services.ncbi_sim.catalogue import Catalogue
from shared.clock import Clock


class _Server(uvicorn.Server):
    """Leaves the signals to the command."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve_standin(catalogue: Catalogue, clock: Clock) -> AsyncIterator[str]:
    """Serve a catalogue over real HTTP while the block runs; gives the E-utilities URL.

    Its request limit is off: nobody else uses it, and a demo should not take minutes.
    """
    app = create_app(catalogue, now=clock, rate_limit=False)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    server = _Server(config)
    # The socket listens before the server runs: who connects meanwhile waits in its backlog.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/entrez/eutils/"
        finally:
            server.should_exit = True
            await task
