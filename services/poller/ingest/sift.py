"""One file read and filtered, in a worker process: what is the topic's goes into a spool."""

import zlib
from array import array
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO

from services.poller.ingest.sieve import Criteria, Sieve
from services.poller.ingest.spool import Gone, Item, Spoiled, Taken, line_of
from services.poller.parse import Deleted, Refused, open_records, read_stream
from shared.article import Article

COMPLAINTS = 5
"""So many refused records are told one by one; the others are counted."""

_BREAKS_OFF = ("the document breaks off", "no PubMed XML")
"""How `read_stream` begins to say that what it gave is not all, or nothing."""


@dataclass
class Sifted:
    """What was in a file.

    `records` counts articles, `matched` the topic's of them, and `known` those of these that it
    knew when the reading began. `deleted` counts PMIDs that were taken out, `refused` the records
    that were not understood, `parked` those of them that seem to be the topic's. `newest` is the
    last day on which NLM touched a record. `passed` are the PMIDs (unsigned 32-bit) of records
    that are not the topic's. `broken` says where the file broke off.
    """

    records: int = 0
    matched: int = 0
    known: int = 0
    deleted: int = 0
    refused: int = 0
    parked: int = 0
    newest: date | None = None
    passed: "array[int]" = field(default_factory=lambda: array("I"))
    complaints: tuple[str, ...] = ()
    broken: str | None = None


def sift(path: Path, spool: Path, criteria: Criteria) -> Sifted:
    """Read a file, and write into `spool` what is the topic's of it. Memory stays flat."""
    sifted = Sifted()
    with spool.open("wb") as out:
        reading = _Reading(Sieve(criteria), sifted, out)
        try:
            with open_records(path) as source:
                for record in read_stream(source):
                    reading.take(record)
        except OSError as error:
            sifted.broken = f"it cannot be read after {sifted.records} records: {error}"
    if not (sifted.records or sifted.deleted or sifted.refused or sifted.broken):
        sifted.broken = "there is no record in it"  # a web page that says so, and not NLM's file
    return sifted


def seed_references(path: Path, seed: int) -> tuple[int, ...] | None:
    """What the seed cites, as its record in this file says; None when that is not in it."""
    if not _mentions(path, str(seed).encode()):
        return None
    found: tuple[int, ...] | None = None
    with open_records(path) as source:
        for record in read_stream(source):
            if isinstance(record, Article) and record.pmid == seed:
                found = record.references
    return found


def _mentions(path: Path, digits: bytes) -> bool:
    """Whether the digits are anywhere in the file: looking is much quicker than parsing."""
    before = b""
    try:
        with open_records(path) as source:
            while piece := source.read(1 << 20):
                if digits in before + piece:
                    return True
                before = piece[-len(digits) :]
    except (OSError, EOFError, zlib.error):
        return False
    return False


@dataclass(frozen=True)
class _Reading:
    sieve: Sieve
    sifted: Sifted
    out: BinaryIO

    def take(self, record: Article | Refused | Deleted) -> None:
        if isinstance(record, Article):
            self._article(record)
        elif isinstance(record, Deleted):
            self.sifted.deleted += len(record.pmids)
            self._keep(Gone(pmids=record.pmids))
        elif record.pmid is None and record.reason.startswith(_BREAKS_OFF):
            self.sifted.broken = record.reason
        else:
            self._refused(record)

    def _article(self, article: Article) -> None:
        sifted = self.sifted
        sifted.records += 1
        if article.revised_on:
            sifted.newest = max(article.revised_on, sifted.newest or article.revised_on)
        reasons = self.sieve.takes(article)
        if reasons is None:
            sifted.passed.append(article.pmid)
            return
        sifted.matched += 1
        sifted.known += article.pmid in self.sieve.criteria.known
        self._keep(Taken(article=article, reasons=reasons))

    def _refused(self, record: Refused) -> None:
        sifted = self.sifted
        sifted.refused += 1
        if len(sifted.complaints) < COMPLAINTS:
            sifted.complaints += (f"PMID {record.pmid or 'unknown'}: {record.reason}",)
        reasons = self.sieve.doubts(record)
        if reasons is not None:
            sifted.parked += 1
            self._keep(
                Spoiled(pmid=record.pmid, reason=record.reason, raw=record.raw, reasons=reasons)
            )

    def _keep(self, item: Item) -> None:
        self.out.write(line_of(item))
