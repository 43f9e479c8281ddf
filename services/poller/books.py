"""The parts that only books and their chapters have."""

from lxml import etree

from services.poller.parts import (
    COMMON,
    Fields,
    Reader,
    electronic,
    location,
    publication_type,
    published,
    read_parts,
)
from services.poller.people import read_authors
from services.poller.text import html_of, text_of


def document(element: etree._Element, fields: Fields) -> None:
    """A `BookDocument`: a chapter, or a book as a whole, which then has the title of the book."""
    read_parts(element, _DOCUMENT, fields)
    if not fields.get("title"):
        fields["title"], fields["title_html"] = fields.get("_book", ("", None))
    for authors in ("_authors", "_first_authors", "_book_authors"):
        if authors in fields:
            fields["authors"] = fields[authors]
            break


def _book(element: etree._Element, fields: Fields) -> None:
    read_parts(element, _BOOK, fields)


def _book_title(element: etree._Element, fields: Fields) -> None:
    fields["_book"] = text_of(element), html_of(element)
    fields["journal"]["title"] = text_of(element)


def _volume(element: etree._Element, fields: Fields) -> None:
    fields["journal"]["volume"] = text_of(element) or None


def _authors(element: etree._Element, fields: Fields) -> None:
    """A chapter may list its editors beside its authors."""
    name = "_authors" if element.get("Type") == "authors" else "_first_authors"
    fields.setdefault(name, read_authors(element))


def _book_authors(element: etree._Element, fields: Fields) -> None:
    """Those of the book, which may be editors, for what has none of its own."""
    fields.setdefault("_book_authors", read_authors(element))


_DOCUMENT: dict[str, Reader] = {
    **COMMON,
    "Book": _book,
    "AuthorList": _authors,
    "PublicationType": publication_type,
    "ContributionDate": electronic,
}

_BOOK: dict[str, Reader] = {
    "BookTitle": _book_title,
    "PubDate": published,
    "AuthorList": _book_authors,
    "Volume": _volume,
    "ELocationID": location,
}
