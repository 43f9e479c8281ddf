"""What an archive says was sent after a backup was made."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from services.console.archive.recorded import Recorded
from services.console.keeping.on_the_way import event_of
from services.notifier.evidence import Accepted
from shared.article import Status
from shared.events import ArticleClassified, DigestDelivered

SKEW = timedelta(days=1)
"""So far before the backup it is looked as well: what is on record already does no harm."""


async def sent_since(entries: AsyncIterator[Recorded], taken_at: datetime) -> list[Accepted]:
    """The digests that were accepted after that, and what had become of their papers by then."""
    found: list[Accepted] = []
    standing: dict[tuple[str, int], str] = {}
    async for entry in entries:
        if entry.marks is not None or not entry.routing_key.startswith(("digest.", "article.cl")):
            continue
        event = event_of(entry)
        if isinstance(event, ArticleClassified):
            article = event.data.article
            if article.status is not Status.PUBLISHED:
                standing[event.data.topic, article.pmid] = article.status.value
        elif isinstance(event, DigestDelivered) and event.time > taken_at - SKEW:
            sent = event.data
            statuses = {
                pmid: standing[sent.topic, pmid]
                for pmid in (*sent.pmids, *sent.notices)
                if (sent.topic, pmid) in standing
            }
            found.append(Accepted(sent, event.time, statuses))
    return found
