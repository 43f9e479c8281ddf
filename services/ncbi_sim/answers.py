"""Answers in NCBI's envelopes: XML with its DOCTYPE, compact JSON, plain text, and errors."""

import json
from dataclasses import dataclass
from typing import Any

from lxml import etree

XML = "text/xml; charset=UTF-8"
JSON = "application/json; charset=UTF-8"
TEXT = "text/plain; charset=UTF-8"
HTML = "text/html; charset=UTF-8"

_DTD = "https://eutils.ncbi.nlm.nih.gov/eutils/dtd"


@dataclass(frozen=True)
class Answer:
    """The bytes, media type and HTTP status of an answer."""

    body: bytes
    media_type: str
    status: int = 200


@dataclass(frozen=True)
class Envelope:
    """What wraps the answers of one endpoint: root element and DOCTYPE."""

    root: str
    doctype: str


def _eutils(root: str, public: str, system: str) -> Envelope:
    doctype = f'<!DOCTYPE {root} PUBLIC "-//NLM//DTD {public}//EN" "{_DTD}/{system}">'
    return Envelope(root, doctype)


ESEARCH = _eutils("eSearchResult", "esearch 20060628", "20060628/esearch.dtd")
ESUMMARY = _eutils("eSummaryResult", "esummary pubmed 20160808", "20160808/esummary_pubmed.dtd")
ESUMMARY_V1 = _eutils("eSummaryResult", "esummary v1 20041029", "20041029/esummary-v1.dtd")
ELINK = _eutils("eLinkResult", "elink 20101123", "20101123/elink.dtd")
EPOST = _eutils("ePostResult", "epost 20090526", "20090526/epost.dtd")
# The element and its DOCTYPE differ in NCBI's own answers.
EFETCH_ERROR = Envelope(
    "eFetchResult", _eutils("eEfetchResult", "efetch 20131226", "20131226/efetch.dtd").doctype
)
PUBMED = Envelope(
    "PubmedArticleSet",
    '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2026//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_260101.dtd">',
)


def xml_answer(root: etree._Element, envelope: Envelope, status: int = 200) -> Answer:
    """A document with NCBI's XML declaration and DOCTYPE."""
    content = etree.tostring(root, encoding="unicode")
    head = f'<?xml version="1.0" encoding="UTF-8" ?>\n{envelope.doctype}\n'
    return Answer(f"{head}{content}\n".encode(), XML, status)


def xml_bytes(content: bytes, envelope: Envelope) -> Answer:
    """A document whose root element holds `content`, which is XML already."""
    head = f'<?xml version="1.0" encoding="UTF-8" ?>\n{envelope.doctype}\n'
    root = envelope.root.encode()
    whole = b"<%s>%s</%s>" % (root, content, root) if content else b"<%s/>" % root
    return Answer(head.encode() + whole + b"\n", XML)


def json_answer(kind: str, content: dict[str, Any]) -> Answer:
    """A JSON document with NCBI's header."""
    return Answer(_dump({"header": _header(kind), **content}), JSON)


def text_answer(text: str, status: int = 200) -> Answer:
    """A plain text answer."""
    return Answer(text.encode(), TEXT, status)


def xml_error(message: str, envelope: Envelope, status: int = 200) -> Answer:
    """An ERROR element in the endpoint's envelope; NCBI mostly sends it with status 200."""
    root = etree.Element(envelope.root)
    add(root, "ERROR", message)
    return xml_answer(root, envelope, status)


def json_error(kind: str, content: dict[str, Any], *, header: bool = True) -> Answer:
    """A JSON error. NCBI leaves line feeds raw inside the message, which makes it invalid JSON."""
    whole = {"header": _header(kind), **content} if header else content
    return Answer(_dump(whole).replace(b"\\n", b"\n"), JSON)


def add(
    parent: etree._Element, name: str, text: object = "", /, **attributes: str
) -> etree._Element:
    """Append a child element with text."""
    element = etree.SubElement(parent, name, attributes)
    element.text = str(text) or None
    return element


def _header(kind: str) -> dict[str, str]:
    return {"type": kind, "version": "0.3"}


def _dump(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
