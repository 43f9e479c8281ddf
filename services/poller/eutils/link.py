"""elink: which articles are related to others, and how."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import structlog
from lxml import etree

from services.poller.eutils.client import Client
from services.poller.eutils.xml import pmid_in, read_root
from shared.errors import Permanent, Retryable

log = structlog.get_logger(__name__)

LinkName = Literal["pubmed_pubmed", "pubmed_pubmed_citedin", "pubmed_pubmed_refs"]


async def similar(client: Client, pmid: int) -> list[tuple[int, int | None]]:
    """PubMed's similar articles of one, nearest first, with NCBI's scores, without itself.

    The scoring backend fails for some articles however often it is asked (cyanheads/
    pubmed-mcp-server#53); then the same list is taken without scores.

    Raises:
        Retryable, Permanent: as `Client.call`.
    """
    try:
        body = await _ask(client, "neighbor_score", "pubmed_pubmed", [pmid], attempts=2)
    except (Retryable, Permanent) as error:
        log.info("similar_scores_unavailable", pmid=pmid, reason=str(error))
        body = await _ask(client, "neighbor", "pubmed_pubmed", [pmid])
    links = [link for link in _links(body) if link.name == "pubmed_pubmed"]
    scored = {link.pmid: link.score for link in links}
    scored.pop(pmid, None)
    return sorted(scored.items(), key=lambda item: -(item[1] or 0))


async def cited_by(client: Client, pmids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """For each article, those in PubMed that cite it; empty where PubMed knows of none.

    Raises:
        Retryable, Permanent: as `Client.call`.
    """
    return await _linked(client, "pubmed_pubmed_citedin", pmids)


async def references(client: Client, pmid: int) -> tuple[int, ...]:
    """The references of one article. Empty is not "none": PubMed knows those of PMC articles only.

    Raises:
        Retryable, Permanent: as `Client.call`.
    """
    return (await _linked(client, "pubmed_pubmed_refs", [pmid]))[pmid]


async def _linked(
    client: Client, name: LinkName, pmids: Sequence[int]
) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = {pmid: [] for pmid in pmids}
    for link in _links(await _ask(client, "neighbor", name, pmids)):
        if link.name == name and link.source in found:
            found[link.source].append(link.pmid)
    return {
        pmid: tuple(dict.fromkeys(other for other in others if other != pmid))
        for pmid, others in found.items()
    }


async def _ask(
    client: Client, command: str, name: LinkName, pmids: Iterable[int], attempts: int | None = None
) -> bytes:
    # One `id` for each article: several in one parameter are answered as one merged list.
    parameters = {
        "dbfrom": "pubmed",
        "db": "pubmed",
        "retmode": "xml",
        "cmd": command,
        "linkname": name,
        "id": [str(pmid) for pmid in pmids],
    }
    return (await client.call("elink", parameters, attempts)).body


class Link(NamedTuple):
    """A link from one article to another."""

    source: int
    name: str
    pmid: int
    score: int | None


def _links(body: bytes) -> Iterator[Link]:
    for linkset in read_root("elink", body).iter("LinkSet"):
        source = pmid_in(linkset.findtext("IdList/Id"))
        for database in linkset.findall("LinkSetDb"):
            name = database.findtext("LinkName") or ""
            for link in database.findall("Link"):
                pmid = pmid_in(link.findtext("Id"))
                if source and pmid:
                    yield Link(source, name, pmid, _score(link))


def _score(link: etree._Element) -> int | None:
    text = link.findtext("Score") or ""
    return int(text) if text.isdecimal() else None
