"""What NCBI's answer means, told by its body.

The status says 200 in an outage and 400 in a time-out. Every case here was seen in the wild.
"""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from lxml import etree

from services.poller.eutils.xml import parse_xml


class Verdict(StrEnum):
    """OK and EMPTY are answers; the others are not, whatever the status says."""

    OK = "ok"
    EMPTY = "empty"
    THROTTLED = "throttled"
    TRANSIENT = "transient"
    PERMANENT = "permanent"


@dataclass(frozen=True)
class Answer:
    """The verdict with NCBI's words (redacted), and how long it asked us to wait."""

    verdict: Verdict
    message: str = ""
    retry_after: timedelta | None = None


_PHRASES: tuple[tuple[Verdict, str], ...] = (
    (Verdict.THROTTLED, "rate limit exceeded"),
    (Verdict.THROTTLED, "too many requests"),
    (Verdict.THROTTLED, "error blocked diagnostic"),
    (Verdict.THROTTLED, "eutils_lb -> neg"),
    (Verdict.EMPTY, "id list is empty! possibly it has no correct ids"),
    (Verdict.EMPTY, "empty id list"),
    (Verdict.EMPTY, "the following pmid is not available"),
    (Verdict.PERMANENT, "api key invalid"),
    (Verdict.PERMANENT, "mandatory parameter"),
    (Verdict.PERMANENT, "supplied id parameter is empty"),
    (Verdict.PERMANENT, "cannot be larger than 9998"),
    (Verdict.PERMANENT, "is out of acceptable range"),
    (Verdict.PERMANENT, "unable to obtain query"),
    (Verdict.PERMANENT, "invalid uid"),
    (Verdict.PERMANENT, "too many uids"),
    (Verdict.PERMANENT, "wrong db name"),
    (Verdict.PERMANENT, "invalid db name"),
    (Verdict.PERMANENT, "ids contain invalid characters"),
    (Verdict.PERMANENT, "request-uri too"),
)
"""NCBI's words for what it means, in lower case. An error with other words is an outage: it is
asked again, and never read as "nothing found"."""

LONGEST_WAIT = timedelta(hours=1)

