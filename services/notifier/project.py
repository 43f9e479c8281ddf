"""What the notifier remembers of an article: its latest revision, and since when it is what it is.

Pure. Events may come late, twice, or in any order; the result is the same.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from services.notifier.match import OUTSIDE, Features
from shared.article import Article, Status
from shared.events import Classified

_CLASSIFIED = ("title", "abstract", "mesh", "keywords", "publication_types")
"""What of an article its labels are taken from."""


@dataclass(frozen=True)
class Known:
    """An article of a topic as projected.

    `discovered_at` is the poller's time and `first_seen_at` ours. `status_changed_at` is `None`
    while the status is the one it came with. `classified_at` is the time of the event.
    `relevant_since` is our time of the last revision whose new text brought it into scope, or
    brought it a label that it had not: an abstract often comes weeks after the title.
    """

    entry: Classified
    discovered_at: datetime
    first_seen_at: datetime
    classified_at: datetime
    backfill: bool = False
    status_changed_at: datetime | None = None
    relevant_since: datetime | None = None

    @cached_property
    def features(self) -> Features:
        """As filters look at it."""
        return Features(self.entry)

    @property
    def pmid(self) -> int:
        """The article's PubMed id."""
        return self.entry.article.pmid

    @property
    def status(self) -> Status:
        """What the paper is now."""
        return self.entry.article.status

    @property
    def is_new_since(self) -> datetime:
        """When it was discovered, or became relevant later."""
        return max(self.discovered_at, self.relevant_since or self.discovered_at)


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
        relevant_since=now if became_relevant(known.entry, entry) else known.relevant_since,
    )


def became_relevant(before: Classified, after: Classified) -> bool:
    """Whether a later revision's text brought an article into scope, or in scope a first label.

    Other rules for the same text do not: a new taxonomy brings no flood of old papers.
    """
    if after.revision <= before.revision or after.classification.scope in OUTSIDE:
        return False
    if _text(after.article) == _text(before.article):
        return False
    return before.classification.scope in OUTSIDE or bool(_labels(after) - _labels(before))


def _text(article: Article) -> tuple[object, ...]:
    return tuple(getattr(article, name) for name in _CLASSIFIED)


def _labels(entry: Classified) -> set[tuple[str, str]]:
    return {(label.facet, label.id) for label in entry.classification.labels}
