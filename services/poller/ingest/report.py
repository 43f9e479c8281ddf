"""What became of each file, for the person who gave it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.poller.ingest.apply import Applied
from services.poller.ingest.sift import Sifted

State = Literal["applied", "read", "known", "broken", "refused", "skipped"]


@dataclass(frozen=True)
class Report:
    """One file. `read` is a file that was looked at and not taken in; `counts` as `counts_of`.

    `complaints` are records that were not understood, the first few of them.
    """

    name: str
    size: int
    state: State
    counts: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    error: str | None = None

    @property
    def well(self) -> bool:
        """Whether nothing of the file was refused or left out."""
        return self.error is None and not self.counts.get("refused")


def counts_of(sifted: Sifted, applied: Applied) -> dict[str, int]:
    """Records by what became of them.

    `deleted` are articles of the topic that were taken out, `parked` those of the `refused`
    records that seem to be the topic's.
    """
    return {
        "records": sifted.records,
        "matched": sifted.matched,
        "new": applied.new,
        "revised": applied.revised,
        "deleted": applied.deleted,
        "refused": sifted.refused,
        "parked": sifted.parked,
    }


NOTHING = counts_of(Sifted(), Applied())
