"""A past for comparisons: events as an archive has them, and taxonomies with a change planted."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from services.classifier.classify import classify
from services.classifier.handlers import classified
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import Taxonomy, load_taxonomy
from services.console.archive.recorded import Read, Recorded, envelop
from services.console.diff.run import Asked, Comparison, run
from services.console.diff.sides import Side, by_rules
from services.console.diff.spool import Spool
from services.console.replay.selection import Selection
from services.notifier.subscription import Filters, Subscription
from shared.article import AbstractSection, Article
from shared.events import ArticleDiscovered, ArticleRevised, CloudEvent, Discovery, event_id
from tests.builders import NOON, a_discovery

SHIPPED = load_taxonomy(TAXONOMY)
TEXTS = (
    "CD19 CAR-T cells in patients with systemic lupus erythematosus.",
    "Chimeric autoantibody receptor T cells for pemphigus vulgaris.",
    "CAR-Treg cells in a mouse model of type 1 diabetes.",
    "CAR-NK cells for myasthenia gravis: a review.",
    "BCMA CAR-T cells in refractory myasthenia gravis.",
    "Conditional autoregressive models of disease maps.",
    "CD19 CAR-T cells for pemphigus after rituximab.",
)
"""One article each, told in our own words."""


def an_article(number: int) -> Article:
    text = TEXTS[number % len(TEXTS)]
    return Article(pmid=50000000 + number, title=text, abstract=(AbstractSection(text=text),))


def at(number: float) -> datetime:
    """Hours after noon."""
    return NOON + timedelta(hours=number)


def found(number: int, **overrides: Any) -> ArticleDiscovered:
    """The discovery of an article, an hour after the one before."""
    data = a_discovery(**{"article": an_article(number), "discovered_at": at(number), **overrides})
    return discovery(data, at(number))


def discovery(data: Discovery, now: datetime) -> ArticleDiscovered:
    source = f"urn:carillon:poller:{data.topic}"
    identity = event_id(source, "article.discovered", data.article.pmid, data.revision)
    return ArticleDiscovered(
        id=identity, source=source, subject=str(data.article.pmid), time=now, data=data
    )


def with_result(
    cause: ArticleDiscovered | ArticleRevised, taxonomy: Taxonomy = SHIPPED
) -> list[CloudEvent]:
    """A discovery or revision and what the classifier said of it then."""
    return [cause, classified(cause, classify(cause.data.article, taxonomy), cause.time)]


def entries(events: Iterable[CloudEvent]) -> list[Recorded]:
    """As an archive has them, one after the other."""
    return [envelop(n, event.encode()) for n, event in enumerate(events, 1)]


def a_past(articles: int = len(TEXTS), taxonomy: Taxonomy = SHIPPED) -> list[Recorded]:
    return entries(event for n in range(articles) for event in with_result(found(n), taxonomy))


def reading(past: Sequence[Recorded]) -> Read:
    async def read() -> AsyncIterator[Recorded]:
        for entry in past:
            yield entry

    return read


def without(name: str) -> Taxonomy:
    """The shipped taxonomy with a label that nothing carries any more."""
    silent: dict[str, tuple[str, ...]] = {"strong": (), "patterns": (), "weak": (), "mesh": ()}
    whole = load_taxonomy(TAXONOMY)
    labels = [one.model_copy(update=silent) if one.id == name else one for one in whole.labels]
    return whole.model_copy(update={"labels": tuple(labels)})


def a_reader(name: str = "reader", **overrides: Any) -> Subscription:
    return Subscription(
        **{
            "id": name,
            "topic": "car-autoimmune",
            "address": SecretStr(f"{name}@example.org"),
            "cadence": "daily",
            "created_at": NOON,
            "confirmed_at": NOON,
            "filters": Filters(),
            **overrides,
        }
    )


async def compared(
    past: Sequence[Recorded],
    spool: Spool,
    new: Taxonomy = SHIPPED,
    *,
    old: Side | None = None,
    selection: Selection | None = None,
    readers: Sequence[Subscription] = (),
) -> Comparison:
    asked = Asked(selection or Selection(), old, by_rules(new), lambda _: readers)
    return await run(reading(past), asked, spool)
