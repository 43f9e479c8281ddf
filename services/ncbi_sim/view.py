"""The catalogue as PubMed would show it at one instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from services.ncbi_sim.catalogue import RecordedQuery
from services.ncbi_sim.match import Corpus
from services.ncbi_sim.record import Contents, Record


@dataclass(frozen=True)
class Links:
    """The links of a catalogue, whether or not their articles have entered yet."""

    seed: int
    similar: Sequence[tuple[str, int]] = ()
    citing: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class View:
    """What the catalogue holds at `now` (an aware instant)."""

    now: datetime
    corpus: Corpus
    links: Links
    queries: Sequence[RecordedQuery] = ()

    @property
    def contents(self) -> Contents:
        """The records, and the stubs of deleted ones."""
        return self.corpus.contents

    @property
    def today(self) -> date:
        """The simulated day in UTC."""
        return self.now.astimezone(UTC).date()

    @property
    def seed(self) -> int:
        """The PMID the similarity links are about."""
        return self.links.seed

    @property
    def records(self) -> Sequence[Record]:
        """All records, most recent first."""
        return self.contents.records

    @property
    def by_pmid(self) -> Mapping[str, Record]:
        """The records under their PMID as text."""
        return self.contents.by_pmid
