"""Text out of PubMed XML: all of it, through any markup, in one line."""

from collections.abc import Iterator
from html import escape, unescape

from lxml import etree

KEPT = frozenset({"i", "b", "sub", "sup"})
"""The inline markup that a title may keep; these names are the same in HTML."""


def text_of(element: etree._Element | None) -> str:
    """All text below an element, whatever is nested in it, with single spaces; "" for none."""
    if element is None:
        return ""
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: etree._Element) -> Iterator[str]:
    if len(element) == 0:
        yield element.text or ""
        return
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            yield from _pieces(child)
        elif isinstance(child, etree._Entity):
            yield _entity(child)
        yield child.tail or ""


def _entity(node: etree._Entity) -> str:
    # Never expanded by the parser; only the names HTML knows mean anything, and only one sign.
    name = str(node.text)
    meaning = unescape(name)
    return "" if meaning == name else meaning


def html_of(element: etree._Element | None) -> str | None:
    """The same text as HTML with `<i> <b> <sub> <sup>`; None when there is no such markup."""
    if element is None or not any(child.tag in KEPT for child in element.iterdescendants()):
        return None
    return " ".join("".join(_marked(element)).split())


def _marked(element: etree._Element) -> Iterator[str]:
    yield escape(element.text or "", quote=False)
    for child in element:
        if child.tag in KEPT:
            yield f"<{child.tag}>"
            yield from _marked(child)
            yield f"</{child.tag}>"
        elif isinstance(child.tag, str):
            yield from _marked(child)
        elif isinstance(child, etree._Entity):
            yield escape(_entity(child), quote=False)
        yield escape(child.tail or "", quote=False)


def text_at(element: etree._Element, *paths: str) -> str | None:
    """The text of the first path that holds any; None when none does."""
    for path in paths:
        for found in element.iterfind(path):
            if text := text_of(found):
                return text
    return None
