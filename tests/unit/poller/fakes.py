"""A tiny PubMed behind httpx: a catalogue, answered in NCBI's formats."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx

from services.poller.eutils import Access, Client, Conduct, Eutils, Patience, Timing
from services.poller.eutils.limit import Limiter

BASE = "http://pubmed.test/entrez/eutils/"
SEED = 100
Handler = Callable[[httpx.Request], httpx.Response]


async def no_sleep(_seconds: float) -> None:
    return None


def make_client(
    handler: Handler,
    attempts: int = 1,
    access: Access | None = None,
    monotonic: Callable[[], float] = lambda: 0.0,
) -> Client:
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    timing = Timing(monotonic=monotonic, sleep=no_sleep, chance=lambda: 0.5)
    conduct = Conduct(Limiter(3, timing=timing), Patience(attempts=attempts), timing)
    return Client(http, access or Access(BASE), conduct)


def form(request: httpx.Request) -> dict[str, list[str]]:
    return parse_qs(request.content.decode())


def record(
    pmid: int, title: str = "A title", entered: datetime | None = None, more: str = ""
) -> str:
    at = entered or datetime(2026, 9, 1, tzinfo=UTC)
    return (
        f'<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><Article>'
        f"<Journal><Title>J</Title></Journal><ArticleTitle>{title}</ArticleTitle></Article>{more}"
        f'</MedlineCitation><PubmedData><History><PubMedPubDate PubStatus="entrez">'
        f"<Year>{at.year}</Year><Month>{at.month}</Month><Day>{at.day}</Day></PubMedPubDate>"
        f"</History></PubmedData></PubmedArticle>"
    )


def article_set(*records: str) -> bytes:
    return f"<PubmedArticleSet>{''.join(records)}</PubmedArticleSet>".encode()


@dataclass
class FakePubMed:
    """`records` by PMID; `query` and `links` name PMIDs; `broken` has replies by call.

    `past` is named only where a query is asked for years. `links` are the seed's; `cites` has what
    a PMID cites, for links from any other.
    """

    records: dict[int, str] = field(default_factory=lambda: {SEED: record(SEED)})
    query: list[int] = field(default_factory=list)
    links: dict[str, list[int]] = field(default_factory=dict)
    broken: dict[str, httpx.Response] = field(default_factory=dict)
    past: list[int] = field(default_factory=list)
    cites: dict[int, list[int]] = field(default_factory=dict)
    translation: str | None = None
    fetched: list[list[int]] = field(default_factory=list)
    before_fetch: Callable[[list[int]], None] = lambda _pmids: None

    def eutils(self, base: str = BASE) -> Eutils:
        return Eutils(make_client(self.answer, access=Access(base)))

    def answer(self, request: httpx.Request) -> httpx.Response:
        utility = request.url.path.rsplit("/", 1)[-1].removesuffix(".fcgi")
        asked = form(request)
        call = asked.get("linkname", [utility])[0]
        if call in self.broken:
            return self.broken[call]
        return httpx.Response(200, content=self._body(utility, call, asked))

    def _body(self, utility: str, call: str, asked: dict[str, list[str]]) -> bytes:
        if utility == "efetch":
            pmids = [int(pmid) for pmid in asked["id"][0].split(",")]
            self.before_fetch(pmids)
            self.fetched.append(pmids)
            return article_set(*(self.records.get(pmid, "") for pmid in self.fetched[-1]))
        if utility == "esummary":
            return self._summaries(asked["id"][0].split(","))
        if utility == "esearch":
            pmids = self.query + (self.past if _asks_for_years(asked["term"][0]) else [])
            ids = "".join(f"<Id>{pmid}</Id>" for pmid in pmids)
            count = len(pmids)
            found = f"<Count>{count}</Count><IdList>{ids}</IdList>"
            if self.translation:
                found += f"<QueryTranslation>{self.translation}</QueryTranslation>"
            return f"<eSearchResult>{found}</eSearchResult>".encode()
        sets = "".join(self._linkset(call, int(pmid)) for pmid in asked["id"])
        return f"<eLinkResult>{sets}</eLinkResult>".encode()

    def _summaries(self, uids: list[str]) -> bytes:
        unknown = {"error": "cannot get document summary"}
        known = {uid: {"title": "A title"} for uid in uids if int(uid) in self.records}
        about = {uid: {"uid": uid, **known.get(uid, unknown)} for uid in uids}
        return json.dumps({"result": {"uids": uids, **about}}).encode()

    def _linkset(self, call: str, source: int) -> str:
        pmids = self.links.get(call, []) if source == SEED else []
        if call == "pubmed_pubmed_citedin":
            pmids = [*pmids, *(citing for citing, cited in self.cites.items() if source in cited)]
        links = "".join(f"<Link><Id>{pmid}</Id></Link>" for pmid in pmids)
        linked = f"<LinkSetDb><LinkName>{call}</LinkName>{links}</LinkSetDb>"
        return f"<LinkSet><IdList><Id>{source}</Id></IdList>{linked}</LinkSet>"


def _asks_for_years(term: str) -> bool:
    years = [int(year) for year in re.findall(r"(\d{4})/\d\d/\d\d", term)]
    return bool(years) and years[1] - years[0] > 1
