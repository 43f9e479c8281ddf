"""The NCBI stand-in without a socket: its answers to a whole poll, kept to be damaged."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import httpx

from services.ncbi_sim.app import create_app
from services.ncbi_sim.generate import DAY_ZERO, SEED, Generated, generated
from services.poller.ask import ask
from services.poller.eutils import Access, Client, Conduct, Eutils, Patience, Timing
from services.poller.eutils.limit import Limiter
from services.poller.legs import plans
from tests.fuzz.scenes import Scene, scene_of, topic_of
from tests.unit.poller.fakes import BASE, no_sleep

DAYS = 3
NOW = datetime.combine(DAY_ZERO, time(5, tzinfo=UTC)) + timedelta(days=DAYS)
PUBMED: Generated = generated(seed=5, articles=60, days=DAYS)
WANTED = frozenset(pmid for pmid, one in PUBMED.truth.items() if one.relations != {"cites-tracked"})
"""What a topic without that relation must find."""


@dataclass
class Standin:
    """Its answers are kept, as its day never changes; the nth of a poll is given damaged."""

    kept: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    order: list[tuple[str, bytes]] = field(default_factory=list)
    damaged: dict[tuple[str, bytes], bytes] = field(default_factory=dict)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        key = (request.url.path, await request.aread())
        if key not in self.kept:
            self.kept[key] = await self._healthy(request)
        self.order.append(key)
        return httpx.Response(200, content=self.damaged.get(key, self.kept[key]))

    async def _healthy(self, request: httpx.Request) -> bytes:
        app = create_app(PUBMED.catalogue, now=lambda: NOW, rate_limit=False)
        answer = await httpx.ASGITransport(app=app).handle_async_request(request)
        return await answer.aread()

    def eutils(self) -> Eutils:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        timing = Timing(monotonic=lambda: 0.0, sleep=no_sleep, chance=lambda: 0.5)
        conduct = Conduct(Limiter(3, timing=timing), Patience(attempts=2), timing)
        return Eutils(Client(http, Access(BASE), conduct))


async def from_standin() -> list[Scene]:
    """A scene for each answer that a poll needs: searches, links and records."""
    standin = Standin()
    eutils, topic = standin.eutils(), topic_of(SEED)
    for plan in plans(topic):
        asked = await ask(eutils, topic, plan, None, NOW)
        await eutils.fetch(sorted(asked.reasons)[:20])
    await eutils.aclose()
    named = (scene_of(f"stand-in {path}", body) for (path, _), body in standin.kept.items())
    return [scene for scene in named if scene]
