"""The second opinion in the service's work: asked once for each text, and never in the way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import store
from services.classifier.opinion import joined, messages, read_opinion
from services.classifier.opinion_client import OpinionClient
from services.classifier.taxonomy import Taxonomy
from shared.article import Article, content_hash
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Permanent, Retryable
from shared.events import Classification

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """Asks about what is `unclear`, and remembers what it was told.

    The answer is kept as it came, with the hash of the article's content, also one that is not
    believed: the same text gets the same answer, and costs once. A failed request is not kept.
    """

    engine: AsyncEngine
    client: OpinionClient
    taxonomy: Taxonomy
    clock: Clock

    async def __call__(self, article: Article, found: Classification) -> Classification:
        """The rules' answer, with the opinion's labels where there is one to be believed."""
        return await self._joined(article, found, self._answer)

    async def known(self, article: Article, found: Classification) -> Classification:
        """The same with answers that were kept; nobody is asked, and nothing is kept."""
        return await self._joined(article, found, self._kept)

    async def _joined(
        self,
        article: Article,
        found: Classification,
        answer: Callable[[Article, str], Awaitable[str | None]],
    ) -> Classification:
        if found.scope != "unclear":
            return found
        model = self.client.endpoint.model
        try:
            text = await answer(article, model)
            if text is None:
                return found
            return joined(found, read_opinion(text, article, self.taxonomy, model))
        except (Retryable, Permanent) as fault:
            log.warning("no_second_opinion", pmid=article.pmid, model=model, reason=str(fault))
            return found

    async def _kept(self, article: Article, model: str) -> str | None:
        async with transaction(self.engine) as connection:
            return await store.opinion(connection, content_hash(article), model)

    async def _answer(self, article: Article, model: str) -> str:
        known = await self._kept(article, model)
        if known is not None:
            return known
        text, answer = (
            content_hash(article),
            await self.client.ask(messages(article, self.taxonomy)),
        )
        async with transaction(self.engine) as connection:
            return await store.keep_opinion(connection, text, model, answer, self.clock())
