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
    found = [_author(element) for element in authors if element.get("ValidYN") != "N"]
    return [author for author in found if not _NAMED.isdisjoint(author)]


def _author(element: etree._Element) -> dict[str, Any]:
    # The loop that a record spends most of its time in: the rare tags come last.
    author: dict[str, Any] = {}
    for child in element:
        tag = child.tag
        if tag in _NAMES:
            if text := text_of(child):
                author[_NAMES[tag]] = text
        elif tag == "AffiliationInfo":
            for part in child:
                if part.tag == "Affiliation":
                    _affiliation(author, part)
        elif tag == "Identifier":
            if child.get("Source") == "ORCID":
                author["orcid"] = orcid(text_of(child))
        elif tag == "Affiliation":  # as it stood before 2015
            _affiliation(author, child)
    return author


def _affiliation(author: dict[str, Any], element: etree._Element) -> None:
    if text := text_of(element):
        if "affiliations" in author:
            author["affiliations"].append(text)
        else:
            author["affiliations"] = [text]


def orcid(text: str) -> str | None:
    """An ORCID in its usual form, out of an address, with or without hyphens."""
    found = _ORCID.search(text)
    if found is None:
        return None
    digits = found[0].replace("-", "").upper()
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))
