"""Records what live PubMed says around a topic, as a catalogue that the NCBI stand-in serves.

A folder: `catalogue.json`, each record as it came in `records/`, and one answer of each E-utility
as it came in `answers/`. Neither key nor address of the one who asked is in any of them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from services.console.recorded_entry import entry_of
from services.poller.eutils import CHUNK, Client, DateType, Eutils, Window
from services.poller.eutils.client import Reply
from services.poller.eutils.found import read_search
from services.poller.parse import parse_records
from services.poller.topic import Query, Topic
from shared.article import Article
from shared.errors import ConfigurationError

_RECORD = re.compile(rb"<(Pubmed(?:Book)?Article)>.*?</\1>", re.DOTALL)
_LEGS: tuple[DateType, ...] = ("crdt", "edat")


@dataclass(frozen=True)
class Wanted:
    """What to record: a topic's last `days` up to `now`, and at most `limit` records.

    The seed's comes on top of them.
    """

    topic: Topic
    now: datetime
    days: int
    limit: int | None = None

    @property
    def day_zero(self) -> date:
        """The first of the days: the recording can be lived through again from there."""
        return (self.now - timedelta(days=self.days)).date()


@dataclass(frozen=True)
class _Answered:
    """What a query found, and how PubMed reads it."""

    query: Query
    translation: str
    pmids: tuple[int, ...]


@dataclass(frozen=True)
class _Around:
    """Who is found by a topic: by its queries, and by links with its seed and with each other."""

    queries: tuple[_Answered, ...]
    similar: Mapping[int, int] = field(default_factory=dict)
    citing: tuple[int, ...] = ()
    cited: tuple[int, ...] = ()
    citing_tracked: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def pmids(self) -> Iterable[int]:
        """Everybody, those nearest to the topic first."""
        for answered in self.queries:
            yield from answered.pmids
        yield from (*self.similar, *self.citing, *self.cited, *self.citing_tracked)


@dataclass(frozen=True)
class Recording:
    """A catalogue, the records as they came by PMID, and raw answers by file name.

    `missing` are PMIDs that PubMed named and has no record of.
    """

    catalogue: Mapping[str, Any]
    records: Mapping[int, bytes]
    answers: Mapping[str, bytes]
    missing: tuple[int, ...] = ()


async def record(client: Client, wanted: Wanted) -> Recording:
    """Ask PubMed for everything about a topic.

    Raises:
        Retryable, Permanent: as `Client.ask`.
        ConfigurationError: PubMed does not know the topic's seed, or not its query.
    """
    around = await _around(client, wanted)
    named = [pmid for pmid in dict.fromkeys(around.pmids()) if pmid != wanted.topic.seed]
    pmids = [wanted.topic.seed, *islice(named, wanted.limit)]
    records = await _records(Eutils(client), pmids)
    if wanted.topic.seed not in records:
        raise ConfigurationError(
            f"PubMed has no article {wanted.topic.seed}: correct the seed of {wanted.topic.id}"
        )
    return Recording(
        _catalogue(wanted, around, records),
        records,
        await _answers(client, wanted.topic),
        tuple(pmid for pmid in pmids if pmid not in records),
    )


async def _around(client: Client, wanted: Wanted) -> _Around:
    topic, eutils = wanted.topic, Eutils(client)
    around = _Around(tuple([await _answered(client, query, wanted) for query in topic.query]))
    if topic.similar:
        near = (await eutils.similar(topic.seed))[: topic.similar.top]
        # Without scores (PubMed's scoring fails at times) the order is all there is.
        scores = {pmid: score or len(near) - rank for rank, (pmid, score) in enumerate(near)}
        around = replace(around, similar=scores)
    if topic.cited_by:
        around = replace(around, citing=(await eutils.cited_by([topic.seed]))[topic.seed])
    if topic.references:
        around = replace(around, cited=await eutils.references(topic.seed))
    if topic.cites_tracked:
        tracked = sorted({topic.seed, *around.pmids()})
        found = await _citing(eutils, tracked, topic.cites_tracked.at_least)
        around = replace(around, citing_tracked=found)
    return around


async def _answered(client: Client, query: Query, wanted: Wanted) -> _Answered:
    parameters = {
        "db": "pubmed",
        "retmode": "xml",
        "retmax": "0",
        "term": " ".join(query.term.split()),
    }
    read = await client.ask("esearch", parameters, lambda reply: read_search(reply.body))
    if read.errors:
        raise ConfigurationError(f"PubMed did not understand query {query.name!r}: {read.errors}")
    window = Window(wanted.day_zero, wanted.now.date())
    legs = [await Eutils(client).search(query.term, window, leg) for leg in _LEGS]
    pmids = dict.fromkeys(pmid for leg in legs for pmid in leg.ids)
    return _Answered(query, read.query_translation or "", tuple(pmids))


async def _citing(
    eutils: Eutils, tracked: Sequence[int], at_least: int
) -> dict[int, tuple[int, ...]]:
    """Who cites at least so many of the tracked articles, and which."""
    cites: defaultdict[int, list[int]] = defaultdict(list)
    for chunk in _chunks(tracked):
        for cited, citing in (await eutils.cited_by(chunk)).items():
            for pmid in citing:
                cites[pmid].append(cited)
    return {pmid: tuple(cited) for pmid, cited in cites.items() if len(cited) >= at_least}


async def _records(eutils: Eutils, pmids: Sequence[int]) -> dict[int, bytes]:
    """Each record as it came; one that cannot be understood is left out."""
    found: dict[int, bytes] = {}
    for chunk in _chunks(pmids):
        for raw in _RECORD.finditer(await eutils.fetch(chunk)):
            article = _read(raw[0])
            if article is not None and article.pmid in chunk:
                found[article.pmid] = raw[0]
    return found


def _read(raw: bytes) -> Article | None:
    parsed = parse_records(b"<PubmedArticleSet>" + raw + b"</PubmedArticleSet>")
    return parsed.articles[0] if parsed.articles else None


def _chunks(pmids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (pmids[start : start + CHUNK] for start in range(0, len(pmids), CHUNK))


def _catalogue(wanted: Wanted, around: _Around, records: Mapping[int, bytes]) -> dict[str, Any]:
    topic = wanted.topic
    head = {
        "id": topic.id,
        "seed": topic.seed,
        "day_zero": wanted.day_zero.isoformat(),
        "days": wanted.days,
        "notice": f"Recorded from PubMed on {wanted.now:%Y-%m-%d}.",
    }
    articles = [article for _, raw in sorted(records.items()) if (article := _read(raw))]
    entries = [_entry(wanted, around, article) for article in articles]
    queries = [
        {
            "name": answered.query.name,
            "term": answered.query.term,
            "translation": answered.translation,
            "pmids": [pmid for pmid in answered.pmids if pmid in records],
        }
        for answered in around.queries
    ]
    return {"catalogue": head, "query": queries, "article": entries}


def _entry(wanted: Wanted, around: _Around, article: Article) -> dict[str, Any]:
    pmid = article.pmid
    entry = entry_of(article, wanted.day_zero)
    if pmid == wanted.topic.seed:
        return {**entry, "references_known": bool(around.cited)}
    links = {
        "similar_score": around.similar.get(pmid),
        "cites_seed": pmid in around.citing,
        "cited_by_seed": pmid in around.cited,
        "cites": [cited for cited in around.citing_tracked.get(pmid, ()) if cited != pmid],
    }
    return entry | {name: value for name, value in links.items() if value}


async def _answers(client: Client, topic: Topic) -> dict[str, bytes]:
    """One answer of each E-utility, as it came."""
    seed = str(topic.seed)
    term = " ".join(topic.query[0].term.split()) if topic.query else f"{seed}[uid]"
    linked = {"dbfrom": "pubmed", "cmd": "neighbor_score", "linkname": "pubmed_pubmed"}
    asked: Mapping[str, tuple[str, Mapping[str, str]]] = {
        "esearch.xml": ("esearch", {"term": term, "retmode": "xml"}),
        "esummary.json": ("esummary", {"id": seed, "retmode": "json"}),
        "efetch.xml": ("efetch", {"id": seed, "retmode": "xml"}),
        "elink.xml": ("elink", {"id": seed, "retmode": "xml", **linked}),
        "epost.xml": ("epost", {"id": seed}),
    }
    return {
        name: _unsigned(await client.call(utility, {"db": "pubmed", **parameters}), client)
        for name, (utility, parameters) in asked.items()
    }


def _unsigned(reply: Reply, client: Client) -> bytes:
    """The answer without the key and the mail address it was asked with."""
    body = reply.body
    for secret in (client.access.api_key, client.access.email):
        if secret:
            body = body.replace(secret.encode(), b"[redacted]")
    return body
