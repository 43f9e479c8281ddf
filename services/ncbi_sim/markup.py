"""Titles with PubMed's inline markup (b, i, sub, sup, u), as XML and as plain text."""

import re
from xml.sax.saxutils import escape

from lxml import etree

_TAG = re.compile(r"(</?(?:b|i|sub|sup|u)>)")


def fill(element: etree._Element, text: str) -> None:
    """Put `text` into `element`, its inline markup as child elements.

    Anything that only looks like markup ("p < 0.05", "&") is text.

    Raises:
        ValueError: tags do not nest.
    """
    parts = [part if _TAG.fullmatch(part) else escape(part) for part in _TAG.split(text)]
    try:
        parsed = etree.fromstring(f"<text>{''.join(parts)}</text>")
    except etree.XMLSyntaxError as error:
        raise ValueError(f"markup does not nest: {error}") from error
    element.text = parsed.text
    element.extend(list(parsed))


def plain(text: str) -> str:
    """The text without its inline markup."""
    return _TAG.sub("", text)


def check(text: str) -> str:
    """The text unchanged, if its markup nests.

    Raises:
        ValueError: tags do not nest, or a character cannot stand in XML.
    """
    fill(etree.Element("check"), text)
    return text
