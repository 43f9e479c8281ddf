"""What an archive tells an audit; read through once, and again for what was discarded."""

from collections.abc import AsyncIterator

from services.console.archive.recorded import Read
from services.console.audit.facts import Archived, Key, Sent
from services.console.audit.stores import ABOUT_ONE, key_of
from services.console.keeping.on_the_way import event_of
from shared.events import (
    ArticleClassified,
    CloudEvent,
    DigestDelivered,
    ParkedResolved,
)


async def hear(read: Read) -> Archived:
    """What it says of articles and digests. What a replay brought says nothing of what is live.

    Raises what reading raises.
    """
    told: dict[Key, int] = {}
    sent: list[Sent] = []
    resolved: dict[str, str] = {}
    first = None
    async for entry in read():
        first = first or entry.published_at
        if entry.marks is not None or entry.routing_key.startswith(("article.cl", "poll.")):
            continue
        event = event_of(entry)
        if isinstance(event, ABOUT_ONE):
            key = key_of(event)
            told[key] = max(told.get(key, 0), event.data.revision)
        elif isinstance(event, DigestDelivered):
            data = event.data
            sent.append(Sent(data.digest_id, data.subscription_id, data.pmids, event.time))
        elif isinstance(event, ParkedResolved) and event.data.resolution != "redriven":
            resolved |= dict.fromkeys(event.data.messages, event.data.consumer)
    dropped = [one async for one in _articles(read, resolved)] if resolved else []
    return Archived(first, told, sent, frozenset(dropped))


async def _articles(read: Read, resolved: dict[str, str]) -> AsyncIterator[tuple[str, Key]]:
    async for entry in read():
        if entry.event_id in resolved and entry.marks is None:
            event: CloudEvent | None = event_of(entry)
            if isinstance(event, ABOUT_ONE):
                of_classifier = not isinstance(event, ArticleClassified)
                if of_classifier == (resolved[entry.event_id] == "classifier"):
                    yield resolved[entry.event_id], key_of(event)
