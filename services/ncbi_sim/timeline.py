"""All times of a catalogue: a view of any instant.

What PubMed holds depends on the instant only, so a record is made once for the time between two of
its changes, and the list of all of them once for the time between any two changes.
"""

from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

from services.ncbi_sim.catalogue import Catalogue
from services.ncbi_sim.change import Change
from services.ncbi_sim.index import Index
from services.ncbi_sim.life import Lives, Span
from services.ncbi_sim.match import Corpus
from services.ncbi_sim.record import Contents, Record
from services.ncbi_sim.view import Links, View

_KEPT = 8


class Timeline:
    """A catalogue at all instants."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lives = Lives(catalogue)
        order = sorted(catalogue.articles, key=lambda a: (a.entered_day, a.pmid), reverse=True)
        self._spans = [tuple(self._lives.life(article)) for article in order]
        self._stubs = [self._stub(c) for c in catalogue.changes if c.delete_citation_days]
        stubs = {moment for _, start, end in self._stubs for moment in (start, end)}
        self._moments = sorted({span.since for life in self._spans for span in life} | stubs)
        self._kept: OrderedDict[int, Corpus] = OrderedDict()

    @cached_property
    def _index(self) -> Index:
        made = [span.record for life in self._spans for span in life if span.record is not None]
        return Index(sorted(made, key=lambda record: record.number))

    @cached_property
    def links(self) -> Links:
        """Who is linked to whom."""
        scored = [(str(a.pmid), a.similar_score) for a in self._catalogue.articles]
        similar = [(pmid, score) for pmid, score in scored if score is not None]
        citing: dict[str, list[int]] = defaultdict(list)
        for article in self._catalogue.articles:
            for pmid in self._lives.cited(article):
                citing[str(pmid)].append(article.pmid)
        return Links(
            self._catalogue.head.seed,
            sorted(similar, key=lambda link: (-link[1], -int(link[0]))),
            {pmid: sorted(others, reverse=True) for pmid, others in citing.items()},
        )

    def at(self, now: datetime) -> View:
        """What the catalogue holds at an aware instant."""
        epoch = bisect_right(self._moments, now)
        if epoch not in self._kept:
            self._kept[epoch] = Corpus(self._index, self._contents_at(now))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return View(now, self._kept[epoch], self.links, self._catalogue.queries)

    def _contents_at(self, now: datetime) -> Contents:
        alive = (_latest(life, now) for life in self._spans if life[0].since <= now)
        stubs = (pmid for pmid, start, end in self._stubs if start <= now < end)
        return Contents([record for record in alive if record is not None], frozenset(stubs))

    def _stub(self, change: Change) -> tuple[str, datetime, datetime]:
        """A PMID, and the time in which efetch answers a DeleteCitation for it."""
        start = self._lives.midnight(change.day)
        return str(change.pmid), start, start + timedelta(days=change.delete_citation_days)


def _latest(life: Sequence[Span], now: datetime) -> Record | None:
    if len(life) == 1:
        return life[0].record
    return next(span.record for span in reversed(life) if span.since <= now)
