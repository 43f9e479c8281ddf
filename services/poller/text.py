"""Text out of PubMed XML: all of it, through any markup, in one line."""

from collections.abc import Iterator, Mapping
from html import escape, unescape

from lxml import etree

KEPT = frozenset({"i", "b", "sub", "sup"})
"""The inline markup that a title may keep; these names are the same in HTML."""


def text_of(element: etree._Element | None) -> str:
    """All text below an element, whatever is nested in it, with single spaces; "" for none."""
    if element is None:
        return ""
    text = _deep_text(element) if len(element) else element.text
    if text is None or text.isalpha():
        return text or ""
    if len(text) > _LONG and _in_one_line(text):
        return text.strip()
    return " ".join(text.split())


def _deep_text(element: etree._Element) -> str:
    # libxml2 collects it many times faster, but would expand entities.
    if next(element.iter(etree.Entity), None) is None:
        return etree.tostring(element, method="text", encoding="unicode", with_tail=False)
    return "".join(_pieces(element))


_LONG = 60
"""Characters from which it is faster to look for odd white space than to split at all of it."""


_ODD_SPACES = "\t\n\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""White space that XML allows, but for the plain one."""


def _in_one_line(text: str) -> bool:
    if "  " in text:
        return False
    if text.isascii():  # XML has no other white space there
        return "\n" not in text and "\t" not in text and "\r" not in text
    return not any(sign in text for sign in _ODD_SPACES)


def _pieces(element: etree._Element) -> Iterator[str]:
    # As deep as the markup is nested: libxml2 refuses what is deeper than 256.
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
    if element is None or not len(element):
        return None
    if not any(child.tag in KEPT for child in element.iterdescendants()):
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


def texts_of(parent: etree._Element, tag: str) -> tuple[str, ...]:
    """The texts of the children with this tag, in order, without the empty ones."""
    return tuple([text for child in parent.iterchildren(tag) if (text := text_of(child))])


def texts_named(parent: etree._Element, names: Mapping[str, str]) -> dict[str, str]:
    """The texts of children under the names given for their tags.

    Empty ones are left out; of several with the same tag the first counts.
    """
    found: dict[str, str] = {}
    for child in parent:
        name = names.get(child.tag)
        if name is not None and name not in found and (text := text_of(child)):
            found[name] = text
    return found
