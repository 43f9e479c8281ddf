"""What is compared with what: two ways in which an article gets its classification."""

from collections.abc import Awaitable, Callable, Sequence

from services.classifier.classify import classify
from services.classifier.taxonomy import Taxonomy
from services.console.diff.compare import Failed
from shared.article import Article
from shared.events import Classification

Answers = Sequence[Classification | Failed]
Side = Callable[[Sequence[Article]], Awaitable[Answers]]
"""Classifies articles, in their order; one that it cannot classify is a `Failed`."""


def by_rules(taxonomy: Taxonomy) -> Side:
    """The classifier of this Carillon with a taxonomy; no second opinion is asked."""

    async def answer(articles: Sequence[Article]) -> Answers:
        return [classify(article, taxonomy) for article in articles]

    return answer
