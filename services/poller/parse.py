"""PubMed XML to articles, record by record: one bad record is refused, the others proceed."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from lxml import etree
from pydantic import ValidationError

from services.poller.eutils.xml import SAFE, parse_xml, pmid_in
from services.poller.parts import Unreadable
from services.poller.records import pmid_of, read_record
from shared.article import Article

_RECORDS = ("PubmedArticle", "PubmedBookArticle", "MedlineCitation", "DeleteCitation")
_WHOLE = re.compile(rb"<(PubmedArticle|PubmedBookArticle)(?=[\s>]).*?(?:</\1>|\Z)", re.DOTALL)
_GZIP = b"\x1f\x8b"
_PMID = re.compile(rb"<PMID[^>]*>\s*(\d{1,9})\s*</PMID>")


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


def read_stream(source: BinaryIO) -> Iterator[Article | Refused | Deleted]:
    """The records of a document in its order, in memory that does not grow with it.

    Never raises for what is in the bytes. A document that breaks off, or is broken, yields what
    was whole, then one `Refused` without PMID that says where it broke and what came before.
    """
    before = 0
    try:
        for result in _stream(source):
            yield result
            before += 1
    except (etree.XMLSyntaxError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = f"the document breaks off after {before} records: {error}"
        yield Refused(pmid=None, reason=reason, raw=b"")


def parse_records(xml: bytes) -> Parsed:
    """Read a PubmedArticleSet (or the single records of older files).

    Never raises for what is in the bytes. Where the document itself is broken, its records are
    taken one by one, so that only the broken ones are refused.
    """
    if not xml.strip():
        return Parsed()
    try:
        return _collect(_stream(io.BytesIO(xml)))
    except etree.XMLSyntaxError as error:
        pieces = list(_pieces(xml, str(error.msg)))
        return _collect(iter(pieces)) if pieces else Parsed(refused=(_broken(xml, error),))


def _broken(xml: bytes, error: etree.XMLSyntaxError) -> Refused:
    return Refused(pmid=None, reason=f"not well-formed: {error.msg}", raw=xml)


def _stream(source: BinaryIO) -> Iterator[Article | Refused | Deleted]:
    """Each record as it ends; what was read is dropped, so that memory stays flat."""
    for _, element in etree.iterparse(source, events=("end",), tag=_RECORDS, **SAFE):
        parent = element.getparent()
        if element.tag == "MedlineCitation" and parent is not None and parent.tag in _RECORDS:
            continue
        yield _read(element)
        element.clear(keep_tail=False)
        while parent is not None and element.getprevious() is not None:
            del parent[0]


def _pieces(xml: bytes, fault: str) -> Iterator[Article | Refused | Deleted]:
    for found in _WHOLE.finditer(xml):
        try:
            yield _read(parse_xml(found[0]))
        except etree.XMLSyntaxError as error:
            pmid = _PMID.search(found[0])
            reason = f"not well-formed: {error.msg or fault}"
            yield Refused(int(pmid[1]) if pmid else None, reason, found[0])


def _read(element: etree._Element) -> Article | Refused | Deleted:
    if element.tag == "DeleteCitation":
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
