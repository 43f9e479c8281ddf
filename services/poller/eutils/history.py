"""epost and the history server: a list of ids kept at NCBI, and its records part by part.

A kept list is gone after some hours; ids sent with each request stay the normal way to records.
Source: https://www.ncbi.nlm.nih.gov/books/NBK25499/#chapter4.EPost
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.poller.eutils.client import Client, Reply
from services.poller.eutils.fetch import CHUNK, read_records
from services.poller.eutils.xml import pmid_in, read_root
from shared.errors import Retryable

CAP = 9_999
"""PubMed gives no record of a list beyond this one: of 500 from the 9,501st on it sends 499."""


@dataclass(frozen=True)
class History:
    """Where NCBI keeps a list, of how many ids, and which it refused."""

    web_env: str
    query_key: str
    size: int
    refused: tuple[int, ...] = ()

    def parameters(self) -> dict[str, str]:
        """What names the list in a request."""
        return {"WebEnv": self.web_env, "query_key": self.query_key}


async def post(client: Client, pmids: Sequence[int]) -> History:
    """Have NCBI keep a list of at most 9,999 ids. Whether they exist is not checked.

    Raises:
        Retryable, Permanent: as `Client.ask`.
        ValueError: more ids than can be had back, or none.
    """
    wanted = list(dict.fromkeys(pmids))
    if not 1 <= len(wanted) <= CAP:
        raise ValueError(f"post {len(wanted)} ids: give 1 to {CAP} at a time")
    parameters = {"db": "pubmed", "id": ",".join(map(str, wanted))}
    return await client.ask("epost", parameters, lambda reply: _read(reply, wanted))


async def fetch_history(client: Client, history: History, start: int, count: int) -> bytes:
    """`count` records of a kept list from the one at `start` (0 is the first), as `fetch` does.

    Go on by what was asked for, not by what arrived: ids without a record are left out.

    Raises:
        Retryable: as `Client.ask`.
        Permanent: as `Client.ask`; also when NCBI has dropped the list: post it again.
        ValueError: more than `CHUNK` records, or beyond the end of the list.
    """
    if not 1 <= count <= CHUNK or start < 0 or start + count > history.size:
        raise ValueError(
            f"fetch {count} records from {start} on of {history.size}: give 1 to {CHUNK} within it"
        )
    window = {"retstart": str(start), "retmax": str(count)}
    parameters = {"db": "pubmed", "retmode": "xml", **history.parameters(), **window}
    return await client.ask("efetch", parameters, read_records)


def _read(reply: Reply, wanted: Sequence[int]) -> History:
    root = read_root("epost", reply.body)
    web_env, query_key = read_key(root.findtext("WebEnv"), root.findtext("QueryKey"))
    refused = [pmid_in(element.text) for element in root.findall("InvalidIdList/Id")]
    if not web_env or not set(refused) <= set(wanted):
        raise Retryable("epost: an answer that names no list, or refuses ids that were not sent")
    known = tuple(pmid for pmid in refused if pmid is not None)
    return History(web_env, query_key, len(wanted) - len(known), known)


def read_key(web_env: str | None, query_key: str | None) -> tuple[str, str]:
    """Environment and key of a kept list; two empty texts when an answer does not name both."""
    environment, key = (web_env or "").strip(), (query_key or "").strip()
    return (environment, key) if environment and key.isdecimal() else ("", "")
