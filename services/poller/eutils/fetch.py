"""efetch: the records themselves."""

from collections.abc import Sequence

from services.poller.eutils.client import Client, Reply
from shared.errors import Retryable

CHUNK = 200
"""Ids per request: 2 MB of XML, so that a broken answer costs little."""


async def fetch(client: Client, pmids: Sequence[int]) -> bytes:
    """The records of at most `CHUNK` articles as PubMed XML; no bytes when PubMed has none.

    PubMed leaves out ids it does not know without a word: compare asked and received.

    Raises:
        Retryable, Permanent: as `Client.ask`.
        ValueError: more ids than one chunk, or none.
    """
    if not 1 <= len(pmids) <= CHUNK:
        raise ValueError(f"fetch {len(pmids)} ids: give 1 to {CHUNK} at a time")
    ids = ",".join(map(str, pmids))
    parameters = {"db": "pubmed", "retmode": "xml", "id": ids}
    return await client.ask("efetch", parameters, read_records)


def read_records(reply: Reply) -> bytes:
    """The article set of an answer; no bytes when it says that there is none.

    Raises:
        Retryable: it is an answer of some other kind.
    """
    start = reply.body[:2000]
    if b"<PubmedArticleSet" not in start and not (reply.empty and b"<eFetchResult" in start):
        raise Retryable("efetch: an answer that is no set of articles")
    return b"" if reply.empty else reply.body
