"""Answers to damage, each in the scene that it decides: a leg, and the records behind it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.ncbi_sim.generate import SEED
from services.poller.legs import Plan, plans
from services.poller.topic import Query, Similar, Topic
from tests.unit.poller.fakes import FakePubMed, record

RECORDED = Path(__file__).parents[3] / "shared" / "eutils" / "responses"
LINKS = {
    "pubmed_pubmed": "similar",
    "pubmed_pubmed_citedin": "cited-by",
    "pubmed_pubmed_refs": "references",
}
TERM = (
    '("CAR T"[tiab] OR "CAR NK"[tiab] OR "CAAR T"[tiab] OR "CAR Treg"[tiab] '
    'OR "chimeric antigen receptor"[tiab]) AND (lupus[tiab] OR "systemic sclerosis"[tiab] '
    'OR dermatomyositis[tiab] OR "myasthenia gravis"[tiab] OR "multiple sclerosis"[tiab] '
    'OR pemphig*[tiab] OR arthritis[tiab] OR "type 1 diabetes"[tiab] '
    'OR "membranous nephropathy"[tiab] OR "immune thrombocytopenia"[tiab])'
)
_PMID = re.compile(rb"<MedlineCitation[^>]*>\s*<PMID[^>]*>(\d+)</PMID>")
_ID = re.compile(rb"<Id>(\d+)</Id>")
_COUNT = re.compile(rb"<Count>\s*(\d+)\s*</Count>")


def topic_of(seed: int) -> Topic:
    """Every relation that a cursor is kept for."""
    return Topic(
        id="fuzz",
        title="Fuzz",
        seed=seed,
        query=(Query(name="words", term=TERM),),
        similar=Similar(top=100),
        cited_by=True,
        references=True,
        backfill_years=10,
    )


@dataclass(frozen=True)
class Scene:
    """A healthy answer of one call, the leg that asks for it, and the ids it names."""

    name: str
    call: str
    healthy: bytes
    seed: int
    relation: str
    ids: frozenset[int]

    @property
    def topic(self) -> Topic:
        return topic_of(self.seed)

    @property
    def plan(self) -> Plan:
        return next(plan for plan in plans(self.topic) if plan.relation == self.relation)

    def pubmed(self, damaged: bytes) -> FakePubMed:
        """A PubMed that holds what the healthy answer names, and gives this answer damaged."""
        records = {pmid: record(pmid) for pmid in self.ids | {self.seed}}
        broken = {self.call: httpx.Response(200, content=damaged)}
        return FakePubMed(records, query=sorted(self.ids), broken=broken)

    @property
    def has_all_it_counts(self) -> bool:
        """Whether an esearch names as many as it counts; else it is open in good health, too."""
        return counted(self.healthy) == len(self.ids)

    def is_a_consistent_lie(self, damaged: bytes) -> bool:
        """Whether even the number of answers was changed: no client can see through that."""
        return counted(damaged) != counted(self.healthy)


def counted(search: bytes) -> int | None:
    """The number of answers that an esearch states first."""
    found = _COUNT.search(search)
    return int(found[1]) if found else None


def ids_in(answer: bytes) -> frozenset[int]:
    """Every id that an esearch or elink names."""
    return frozenset(map(int, _ID.findall(answer)))


def scene_of(name: str, body: bytes) -> Scene | None:
    """The scene that an answer decides; None for one that no poll asks for."""
    if b"<PubmedArticleSet" in body:
        ids = frozenset(map(int, _PMID.findall(body)))
        return Scene(name, "efetch", body, SEED, "query", ids) if ids else None
    if b"<eSearchResult" in body:
        ids = ids_in(body)
        return Scene(name, "esearch", body, SEED, "query", ids) if ids else None
    call = next((link for link in LINKS if b"<LinkName>%s</LinkName>" % link.encode() in body), "")
    sources = re.findall(rb"<IdList>\s*<Id>(\d+)</Id>\s*</IdList>", body)
    if not call or len(sources) != 1:
        return None
    seed = int(sources[0])
    ids = ids_in(body) - {seed}
    return Scene(name, call, body, seed, LINKS[call], ids)


def recorded() -> Iterator[Scene]:
    """Scenes from NCBI's recorded answers, where they are at hand."""
    folders = ("esearch", "elink", "efetch")
    for path in (path for folder in folders for path in sorted((RECORDED / folder).glob("*.xml"))):
        if scene := scene_of(f"{path.parent.name}/{path.name}", path.read_bytes()):
            yield scene
