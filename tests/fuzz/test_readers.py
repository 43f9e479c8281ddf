"""Anything at all as the answer to anything: every reader of answers says that it is none."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.poller.eutils import Eutils
from services.poller.eutils.history import History
from services.poller.eutils.window import Window
from services.poller.parse import parse_records
from shared.errors import Permanent, Retryable
from tests.fuzz.mutations import DAMAGE, Mutation, mutate
from tests.fuzz.rounds import Effort, rounds
from tests.fuzz.scenes import RECORDED
from tests.fuzz.standin import NOW, from_standin
from tests.unit.poller.fakes import make_client

pytestmark = pytest.mark.timeout(3600)

PMIDS: Sequence[int] = (31188077, 33002525)
WEEK = Window(NOW.date(), NOW.date())
READERS: dict[str, Callable[[Eutils], Awaitable[object]]] = {
    "search": lambda eutils: eutils.search("car[tiab]", WEEK, "crdt"),
    "count": lambda eutils: eutils.count("car[tiab]"),
    "similar": lambda eutils: eutils.similar(PMIDS[0]),
    "cited_by": lambda eutils: eutils.cited_by(PMIDS),
    "references": lambda eutils: eutils.references(PMIDS[0]),
    "fetch": lambda eutils: eutils.fetch(PMIDS),
    "fetch_history": lambda eutils: eutils.fetch_history(History("MCID_1", "1", len(PMIDS)), 0, 2),
    "post": lambda eutils: eutils.post(PMIDS),
    "summaries": lambda eutils: eutils.summaries(PMIDS),
    "exists": lambda eutils: eutils.exists(PMIDS[0]),
}
UTILITIES = {
    "esearch": ("search", "count"),
    "elink": ("similar", "cited_by", "references"),
    "efetch": ("fetch", "fetch_history"),
    "esummary": ("summaries", "exists"),
    "epost": ("post",),
}
STATUSES = (200, 200, 200, 400, 429, 500)


def _recorded() -> list[Path]:
    """Every answer of every utility, in every format, and the errors."""
    files = (path for path in sorted(RECORDED.rglob("*")) if path.is_file())
    return [path for path in files if not path.name.startswith("index.")]


def _questions(standin: list[bytes]) -> st.SearchStrategy[tuple[str, bytes]]:
    """A reader with an answer: half of the time with one of the utility that it asks."""
    recorded = [(path.parent.name, path.read_bytes()) for path in _recorded()]
    own = [(reader, body) for utility, body in recorded for reader in UTILITIES.get(utility, ())]
    bodies = [*standin, *(body for _, body in recorded)]
    whatever = st.tuples(st.sampled_from(sorted(READERS)), st.sampled_from(bodies))
    return st.one_of(st.sampled_from(own), whatever) if own else whatever


async def _read(reader: str, status: int, body: bytes) -> str:
    eutils = Eutils(make_client(lambda _request: httpx.Response(status, content=body)))
    try:
        with suppress(Retryable, Permanent):
            found = await READERS[reader](eutils)
            if isinstance(found, bytes):
                parse_records(found)
            return f"{reader}: read"
    finally:
        await eutils.aclose()
    return f"{reader}: refused"


def test_no_reader_raises_anything_but_the_two_faults(mutations: int) -> None:
    effort = Effort()
    with asyncio.Runner() as runner:
        standin = [scene.healthy for scene in runner.run(from_standin())]

        def holds(question: tuple[str, bytes], damage: list[Mutation], status: int) -> None:
            reader, body = question
            damaged = mutate(body, damage)
            effort.spend(lambda: runner.run(_read(reader, status, damaged)))

        examples = given(
            question=_questions(standin), damage=DAMAGE, status=st.sampled_from(STATUSES)
        )
        for one in rounds(mutations // 2):
            one(examples(holds))()
    effort.check()
