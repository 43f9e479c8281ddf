"""The records an article has one after another: as it enters, and after each of its changes."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import count

from services.ncbi_sim.article import Article
from services.ncbi_sim.catalogue import Catalogue
from services.ncbi_sim.change import Change
from services.ncbi_sim.record import Correction, Record, Reference, citation

_REF_TYPES = {
    "retraction": ("RetractionIn", "RetractionOf"),
    "correction": ("ErratumIn", "ErratumFor"),
    "concern": ("ExpressionOfConcernIn", "ExpressionOfConcernFor"),
    "update": ("UpdateIn", "UpdateOf"),
}
_WITHDRAWN = "WITHDRAWN: "


@dataclass(frozen=True)
class Span:
    """From when on an article is this record; None from when on it is gone."""

    since: datetime
    record: Record | None


class Lives:
    """What becomes of the articles of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._articles = {article.pmid: article for article in catalogue.articles}
        self._changes: dict[int, list[Change]] = defaultdict(list)
        for change in sorted(catalogue.changes, key=lambda change: change.day):
            for pmid in dict.fromkeys(change.pmids):
                self._changes[pmid].append(change)
        self._numbers = count()

    def _day(self, number: int) -> date:
        return self._catalogue.head.day_zero + timedelta(days=number)

    def midnight(self, number: int) -> datetime:
        """The first instant of a day of the catalogue (UTC)."""
        return datetime.combine(self._day(number), time(), UTC)

    def life(self, article: Article) -> Iterator[Span]:
        """The records of an article, one after the other."""
        entered = self.midnight(article.entered_day) + _explicit_time(article)
        changes = self._changes[article.pmid]
        days = [change.day for change in changes]
        if article.cites_visible_day is not None:
            days.append(article.cites_visible_day)
        moments = {entered, *(max(entered, self.midnight(day)) for day in days)}
        for moment in sorted(moments):
            due = [c for c in changes if self.midnight(c.day) <= moment]
            if any(c.kind == "deletion" and c.pmid == article.pmid for c in due):
                yield Span(moment, None)
                return
            yield Span(moment, self._record(article, due, moment))

    def _record(self, article: Article, changes: Sequence[Change], moment: datetime) -> Record:
        own = [change for change in changes if change.pmid == article.pmid]
        newer = [change for change in own if change.kind == "update" and not change.notice_pmid]
        changed = _changed(article, own)
        types = list(changed.publication_types)
        if any(change.kind == "retraction" for change in own):
            types.append("Retracted Publication")
        return Record(
            number=next(self._numbers),
            article=changed,
            notice=self._catalogue.head.notice,
            version=article.version + len(newer),
            created_at=self.midnight(article.entered_day) + entry_time(article),
            revised_on=self._day(max([article.entered_day, *(change.day for change in changes)])),
            publication_types=tuple(dict.fromkeys(types)),
            corrections=tuple(
                self._correction(change, article) for change in changes if change.notice_pmid
            ),
            references=self._references(article, moment),
        )

    def _references(self, article: Article, moment: datetime) -> tuple[Reference, ...]:
        visible = article.cites_visible_day
        if visible is not None and moment < self.midnight(visible):
            return ()
        return tuple(Reference(pmid, self._citation(pmid)) for pmid in self.cited(article))

    def cited(self, article: Article) -> Sequence[int]:
        """What an article cites: its own list, and what the catalogue says of the seed."""
        seed = self._catalogue.head.seed
        of_seed = self._cited_by_seed if article.pmid == seed else []
        found = [*article.cites, *((seed,) if article.cites_seed else ()), *of_seed]
        return [pmid for pmid in dict.fromkeys(found) if pmid != article.pmid]

    @cached_property
    def _cited_by_seed(self) -> list[int]:
        return [article.pmid for article in self._catalogue.articles if article.cited_by_seed]

    def _correction(self, change: Change, article: Article) -> Correction:
        to_notice, to_article = _REF_TYPES[change.kind]
        if article.pmid == change.pmid and change.notice_pmid is not None:
            return Correction(to_notice, self._citation(change.notice_pmid), change.notice_pmid)
        return Correction(to_article, self._citation(change.pmid), change.pmid)

    def _citation(self, pmid: int) -> str:
        article = self._articles.get(pmid)
        return citation(article) if article else f"PMID {pmid}."


def _changed(article: Article, changes: Sequence[Change]) -> Article:
    content = {name: value for change in changes for name, value in change.content.items()}
    if any(change.kind == "withdrawal" for change in changes):
        content["title"] = _WITHDRAWN + content.get("title", article.title)
    return article.model_copy(update=content) if content else article


def _explicit_time(article: Article) -> timedelta:
    if article.entered_time is None:
        return timedelta()
    hours, minutes = article.entered_time.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def entry_time(article: Article) -> timedelta:
    """The time of day in its entry date (CRDT): as given, or some minute, always the same one.

    Without a given time the record is there from midnight, and only searches by the hour see it.
    """
    if article.entered_time is not None:
        return _explicit_time(article)
    digest = hashlib.sha256(str(article.pmid).encode()).digest()
    return timedelta(minutes=int.from_bytes(digest[:4], "big") % (24 * 60))
