"""What a digest is.

It is stored as JSON and always rendered from what is stored, so that rendering it again gives the
same bytes. Fields that were added later have defaults, for older ones.
"""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from services.notifier.health import Drift, Trouble
from services.notifier.item import Item, Quote
from services.notifier.standing import NoticeKind
from shared.article import Record, Status

__all__ = [
    "Coverage", "Digest", "DigestHead", "First", "Group", "Item", "Notice", "NoticeKind", "Quote",
    "Series", "Trend", "Usual",
]  # fmt: skip


class Notice(Record):
    """A paper that this subscriber was sent, and what has happened to it since."""

    pmid: int
    title: str
    kind: NoticeKind
    notice_pmid: int | None = None
    notice_source: str | None = None
    sent_on: date


class Group(Record):
    """The items under one modality. `count` includes those that a digest had no room for."""

    modality: str
    name: str
    items: tuple[Item, ...] = ()
    count: int = 0


class Coverage(Record):
    """What was checked in the period. `counted` is PubMed's number, `stored` the ids we hold.

    `in_processing` articles were found and are not classified yet; `legs` are short lines, one
    per relation, and `healthy_since` is since when no poll left one open. `checked_from` and
    `checked_to` are `None` when no poll ran. `silent`: no poll ended, or the next one is overdue.
    `troubles` are the relations that are open, `drifts` the queries that PubMed reads otherwise
    than before.
    """

    polls: int
    healthy: bool
    healthy_since: AwareDatetime | None = None
    unhealthy_since: AwareDatetime | None = None
    silent: bool = False
    checked_from: AwareDatetime | None = None
    checked_to: AwareDatetime | None = None
    counted: int = 0
    stored: int = 0
    in_processing: int = 0
    legs: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    drifts: tuple[Drift, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing may have been missed, as far as can be told."""
        return self.healthy and not any(trouble.alarm for trouble in self.troubles)


class Usual(Record):
    """How many new articles this reader was mostly told of before: `low` to `high` a `unit`.

    Taken from the last `over` whole weeks (or months) before the digest.
    """

    low: int
    high: int
    over: int
    unit: Literal["week", "month"] = "week"


class First(Record):
    """An approach in a disease that no article of the topic was about before; names as shown."""

    pmid: int
    modality: str
    disease: str


class Series(Record):
    """How many articles of one approach there were in each month of a trend."""

    modality: str
    name: str
    counts: tuple[int, ...]


class Trend(Record):
    """The topic's articles by approach over `months` ("2026-09"), the oldest first."""

    months: tuple[str, ...]
    series: tuple[Series, ...]


class DigestHead(Record):
    """What identifies a digest. `time_zone` is an IANA name; dates are shown in it.

    `kind` is `notice` for one that is sent at once and brings notices only, `replay` for what an
    operator sends of a replay.
    `catch_up_from`: since when its reader had paused; this one makes up for the pause.
    """

    id: str
    kind: Literal["digest", "notice", "replay"] = "digest"
    topic: str
    topic_title: str
    seed: int
    subscription_id: str
    cadence: str
    period_from: AwareDatetime
    period_to: AwareDatetime
    created_at: AwareDatetime
    time_zone: str = "UTC"
    max_items: int = Field(default=50, ge=1)
    catch_up_from: AwareDatetime | None = None


class Digest(DigestHead):
    """A digest. `total` counts every new article in it, those `beyond` the room included.

    `waiting` more were news too, and are left for the next digest: a digest has an end. They were
    looked for from `news_from` on, and so they are found again from there.
    `other` holds the articles whose scope the classifier could not tell: shown, never dropped.
    `background` is no news and in none of the counts; `background_beyond` had no room.
    `notices_beyond` counts notices that a mail had no room for: none as it is stored.
    `usual`, `firsts` and `trend` set it in its surroundings, as they were when it was cut.
    """

    notices: tuple[Notice, ...] = ()
    notices_beyond: int = 0
    groups: tuple[Group, ...] = ()
    other: tuple[Item, ...] = ()
    other_count: int = 0
    beyond: tuple[Item, ...] = ()
    background: tuple[Item, ...] = ()
    background_beyond: tuple[Item, ...] = ()
    total: int = 0
    waiting: int = 0
    news_from: AwareDatetime | None = None
    withheld_retracted: int = 0
    withheld_deleted: int = 0
    usual: Usual | None = None
    firsts: tuple[First, ...] = ()
    trend: Trend | None = None
    coverage: Coverage

    @property
    def more(self) -> int:
        """How many news items there was no room for."""
        return len(self.beyond)

    @property
    def shown(self) -> tuple[Item, ...]:
        """The news shown in full, in the order of the page."""
        return (*(item for group in self.groups for item in group.items), *self.other)

    @property
    def items(self) -> tuple[Item, ...]:
        """All news, those there was no room for last."""
        return (*self.shown, *self.beyond)

    @property
    def all_background(self) -> tuple[Item, ...]:
        """All background, what there was no room for last."""
        return (*self.background, *self.background_beyond)

    @property
    def everything(self) -> tuple[Item, ...]:
        """All news, then all background."""
        return (*self.items, *self.all_background)

    @property
    def told(self) -> dict[int, Status]:
        """PMID and status of every article that this digest tells its reader of.

        A preprint that is named with its journal version is told too: it never comes by itself.
        """
        told = {item.pmid: item.status for item in self.everything}
        for tie in (tie for item in self.everything for tie in item.ties if tie.folded):
            told.setdefault(tie.pmid, tie.status)
        return told
