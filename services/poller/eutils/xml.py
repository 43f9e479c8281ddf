"""XML from outside: no network, no DTD, no entity is expanded, sizes are bounded by libxml2."""

from typing import Any

from lxml import etree

from shared.errors import Retryable

SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "dtd_validation": False,
    "huge_tree": False,
}
"""libxml2 then refuses text nodes over 10 MB and nesting over 256."""


def parse_xml(body: bytes) -> etree._Element:
    """The root element.

    Raises:
        etree.XMLSyntaxError: not well-formed, or beyond the bounds.
    """
    return etree.fromstring(body, etree.XMLParser(**SAFE))


def pmid_in(text: str | None) -> int | None:
    """The PMID a text holds; None where it is no number, or none that a PMID can be."""
    digits = (text or "").strip()
    return int(digits) or None if digits.isdecimal() and len(digits) <= 9 else None


def read_root(utility: str, body: bytes) -> etree._Element:
    """The root element of an answer we are about to use.

    Raises:
        Retryable: it is no XML (NCBI sometimes forgets `retmode`).
    """
    try:
        return parse_xml(body)
    except etree.XMLSyntaxError as error:
        raise Retryable(f"{utility}: the answer is not XML: {error.msg}") from error
