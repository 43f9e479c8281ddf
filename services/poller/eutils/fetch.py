"""efetch: the records themselves."""

from collections.abc import Sequence

from services.poller.eutils.client import Client

CHUNK = 200
"""Ids per request: 2 MB of XML, so that a broken answer costs little."""


async def fetch(client: Client, pmids: Sequence[int]) -> bytes:
    """The records of at most `CHUNK` articles as PubMed XML; no bytes when PubMed has none.

    PubMed leaves out ids it does not know without a word: compare asked and received.

    Raises:
        Retryable, Permanent: as `Client.call`.
        ValueError: more ids than one chunk, or none.
    """
    if not 1 <= len(pmids) <= CHUNK:
        raise ValueError(f"fetch {len(pmids)} ids: give 1 to {CHUNK} at a time")
    ids = ",".join(map(str, pmids))
    reply = await client.call("efetch", {"db": "pubmed", "retmode": "xml", "id": ids})
    return b"" if reply.empty else reply.body
