"""What the archive keeps of an article to find it by, and of an event to tell its history by.

Pure: the same article gives the same card. `INDEX_VERSION` is raised when it would give another;
what was kept by an earlier version is then written again (`archive.waiting`).
"""

import zlib
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import date, datetime

from services.notifier.archive.fold import joined
from services.notifier.item import clean
from services.notifier.project import Known
from shared.article import Article, PartialDate, Record, Status
from shared.events import Classified, Facet, Label, Reason

INDEX_VERSION = 1

_LONGEST_JOURNAL = 255


@dataclass(frozen=True)
class Card:
    """An article as the archive counts and sorts it.

    `month` ("2026-09", or "2026" when no month is known) is when it first appeared, `entered` the
    day PubMed had it, `found` the day we did. `relations` are why it is here, by blanks.
    """

    pmid: int
    revision: int
    status: str
    scope: str
    journal: str
    month: str
    entered: date
    found: date
    preprint: bool
    background: bool
    relations: str
    relatedness: float


def card(known: Known) -> Card:
    """The card of an article as it is now."""
    entry, article = known.entry, known.entry.article
    journal = clean(article.journal.abbreviation or article.journal.title)
    return Card(
        pmid=article.pmid,
        revision=entry.revision,
        status=article.status.value,
        scope=entry.classification.scope,
        journal=journal[:_LONGEST_JOURNAL],
        month=month(known),
        entered=entered(known).date(),
        found=known.discovered_at.date(),
        preprint=article.is_preprint,
        background=known.backfill,
        relations=" ".join(dict.fromkeys(reason.relation for reason in entry.reasons)),
        relatedness=entry.relatedness,
    )


def stamp(one: Card, labels: tuple[Label, ...]) -> int:
    """A checksum of what is counted: the sum over a topic tells whether any of it has changed."""
    named = [(label.facet, label.id, label.name) for label in labels]
    return zlib.crc32(repr((astuple(one), named)).encode())


def entered(known: Known) -> datetime:
    """When PubMed had it; when we did, where it does not say."""
    return known.entry.article.entered_at or known.discovered_at


def month(known: Known) -> str:
    """The month in which it first appeared: online, in its issue, or else in PubMed.

    An issue is often dated ahead, so the version online goes first. Of what PubMed dates to a year
    only, its entry tells the month if it is of that year.
    """
    article, day = known.entry.article, entered(known)
    dates = [one for one in (article.electronic, article.published) if one and _is_year(one.year)]
    for one in dates:
        if one.month and 1 <= one.month <= 12:
            return _month(one)
    if not dates or dates[0].year == day.year:
        return f"{day:%Y-%m}"
    return f"{dates[0].year:04d}"


def _is_year(year: int | None) -> bool:
    """A slip of the pen in a record must not keep it out of the archive."""
    return year is not None and 1000 <= year <= 9999


def _month(one: PartialDate) -> str:
    return f"{one.year:04d}-{one.month:02d}"


def words(article: Article) -> str:
    """The text that is searched."""
    return joined(_texts(article))


def _texts(article: Article) -> Iterator[str]:
    yield article.title
    yield from (section.text for section in article.abstract)
    yield from article.keywords
    for author in article.authors:
        names = (author.fore_name, author.last_name, author.initials)
        yield author.collective_name or " ".join(filter(None, names))
    yield article.journal.title
    yield article.journal.abbreviation or ""
    yield str(article.pmid)
    yield article.doi or ""
    yield article.pmcid or ""
    yield from article.trial_ids


class Given(Record):
    """A label as a revision had it."""

    facet: Facet
    id: str
    name: str
    confidence: float


class Told(Record):
    """What one event said of an article.

    `changed` are the fields that it says differ from before, empty for the first one.
    """

    changed: tuple[str, ...] = ()
    scope: str
    labels: tuple[Given, ...] = ()
    reasons: tuple[Reason, ...] = ()
    previous_status: Status = Status.PUBLISHED
    taxonomy_version: str
    classifier_version: str


def told(entry: Classified) -> Told:
    """An event's part in the history of its article."""
    found = entry.classification
    return Told(
        changed=entry.changed,
        scope=found.scope,
        labels=tuple(
            Given(facet=one.facet, id=one.id, name=one.name, confidence=one.confidence)
            for one in found.labels
        ),
        reasons=entry.reasons,
        previous_status=entry.previous_status,
        taxonomy_version=found.taxonomy_version,
        classifier_version=found.classifier_version,
    )
