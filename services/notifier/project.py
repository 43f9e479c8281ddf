"""What the notifier remembers of an article: its latest revision, and since when it is what it is.

Pure. Events may come late, twice, or in any order; the result is the same.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.article import Status
from shared.events import Classified


@dataclass(frozen=True)
class Known:
    """An article of a topic as projected.

    `discovered_at` is the poller's time and `first_seen_at` ours. `status_changed_at` is `None`
    while the status is the one it came with. `classified_at` is the time of the event.
    """

    entry: Classified
    discovered_at: datetime
    first_seen_at: datetime
    classified_at: datetime
    backfill: bool = False
    status_changed_at: datetime | None = None

    @property
    def pmid(self) -> int:
        """The article's PubMed id."""
        return self.entry.article.pmid

    @property
    def status(self) -> Status:
        """What the paper is now."""
        return self.entry.article.status


def project(known: Known | None, entry: Classified, at: datetime, now: datetime) -> Known:
    """The article after an event of time `at`, received at `now`.

    Nothing is discovered later than it is received: a poller whose clock was ahead would
    otherwise hold an article back until that time comes.

    An older revision never overwrites a newer one; of two classifications of one revision the
    later counts. What was backfill stays backfill.
    """
    discovered_at = min(entry.discovered_at, now)
    if known is None:
        return Known(
            entry=entry,
            discovered_at=discovered_at,
            first_seen_at=now,
            classified_at=at,
            backfill=entry.backfill,
            status_changed_at=at if entry.previous_status != entry.article.status else None,
        )
    is_newer = (entry.revision, at) > (known.entry.revision, known.classified_at)
    changed = is_newer and entry.article.status != known.status
    return Known(
        entry=entry if is_newer else known.entry,
        discovered_at=min(known.discovered_at, discovered_at),
        first_seen_at=known.first_seen_at,
        classified_at=at if is_newer else known.classified_at,
        backfill=known.backfill or entry.backfill,
        status_changed_at=at if changed else known.status_changed_at,
    )
