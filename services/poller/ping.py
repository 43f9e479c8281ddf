"""A dead-man's switch: somebody else's clock rings when the poller falls silent.

The convention is that of healthchecks.io: a request to the URL says "alive and well", one to
`URL/fail` rings at once (https://healthchecks.io/docs/http_api/).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
import structlog

from shared.events import Poll
from shared.under_replay import UnderReplay

log = structlog.get_logger(__name__)

UNDER_REPLAY = UnderReplay.LIVE_ONLY

SECONDS = 10.0


@dataclass
class DeadMan:
    """Pings `url` after polls, as far as all topics are well.

    A poll that was not complete sends nothing: the other side's grace decides how long that may
    last. An alarm rings at once. What goes wrong here is logged, and stops no poll.
    """

    url: str | None = field(repr=False)
    http: httpx.AsyncClient
    _ill: dict[str, bool] = field(default_factory=dict)
    """Topics whose last poll was not complete, and whether that is an alarm."""

    async def polled(self, polls: Sequence[Poll]) -> None:
        """Tell of the polls that have just ended, if there is anybody to tell."""
        for poll in polls:
            self._ill.pop(poll.topic, None)
            if not poll.healthy:
                self._ill[poll.topic] = any(leg.alarm for leg in poll.legs)
        if self.url and polls:
            await self._tell(self.url.rstrip("/"))

    async def _tell(self, url: str) -> None:
        if any(self._ill.values()):
            await self._get(f"{url}/fail")
        elif not self._ill:
            await self._get(url)

    async def _get(self, url: str) -> None:
        # The URL is a secret: who knows it can silence the switch.
        try:
            answer = await self.http.get(url, timeout=SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("ping_failed", reason=type(error).__name__)
        else:
            if answer.status_code >= 400:
                log.warning("ping_failed", reason=f"HTTP {answer.status_code}")
