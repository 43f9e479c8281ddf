"""PubMed XML to articles, record by record: one bad record is refused, the others proceed."""

import gzip
import io
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from lxml import etree
from pydantic import ValidationError

from services.poller.eutils.xml import SAFE, pmid_in
from services.poller.parts import Unreadable
from services.poller.records import pmid_of, read_record
from services.poller.stretches import LONGEST, Stretches
from shared.article import Article

_DELETED = ("DeleteCitation", "DeleteDocument")
_RECORDS = ("PubmedArticle", "PubmedBookArticle", "MedlineCitation", "BookDocument", *_DELETED)
_GZIP = b"\x1f\x8b"
Ended = Iterator[tuple[str, etree._Element]]
_PMID = re.compile(rb"<PMID[^>]*>\s*(\d{1,9})\s*</PMID>")

_READING: dict[str, Any] = {**SAFE, "remove_comments": True, "remove_pis": True}
"""Without comments in the tree, text without markup is one piece.

(`collect_ids=False` would save a little, and make libxml2 look for the DTD.)
"""


@dataclass(frozen=True)
class Refused:
    """A record that was not understood: which, why, and its bytes."""

    pmid: int | None
    reason: str
    raw: bytes


@dataclass(frozen=True)
class Deleted:
    """PMIDs that PubMed has taken out (`DeleteCitation`)."""

    pmids: tuple[int, ...]


@dataclass(frozen=True)
class Parsed:
    """What a document held. `deleted` are PMIDs that PubMed has taken out."""

    articles: tuple[Article, ...] = ()
    refused: tuple[Refused, ...] = ()
    deleted: tuple[int, ...] = ()


