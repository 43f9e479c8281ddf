"""Which of the records of one instant a search term, or a span of time, finds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from services.ncbi_sim.index import Hits, Index, bits_of, words_of
from services.ncbi_sim.record import Contents, Record
from shared.pubmed_query.tree import Term
from shared.pubmed_query.words import Words


@dataclass(frozen=True)
class Corpus:
    """The records of a view, for searching."""

    index: Index
    contents: Contents

    @cached_property
    def all(self) -> Hits:
        """All records of the view."""
        return bits_of(record.number for record in self.contents.records)

    def has_heading(self, words: Words) -> bool:
        """Whether PubMed knows this MeSH heading."""
        return words in self.index.headings

    def variants(self, word: str) -> Sequence[str]:
        """The forms of an untagged word that PubMed would search as well: singular and plurals."""
        return self.index.forms(word) or [word]

    def knows(self, term: Term) -> bool:
        """Whether PubMed knows the term's words, whatever it finds with them today.

        It knows what any record of the catalogue holds at any time: PubMed's own index is so large
        that a phrase does not come and go with single articles.
        """
        pattern = words_of(term.text)
        return bool(self.index.find(term.field.key, term.field.kind, pattern))

    def find(self, term: Term) -> Hits:
        """The records in which the term's field holds its words as written."""
        pattern = words_of(term.text)
        return self.index.find(term.field.key, term.field.kind, pattern) & self.all

    def find_word(self, word: str) -> Hits:
        """The records that hold the word, in singular or plural, in any field."""
        found = 0
        for form in self.variants(word):
            found |= self.index.find("all", "words", (form,))
        return found & self.all

    def within(self, datetype: str, first: datetime, last: datetime) -> Hits:
        """The records whose `crdt`, `edat`, `mdat` or `pdat` lies in the span, ends included."""
        return self.index.within(datetype, first, last) & self.all

    def of(self, pmids: Iterable[str]) -> Hits:
        """Those of these PMIDs that are there."""
        found = (self.contents.by_pmid.get(pmid) for pmid in pmids)
        return bits_of(record.number for record in found if record is not None)

    def records(self, hits: Hits) -> list[Record]:
        """The records of a set, most recent first."""
        size = max(hits.bit_length(), 1)
        mask = hits.to_bytes((size + 7) // 8, "little")
        return [
            record
            for record in self.contents.records
            if record.number < size and mask[record.number >> 3] >> (record.number & 7) & 1
        ]
