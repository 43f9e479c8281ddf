"""Which records of a file are a topic's, and why. Pure, and the same in every process.

A record is taken for a query that it answers, because it cites the seed, because the seed cites
it, or because the topic knows it already. `similar` and `cites-tracked` are left to polls: the
first only NCBI can tell, and the second asks for citations of articles in all files at once.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from html import unescape

from services.poller.ingest.document import document_of, loose_document
from services.poller.parse import Refused
from services.poller.topic import Topic
from shared.article import Article
from shared.errors import ConfigurationError
from shared.events import Reason
from shared.pubmed_query.document import Document
from shared.pubmed_query.matches import Test, compile_query, read_query

_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Criteria:
    """What a worker process needs to know of a topic.

    `cited` are the PMIDs that the seed cites, empty where that is not asked; `known` are those
    that the topic knows or waits for; `today` is the day on which "last 7 days" end.
    """

    seed: int
    queries: tuple[tuple[str, str], ...]
    cited_by: bool
    cited: frozenset[int]
    known: frozenset[int]
    today: date


def criteria_of(topic: Topic, today: date) -> Criteria:
    """The criteria of a topic that knows nothing yet.

    Raises:
        ConfigurationError: a query cannot be used without PubMed; the message names it.
    """
    for query in topic.query:
        try:
            read_query(query.term)
        except ConfigurationError as fault:
            raise ConfigurationError(f"topic {topic.id}: {query.name}: {fault}") from fault
    return Criteria(
        seed=topic.seed,
        queries=tuple((query.name, query.term) for query in topic.query),
        cited_by=topic.cited_by,
        cited=frozenset(),
        known=frozenset(),
        today=today,
    )


def definition_of(topic: Topic) -> str:
    """What a file is filtered by (SHA-256); another definition makes it worth reading again."""
    parts = (
        topic.seed,
        [(query.name, query.term) for query in topic.query],
        topic.cited_by,
        topic.references,
    )
    return sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Sieve:
    """The criteria, made ready for many records."""

    criteria: Criteria

    @cached_property
    def _tests(self) -> tuple[tuple[Reason, Test], ...]:
        return tuple(
            (Reason(relation="query", name=name), compile_query(read_query(term), today))
            for today in (self.criteria.today,)
            for name, term in self.criteria.queries
        )

    def takes(self, article: Article) -> tuple[Reason, ...] | None:
        """The reasons for which a record is taken; none for one that is only known.

        None when it is not the topic's. The seed itself is never announced.
        """
        if article.pmid == self.criteria.seed:
            return None
        cites = self.criteria.seed in article.references
        reasons = tuple(self._reasons(article.pmid, document_of(article), cites=cites))
        return reasons if reasons or article.pmid in self.criteria.known else None

    def doubts(self, record: Refused) -> tuple[Reason, ...] | None:
        """The same of a record that was not understood: its words and numbers are all there is.

        One too many is parked rather than one lost.
        """
        if record.pmid == self.criteria.seed:
            return None
        text = unescape(_TAG.sub(" ", record.raw.decode(errors="replace")))
        document = loose_document(text, record.pmid)
        cites = str(self.criteria.seed) in document.words("more")
        reasons = tuple(self._reasons(record.pmid, document, cites=cites))
        return reasons if reasons or record.pmid in self.criteria.known else None

    def _reasons(self, pmid: int | None, document: Document, *, cites: bool) -> Iterator[Reason]:
        for reason, test in self._tests:
            if test(document):
                yield reason
        if cites and self.criteria.cited_by:
            yield Reason(relation="cited-by")
        if pmid in self.criteria.cited:
            yield Reason(relation="references")