_HTML = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_SECRETS = (
    (re.compile(r'("api-key"\s*:\s*")[^"]*'), r"\1[redacted]"),
    (re.compile(r"(api[_-]key=)[^&\s\"']+", re.IGNORECASE), r"\1[redacted]"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "[address]"),
    (re.compile(r"\b(?:[0-9a-f]{1,4}:){3,7}:?[0-9a-f]{1,4}\b", re.IGNORECASE), "[address]"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[mail]"),
)


def redact(text: str, *secrets: str | None) -> str:
    """The text in one line of at most 300 characters, without keys and addresses of any kind.

    Nor with what no database takes: NUL in PostgreSQL, half a surrogate pair anywhere.
    """
    for secret in filter(None, secrets):
        text = text.replace(secret, "[redacted]")
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(printable.split())[:300]


def classify(status: int, body: bytes, headers: dict[str, str] | None = None) -> Answer:
    """Read what an answer is. `headers` have lower-case names."""
    headers = headers or {}
    answer = _by_redirect(status, headers) or _by_body(status, body)
    if status == 429:
        answer = Answer(Verdict.THROTTLED, answer.message or "HTTP 429")
    return Answer(answer.verdict, redact(answer.message), _retry_after(headers))


def _retry_after(headers: dict[str, str]) -> timedelta | None:
    """What RFC 9110 (10.2.3) allows: seconds, or a date, held against the answer's own."""
    value = headers.get("retry-after", "")
    if value.isdecimal() and len(value) < 10:
        return min(timedelta(seconds=int(value)), LONGEST_WAIT)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        # No date, or one with a time zone and one without: our own patience will do.
        return None
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def _by_redirect(status: int, headers: dict[str, str]) -> Answer | None:
    if not 300 <= status < 400:
        return None
    to = headers.get("location", "")
    if "misuse" in to:
        return Answer(Verdict.THROTTLED, "NCBI has blocked this address (misuse.ncbi.nlm.nih.gov)")
    return Answer(Verdict.PERMANENT, f"redirected to {to or 'nowhere'}; correct the URL")


def _by_body(status: int, body: bytes) -> Answer:
    start = body[:500].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return Answer(Verdict.TRANSIENT, f"HTTP {status} with an empty body")
    if _HTML.match(start):
        return _plain(status, body, "a web page")
    if start[:1] in b"{[":
        return _json(status, body)
    if start[:1] == b"<":
        return _xml(status, body)
    return _plain(status, body, "text")


def _by_words(words: str, otherwise: Verdict) -> Answer:
    folded = " ".join(words.lower().split())
    verdict = next((verdict for verdict, phrase in _PHRASES if phrase in folded), otherwise)
    return Answer(verdict, words)


def _plain(status: int, body: bytes, kind: str) -> Answer:
    """Neither XML nor JSON: NCBI's front end speaks, not the E-utility."""
    text = body[:4000].decode("utf-8", "replace")
    if status == 414:
        return Answer(Verdict.PERMANENT, "HTTP 414: the request line is too long; use POST")
    answer = _by_words(text, Verdict.TRANSIENT)
    title = re.search(r"<title>\s*(.*?)\s*</title>", text, re.IGNORECASE | re.DOTALL)
    return Answer(answer.verdict, f"HTTP {status} with {kind}: {title[1] if title else text}")


def _json(status: int, body: bytes) -> Answer:
    try:
        # NCBI leaves raw line ends inside strings, which strict JSON forbids.
        content = json.loads(body, strict=False)
    except (ValueError, RecursionError):
        return Answer(Verdict.TRANSIENT, f"HTTP {status} with JSON that breaks off")
    error = _json_error(content)
    if error is not None:
        return _by_words(error, Verdict.TRANSIENT)
    if status >= 400 or not content.keys() & _CONTENTS:
        return Answer(Verdict.TRANSIENT, f"HTTP {status} with JSON that is no answer")
    return Answer(Verdict.EMPTY if _json_is_empty(content) else Verdict.OK)


_CONTENTS = frozenset({"esearchresult", "linksets", "result"})
"""Where in JSON the E-utilities put what they found."""


def _json_error(content: object) -> str | None:
    if not isinstance(content, dict):
        return "JSON that is no object"
    if isinstance(content.get("esummaryresult"), list):
        return "; ".join(map(str, content["esummaryresult"]))
    links = content.get("linksets")
    for place in (
        content,
        content.get("esearchresult"),
        *(links if isinstance(links, list) else ()),
    ):
        for key in ("error", "ERROR"):
            if isinstance(place, dict) and place.get(key):
                return str(place[key])
    search = content.get("esearchresult")
    return "a search without a count" if search is not None and not _has_count(search) else None


def _has_count(search: object) -> bool:
    return isinstance(search, dict) and str(search.get("count", "")).isdecimal()


def _json_is_empty(content: dict[str, object]) -> bool:
    search, links = content.get("esearchresult"), content.get("linksets")
    if isinstance(search, dict):
        return str(search["count"]) == "0"
    if isinstance(links, list):
        return not any(isinstance(link, dict) and link.get("linksetdbs") for link in links)
    return False


def _xml(status: int, body: bytes) -> Answer:
    if b"<PubmedArticleSet" in body[:2000]:
        return _article_set(status, body)
    try:
        root = parse_xml(body)
    except etree.XMLSyntaxError as error:
        return _by_words(f"HTTP {status} with XML that breaks off: {error.msg}", Verdict.TRANSIENT)
    errors = [element.text or "no reason given" for element in root.iter("ERROR")]
    if errors:
        return _by_words("; ".join(errors), Verdict.TRANSIENT)
    shape = _SHAPES.get(str(root.tag))
    if shape is None or root.find(shape.required) is None or status >= 400:
        words = " ".join("".join(str(text) for text in root.itertext()).split())
        return _by_words(f"HTTP {status} with <{root.tag}>: {words}", Verdict.TRANSIENT)
    empty = root.findtext("Count") == "0" or root.find(shape.content) is None
    return Answer(Verdict.EMPTY if empty else Verdict.OK)


@dataclass(frozen=True)
class _Shape:
    """What an answer must hold to be one, and what it holds unless it is empty."""

    required: str
    content: str


_SHAPES = {
    "eSearchResult": _Shape("Count", "Count"),
    "eLinkResult": _Shape("LinkSet", "LinkSet/LinkSetDb/Link"),
    "ePostResult": _Shape("WebEnv", "WebEnv"),
    "eSummaryResult": _Shape("*", "*"),
}


def _article_set(status: int, body: bytes) -> Answer:
    """Records are parsed one by one later; here it only matters that the last byte arrived."""
    at = body.find(b"<ERROR>")
    if at >= 0:
        text = body[at + 7 : at + 4000].decode("utf-8", "replace")
        return _by_words(text.split("</", 1)[0], Verdict.TRANSIENT)
    if status >= 400:
        return Answer(Verdict.TRANSIENT, f"HTTP {status} with records")
    end = body[-200:].rstrip()
    if end.endswith(b"</PubmedArticleSet>"):
        holds = re.search(rb"<(PubmedArticle|PubmedBookArticle|DeleteCitation)\b", body)
        return Answer(Verdict.OK if holds else Verdict.EMPTY)
    if re.search(rb"<PubmedArticleSet\s*/>$", end):
        return Answer(Verdict.EMPTY)
    return Answer(Verdict.TRANSIENT, f"HTTP {status} with XML that breaks off")
