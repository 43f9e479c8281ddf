"""elink: which articles are related to others, and how."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import structlog
from lxml import etree

from services.poller.eutils.client import Client
from services.poller.eutils.xml import pmid_in, read_root
from shared.errors import Permanent, Retryable

log = structlog.get_logger(__name__)

LinkName = Literal["pubmed_pubmed", "pubmed_pubmed_citedin", "pubmed_pubmed_refs"]


LONGEST_SCORE = 18
"""Digits: what fits a database's integer. NCBI's scores have ten at most."""
LINKED = 100
"""Articles per request: each has an `id` of its own, and the answer grows with their links."""


async def similar(client: Client, pmid: int) -> list[tuple[int, int | None]]:
    """PubMed's similar articles of one, nearest first, with NCBI's scores, without itself.

    The scoring backend fails for some articles however often it is asked (cyanheads/
    pubmed-mcp-server#53); then the same list is taken without scores.

    Raises:
        Retryable, Permanent: as `Client.ask`.
    """
    asking = _Asking("neighbor_score", "pubmed_pubmed", (pmid,))
    try:
        links = await _ask(client, asking, attempts=2)
    except (Retryable, Permanent) as error:
        log.info("similar_scores_unavailable", pmid=pmid, reason=str(error))
        links = await _ask(client, replace(asking, command="neighbor"))
    scored = {link.pmid: link.score for link in links[pmid]}
    scored.pop(pmid, None)
    return sorted(scored.items(), key=lambda item: -(item[1] or 0))


async def cited_by(client: Client, pmids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """For each article, those in PubMed that cite it; empty where PubMed knows of none.

    Raises:
        Retryable, Permanent: as `Client.ask`.
    """
    return await _linked(client, "pubmed_pubmed_citedin", pmids)


async def references(client: Client, pmid: int) -> tuple[int, ...]:
    """The references of one article. Empty is not "none": PubMed knows those of PMC articles only.

    Raises:
        Retryable, Permanent: as `Client.ask`.
    """
    return (await _linked(client, "pubmed_pubmed_refs", [pmid]))[pmid]


async def _linked(
    client: Client, name: LinkName, pmids: Sequence[int]
) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[Link]] = {}
    wanted = tuple(dict.fromkeys(pmids))
    for start in range(0, len(wanted), LINKED):
        chunk = wanted[start : start + LINKED]
        found |= await _ask(client, _Asking("neighbor", name, chunk))
    return {
        pmid: tuple(dict.fromkeys(link.pmid for link in links if link.pmid != pmid))
        for pmid, links in found.items()
    }


@dataclass(frozen=True)
class _Asking:
    command: Literal["neighbor", "neighbor_score"]
    name: LinkName
    pmids: tuple[int, ...]


class Link(NamedTuple):
    """A linked article, with NCBI's score where scores were asked for."""

    pmid: int
    score: int | None


async def _ask(
    client: Client, asking: _Asking, attempts: int | None = None
) -> dict[int, list[Link]]:
    # One `id` for each article: several in one parameter are answered as one merged list.
    parameters = {
        "dbfrom": "pubmed",
        "db": "pubmed",
        "retmode": "xml",
        "cmd": asking.command,
        "linkname": asking.name,
        "id": [str(pmid) for pmid in asking.pmids],
    }
    return await client.ask(
        "elink",
        parameters,
        lambda reply: read_links(reply.body, asking.name, asking.pmids),
        attempts,
    )


def read_links(body: bytes, name: str, asked: Sequence[int]) -> dict[int, list[Link]]:
    """The links of that name, for each article that was asked for.

    Raises:
        Retryable: a part of the answer cannot be read; or it is not about exactly those articles,
            each in a set of its own, so that whose links are missing could not be told.
    """
    found: dict[int, list[Link]] = {}
    for linkset in read_root("elink", body).findall("LinkSet"):
        # NCBI sometimes ends with a set about nothing (biopython#4349).
        if len(linkset):
            source = _source(linkset, asked)
            if source in found:
                raise Retryable(f"elink: two sets of links of {source}")
            found[source] = list(_links(linkset, name))
    missing = [pmid for pmid in asked if pmid not in found]
    if missing:
        raise Retryable(f"elink: no word on {len(missing)} of {len(asked)} articles asked for")
    return found


def _source(linkset: etree._Element, asked: Sequence[int]) -> int:
    sources = [pmid_in(element.text) for element in linkset.findall("IdList/Id")]
    if len(sources) != 1 or sources[0] is None or sources[0] not in asked:
        raise Retryable("elink: a set of links that is not of one of the articles asked for")
    return sources[0]


def _links(linkset: etree._Element, name: str) -> Iterator[Link]:
    for database in linkset.findall("LinkSetDb"):
        named = (database.findtext("LinkName") or "").strip()
        if not named:
            raise Retryable("elink: links without a name")
        for link in database.findall("Link") if named == name else ():
            text = link.findtext("Id") or ""
            pmid = pmid_in(text)
            if pmid is None:
                raise Retryable(f"elink: a link to an id that is none: {text[:30]!r}")
            yield Link(pmid, _score(link.findtext("Score")))


def _score(text: str | None) -> int | None:
    if text is None:
        return None
    score = text.strip()
    if not (score.isdecimal() and len(score) <= LONGEST_SCORE):
        raise Retryable(f"elink: a score that is none: {score[:30]!r}")
    return int(score)
