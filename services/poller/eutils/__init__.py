"""NCBI's E-utilities: asked politely, and believed only after reading the answer."""

from collections.abc import Sequence
from datetime import timedelta

from services.poller.eutils.answers import Verdict
from services.poller.eutils.budget import Budget
from services.poller.eutils.client import (
    BASE_URL,
    Access,
    Answered,
    Client,
    Conduct,
    make_http,
    unheard,
)
from services.poller.eutils.fetch import CHUNK, fetch
from services.poller.eutils.found import SearchAnswer
from services.poller.eutils.history import History, fetch_history, post
from services.poller.eutils.limit import Limiter, limiter_for
from services.poller.eutils.link import cited_by, references, similar
from services.poller.eutils.retry import Patience, Timing
from services.poller.eutils.search import DateType, Doubt, count, has_errors, search
from services.poller.eutils.summary import Summary, exists, summaries
from services.poller.eutils.window import Window
from shared.under_replay import UnderReplay

UNDER_REPLAY = UnderReplay.LIVE_ONLY
"""NCBI is asked by polls and by nobody who handles events."""

__all__ = [
    "BASE_URL", "CHUNK", "Access", "Client", "Conduct", "DateType", "Eutils", "History",
    "Limiter", "Patience", "SearchAnswer", "Summary", "Timing", "Verdict", "Window", "make_eutils",
]  # fmt: skip


class Eutils:
    """The E-utilities that a poll needs. All raise what `Client.ask` raises."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def base_url(self) -> str:
        """Which E-utilities these are."""
        return self._client.access.base_url

    def for_poll(self, limit: timedelta) -> "Eutils":
        """The same for one poll: every call has ended when `limit` from now is over.

        A utility that failed several times in a row is not asked again in that poll. Both raise
        Retryable. The connections are shared: close the original, not this.
        """
        return Eutils(self._client.within(Budget(limit, self._client.conduct.timing.monotonic)))

    async def search(
        self, term: str, window: Window, datetype: DateType, doubt: Doubt = has_errors
    ) -> SearchAnswer:
        """See `search.search`."""
        return await search(self._client, term, window, datetype, doubt=doubt)

    async def count(self, term: str) -> int:
        """See `search.count`."""
        return await count(self._client, term)

    async def similar(self, pmid: int) -> list[tuple[int, int | None]]:
        """See `link.similar`."""
        return await similar(self._client, pmid)

    async def cited_by(self, pmids: Sequence[int]) -> dict[int, tuple[int, ...]]:
        """See `link.cited_by`."""
        return await cited_by(self._client, pmids)

    async def references(self, pmid: int) -> tuple[int, ...]:
        """See `link.references`."""
        return await references(self._client, pmid)

    async def fetch(self, pmids: Sequence[int]) -> bytes:
        """See `fetch.fetch`."""
        return await fetch(self._client, pmids)

    async def post(self, pmids: Sequence[int]) -> History:
        """See `history.post`."""
        return await post(self._client, pmids)

    async def fetch_history(self, history: History, start: int, count: int) -> bytes:
        """See `history.fetch_history`."""
        return await fetch_history(self._client, history, start, count)

    async def summaries(self, pmids: Sequence[int]) -> dict[int, Summary]:
        """See `summary.summaries`."""
        return await summaries(self._client, pmids)

    async def exists(self, pmid: int) -> bool:
        """See `summary.exists`."""
        return await exists(self._client, pmid)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def make_eutils(
    access: Access,
    patience: Patience | None = None,
    timing: Timing | None = None,
    limiter: Limiter | None = None,
    answered: Answered | None = None,
) -> Eutils:
    """E-utilities over a new HTTP client. Close it with `aclose`.

    Without a `limiter` the limit is kept for this process alone. `answered` is told the utility
    and the verdict of every answer.
    """
    timing = timing or Timing()
    conduct = Conduct(
        limiter or limiter_for(access.api_key, timing=timing),
        patience or Patience(),
        timing,
        answered or unheard,
    )
    return Eutils(Client(make_http(), access, conduct))