def open_records(path: Path) -> AbstractContextManager[BinaryIO]:
    """A file of records, plain or gzip; its first bytes tell which, not its name.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return cast("BinaryIO", gzip.open(path)) if packed else path.open("rb")


def unpacked(source: BinaryIO) -> BinaryIO:
    """A stream that cannot be opened again (stdin), read as a file of records is."""
    buffered = io.BufferedReader(cast("io.RawIOBase", source))
    packed = buffered.peek(2)[:2] == _GZIP
    return cast("BinaryIO", gzip.open(buffered) if packed else buffered)


def read_stream(source: BinaryIO) -> Iterator[Article | Refused | Deleted]:
    """The records of a document in its order, in memory that does not grow with it.

    Never raises for what is in the bytes: a broken record is refused, and the others proceed. A
    document that breaks off yields what was whole, then one `Refused` without PMID that says where
    it broke and what came before.
    """
    before = 0
    stretches = Stretches(source)
    try:
        for result in _records(stretches):
            yield result
            before += 1
    except _BreaksOffError as broken:
        where = f"the document breaks off after {before} records, past byte {stretches.at}"
        place = where if stretches.head or before else "no PubMed XML"
        yield Refused(pmid=None, reason=f"{place}: {broken.why}", raw=broken.raw)


def parse_records(xml: bytes) -> Parsed:
    """Read a whole answer: a PubmedArticleSet, or the single records of older files.

    Never raises for what is in the bytes. Of an answer that breaks off, the record it broke in is
    refused under its PMID.
    """
    parsed = _collect(read_stream(io.BytesIO(xml))) if xml.strip() else Parsed()
    return replace(parsed, refused=tuple(map(_named, parsed.refused)))


def _named(refused: Refused) -> Refused:
    named = _PMID.search(refused.raw) if refused.pmid is None else None
    return replace(refused, pmid=int(named[1])) if named else refused


class _BreaksOffError(Exception):
    """A document that ends before its end, or cannot be read on."""

    def __init__(self, why: str, raw: bytes) -> None:
        super().__init__(why)
        self.why = why
        self.raw = raw


def _records(stretches: Stretches) -> Iterator[Article | Refused | Deleted]:
    if not stretches.head:
        yield from _by_tree(stretches.onwards(b""), stretches)
        return
    parser = etree.XMLParser(**_READING)
    for stretch in stretches:
        try:
            yield from _read_all(stretches.document(stretch), parser)
        except etree.XMLSyntaxError:
            if b"<!" in stretch or b"<?" in stretch:  # then a cut can be at the wrong place
                yield from _by_tree(stretches.onwards(stretch), stretches)
                return
            yield from _one_by_one(stretches, stretch, parser)
    yield from _last(stretches, parser)


def _last(stretches: Stretches, parser: etree.XMLParser) -> Iterator[Article | Refused | Deleted]:
    try:
        yield from _read_all(stretches.head + stretches.rest, parser)
    except etree.XMLSyntaxError as error:
        raise _BreaksOffError(stretches.fault or str(error.msg), stretches.rest) from error
    if stretches.fault:
        raise _BreaksOffError(stretches.fault, b"")


def _one_by_one(
    stretches: Stretches, stretch: bytes, parser: etree.XMLParser
) -> Iterator[Article | Refused | Deleted]:
    for record in stretches.records(stretch):
        try:
            yield from _read_all(stretches.document(record), parser)
        except etree.XMLSyntaxError as error:
            named = _PMID.search(record)
            pmid = int(named[1]) if named else None
            yield Refused(pmid, f"not well-formed: {error.msg}", record)


def _read_all(document: bytes, parser: etree.XMLParser) -> Iterator[Article | Refused | Deleted]:
    root = etree.fromstring(document, parser)
    return (_read(element) for element in root if element.tag in _RECORDS)


def _by_tree(
    pieces: Iterator[bytes], stretches: Stretches
) -> Iterator[Article | Refused | Deleted]:
    """Each record as it ends in the tree; what was read is dropped. For all unusual documents."""
    parser = etree.XMLPullParser(events=("end",), tag=_RECORDS, **_READING)
    since, last = 0, b""
    for piece in chain(filter(None, pieces), (b"",)):
        fault = _feed(parser, piece)
        last = piece or last
        since += len(piece)
        for _, element in cast("Ended", parser.read_events()):
            since = 0
            parent = element.getparent()
            if parent is None or parent.tag not in _RECORDS:
                yield _read(element)
                _drop(element)
        if since > LONGEST:
            fault = f"no record ends within {LONGEST} bytes"
        if fault:
            raise _BreaksOffError(stretches.fault or fault, b"" if since > LONGEST else last)


def _feed(parser: etree.XMLPullParser, piece: bytes) -> str | None:
    """Feed a piece, or nothing at the end. What is wrong with it, if anything."""
    try:
        if piece:
            parser.feed(piece)
        else:
            parser.close()
    except etree.XMLSyntaxError as error:
        return str(error.msg)
    return None


def _drop(element: etree._Element) -> None:
    parent = element.getparent()
    element.clear()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _read(element: etree._Element) -> Article | Refused | Deleted:
    if element.tag in _DELETED:
        numbers = (pmid_in(pmid.text) for pmid in element.iterfind("PMID"))
        return Deleted(tuple(filter(None, numbers)))
    try:
        return read_record(element)
    except Unreadable as error:
        reason = str(error)
    except ValidationError as error:
        places = (".".join(map(str, fault["loc"])) for fault in error.errors(include_url=False))
        reason = f"fields out of range: {', '.join(places)}"
    except Exception as error:  # noqa: BLE001  a record nobody foresaw must not stop all the others
        reason = f"not understood ({type(error).__name__}: {error}): mend the parser"
    return Refused(pmid_of(element), reason, etree.tostring(element, with_tail=False))


def _collect(results: Iterator[Article | Refused | Deleted]) -> Parsed:
    articles: list[Article] = []
    refused: list[Refused] = []
    deleted: list[int] = []
    for result in results:
        if isinstance(result, Article):
            articles.append(result)
        elif isinstance(result, Refused):
            refused.append(result)
        else:
            deleted += result.pmids
    return Parsed(tuple(articles), tuple(refused), tuple(deleted))
