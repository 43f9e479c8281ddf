"""A document cut into stretches of whole records while it is read, without parsing it.

Each stretch is then parsed as a small document of its own. That is a fifth faster than to have
libxml2 report the end of every record, keeps memory flat whatever the size of the file, and leaves
a broken record to its own stretch. A cut at the wrong place (the end of a record inside a comment
or CDATA) leaves a stretch that is not well-formed, so it cannot go unseen.
"""

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from lxml import etree

from services.poller.eutils.xml import parse_xml

ENOUGH = 64 * 1024
"""Bytes of a stretch, at the least. Shorter ones cost more for being many; the trees of longer ones
do not stay in the processor's cache until they have been read."""

LONGEST = 8 * 1024 * 1024
"""Bytes of a record, at the most. The longest known (PMID 33761533) has 1.8 MB."""

_FIRST = re.compile(
    rb"<(PubmedArticle|PubmedBookArticle|MedlineCitation|BookDocument|Delete\w+)(?=[\s>])"
)
_ROOT = re.compile(rb"<([A-Za-z][\w.-]*)(?:\s[^<>]*)?>\s*\Z")
_ALONE = {b"MedlineCitation": (b"MedlineCitation",), b"BookDocument": (b"BookDocument",)}
_USUAL = (b"PubmedArticle", b"PubmedBookArticle")
_LONGEST_HEAD = 64 * 1024
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)


class Stretches:
    """The stretches of one document; `rest` is what follows the last of them.

    `head` is what stands before the first record (declaration, document type, root) and belongs
    before every stretch. It is empty where a document is not built as usual; then its pieces mean
    nothing. `at` counts the bytes handed out; `fault` says why the source ended before its end.
    """

    def __init__(self, source: BinaryIO) -> None:
        # read1 hands out what a broken gzip file held before it broke; read would lose it.
        self._read: Callable[[int], bytes] = getattr(source, "read1", source.read)
        self.head, self.rest, self.at = b"", b"", 0
        self.fault: str | None = None
        self._closing = b""
        self._kinds: tuple[bytes, ...] = _USUAL
        self._open()

    def __iter__(self) -> Iterator[bytes]:
        """Stretches in order, each ending with a whole record."""
        more, least = True, ENOUGH
        while more:
            more = self._fill(least)
            end = self._last_end() if self.head else len(self.rest)
            least = ENOUGH if end else len(self.rest) + ENOUGH
            if end:
                stretch, self.rest = self.rest[:end], self.rest[end:]
                self.at += end
                yield stretch
            elif len(self.rest) > LONGEST:
                self.fault = f"no record ends within {LONGEST} bytes"
                return

    def document(self, stretch: bytes) -> bytes:
        """A stretch as a document: it, and each record in it, can be parsed by itself."""
        return b"".join((self.head, stretch, self._closing))

    def records(self, stretch: bytes) -> Iterator[bytes]:
        """The records of a stretch, also those that are not well-formed."""
        kinds = b"|".join(self._kinds)
        record = rb"<(%b)(?=[\s>]).*?(?:</\1>|(?=<(?:%b)[\s>])|\Z)" % (kinds, kinds)
        return (found[0] for found in re.finditer(record, stretch, re.DOTALL))

    def onwards(self, stretch: bytes) -> Iterator[bytes]:
        """The document from a stretch on, in pieces, without what came before it."""
        yield self.head
        yield stretch
        yield from self
        yield self.rest

    def _open(self) -> None:
        first = None
        while first is None and len(self.rest) < _LONGEST_HEAD and self._fill(len(self.rest) + 1):
            first = _FIRST.search(self.rest)
        root = _ROOT.search(self.rest, 0, first.start()) if first else None
        if first is None or root is None or not self._stands(root[1], first.start()):
            return
        self.head, self.rest = self.rest[: first.start()], self.rest[first.start() :]
        self.at = len(self.head)
        self._kinds = _ALONE.get(first[1], _USUAL)

    def _stands(self, root: bytes, end: int) -> bool:
        """Whether all that is open before the first record is the root."""
        self._closing = b"</" + root + b">"
        try:
            parse_xml(self.rest[:end] + self._closing)
        except etree.XMLSyntaxError:
            return False
        return True

    def _fill(self, least: int) -> bool:
        """Read on until so many bytes are there. False when the source has no more."""
        pieces = [self.rest]
        length = len(self.rest)
        more = True
        while more and length < least:
            piece = self._piece()
            pieces.append(piece)
            length += len(piece)
            more = bool(piece)
        self.rest = b"".join(pieces)
        return more

    def _piece(self) -> bytes:
        try:
            return self._read(ENOUGH)
        except _BROKEN as error:
            self.fault = str(error)
            return b""

    def _last_end(self) -> int:
        """Where the last whole record ends; the second kind is looked for only if need be."""
        for kind in self._kinds:
            end = b"</" + kind + b">"
            found = self.rest.rfind(end)
            if found >= 0:
                return found + len(end)
        return 0
