"""How often a poll asks NCBI, for `tests.bench.footprint`: against the stand-in, an hour later."""

from collections import Counter
from datetime import timedelta
from tempfile import TemporaryDirectory

from services.console.standin import serve_standin
from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from services.poller.eutils import Access, Limiter, make_eutils
from services.poller.run import poll_due
from shared.database import make_engine
from shared.migrate import upgrade
from tests.bench.footprint_parts import NOW, TOPIC


async def requests_of_a_poll() -> list[str]:
    """A line for the first poll and for one an hour later, of the demo's topic and articles."""
    asked: Counter[str] = Counter()
    instant = [NOW]

    def answered(utility: str, _verdict: object) -> None:
        asked[utility] += 1

    told = []
    with TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite+aiosqlite:///{folder}/poller.db")
        await upgrade(engine, "poller")
        async with serve_standin(load_catalogue(PACKAGED_CATALOGUE), lambda: instant[0]) as url:
            eutils = make_eutils(Access(url), limiter=Limiter(per_second=1000), answered=answered)
            for what in ("first poll", "an hour later"):
                (poll,) = await poll_due(engine, eutils, [TOPIC], lambda: instant[0])
                parts = "  ".join(f"{name} {n}" for name, n in sorted(asked.items()))
                told.append(
                    f"{what:14}{asked.total():4d} requests of NCBI: {parts}; "
                    f"{poll.announced} announced"
                )
                asked.clear()
                instant[0] += timedelta(hours=1)
            await eutils.aclose()
        await engine.dispose()
    return told
