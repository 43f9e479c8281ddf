"""esummary: what an article is in brief, and whether PubMed has it."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.poller.eutils.answers import redact
from services.poller.eutils.client import Client, Reply
from shared.errors import Retryable

SUMMARIES = 500
"""Ids per request: NCBI refuses more for JSON ("Maximum number of UIDs is 500")."""

UNKNOWN = "cannot get document summary"
"""What NCBI says of an id that PubMed does not have."""


@dataclass(frozen=True)
class Summary:
    """An article in brief, or NCBI's words on why there is no summary.

    `published` is as PubMed prints it ("1968 Aug"); `title` may hold inline markup.
    """

    pmid: int
    title: str = ""
    published: str = ""
    error: str | None = None


async def summaries(client: Client, pmids: Sequence[int]) -> dict[int, Summary]:
    """A summary for each of the articles, in chunks of `SUMMARIES`.

    Raises:
        Retryable, Permanent: as `Client.ask`. An answer that says nothing about one of the ids
            is none.
    """
    found: dict[int, Summary] = {}
    wanted = list(dict.fromkeys(pmids))
    for start in range(0, len(wanted), SUMMARIES):
        found |= await _chunk(client, wanted[start : start + SUMMARIES])
    return found


async def exists(client: Client, pmid: int) -> bool:
    """Whether PubMed has the article: elink answers an unknown one as one without links.

    Raises:
        Retryable: as `Client.ask`; also when there is no summary for any other reason.
        Permanent: as `Client.ask`.
    """
    error = (await summaries(client, [pmid]))[pmid].error
    if error is not None and UNKNOWN not in error.lower():
        raise Retryable(f"esummary: no summary of {pmid}: {error}")
    return error is None


async def _chunk(client: Client, pmids: Sequence[int]) -> dict[int, Summary]:
    ids = ",".join(map(str, pmids))
    parameters = {"db": "pubmed", "retmode": "json", "id": ids}
    return await client.ask("esummary", parameters, lambda reply: _read(reply, pmids))


def _read(reply: Reply, pmids: Sequence[int]) -> dict[int, Summary]:
    result = _result(reply.body)
    named = result.get("uids", [])
    # Gateways that turn XML into JSON make a list of one a scalar.
    uids = [str(uid) for uid in (named if isinstance(named, list) else [named])]
    if sorted(uids) != sorted(map(str, pmids)):
        raise Retryable(f"esummary: the answer is not about the {len(pmids)} ids asked for")
    return {pmid: _summary(pmid, result.get(str(pmid))) for pmid in pmids}


def _result(body: bytes) -> dict[str, Any]:
    try:
        result = json.loads(body, strict=False).get("result")
    except (ValueError, AttributeError, RecursionError) as error:
        raise Retryable("esummary: the answer is not JSON") from error
    if not isinstance(result, dict):
        raise Retryable("esummary: an answer without a result")
    return result


def _summary(pmid: int, content: object) -> Summary:
    if not isinstance(content, dict) or str(content.get("uid")) != str(pmid):
        raise Retryable(f"esummary: nothing about {pmid}, which the answer names")
    if "error" in content:
        return Summary(pmid, error=redact(str(content["error"])))
    if not isinstance(content.get("title"), str):
        raise Retryable(f"esummary: a summary of {pmid} without a title")
    # NCBI escapes the markup of titles as if JSON were XML.
    title = html.unescape(content["title"])
    return Summary(pmid, title, str(content.get("pubdate") or ""))
