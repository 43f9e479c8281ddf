"""The NCBI stand-in on a loopback port of this process, for the demo."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.ncbi_sim.app import create_app
from services.ncbi_sim.catalogue import Catalogue
from shared.clock import Clock
from shared.serving import served


@asynccontextmanager
async def serve_standin(catalogue: Catalogue, clock: Clock) -> AsyncIterator[str]:
    """Serve a catalogue over real HTTP while the block runs; gives the E-utilities URL.

    Its request limit is off: nobody else uses it, and a demo should not take minutes.
    """
    app = create_app(catalogue, now=clock, rate_limit=False)
    async with served(app, "127.0.0.1", 0) as url:
        yield f"{url}/entrez/eutils/"
