"""Authors out of PubMed XML: people and groups, with ORCID and every affiliation."""

import re
from typing import Any

from lxml import etree

from services.poller.text import text_of

_ORCID = re.compile(r"\d{4}-?\d{4}-?\d{4}-?\d{3}[\dX]", re.IGNORECASE)
_NAMES = {
    "LastName": "last_name",
    "ForeName": "fore_name",
    "Initials": "initials",
    "CollectiveName": "collective_name",
}
_NAMED = frozenset(_NAMES.values())


def read_authors(authors: etree._Element) -> list[dict[str, Any]]:
    """An `AuthorList` as `Author`s in their order, without those that have no name at all.

    `ValidYN="N"` marks a wrong spelling that was corrected beside it. Investigators are in a list
    of their own, and are no authors.
    """
    # One flat walk, where a record spends most of its time; the rare tags come last.
    found: list[dict[str, Any]] = []
    author: dict[str, Any] = {}
    for element in authors.iter():
        tag = element.tag
        if tag in _NAMES:
            if text := text_of(element):
                author[_NAMES[tag]] = text
        elif tag == "Affiliation":
            if text := text_of(element):
                author.setdefault("affiliations", []).append(text)
        elif tag == "Author":
            author = {}
            if element.get("ValidYN") != "N":
                found.append(author)
        elif tag == "Identifier" and element.get("Source") == "ORCID":
            author["orcid"] = orcid(text_of(element))
    return [author for author in found if not _NAMED.isdisjoint(author)]


def orcid(text: str) -> str | None:
    """An ORCID in its usual form, out of an address, with or without hyphens."""
    found = _ORCID.search(text)
    if found is None:
        return None
    digits = found[0].replace("-", "").upper()
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))
