"""Which of the files are taken in, which were before, and which are refused. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from services.poller.ingest.checksum import Checked
from services.poller.ingest.files import latest, missing_before, place_of

Step = Literal["apply", "known", "refused", "skipped"]


@dataclass(frozen=True)
class Wishes:
    """How the files are to be taken in.

    `again`: also those that were before. `require_md5`: none without a sum beside it. `dry_run`:
    only look at them, and write nothing.
    """

    again: bool = False
    require_md5: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Past:
    """What was taken in before: the SHA-256 of files, and their names."""

    sha256: Collection[str] = ()
    names: Collection[str] = ()


@dataclass(frozen=True)
class Planned:
    """One file, and what is done with it; `error` says why it is not taken in."""

    path: Path
    checked: Checked
    step: Step
    warnings: tuple[str, ...] = ()
    error: str | None = None


@dataclass
class _Order:
    """What was seen on the way through the files: the first that was refused, and numbers."""

    refused: str | None = None
    before: dict[int, int] = field(default_factory=dict)


def plan(files: Sequence[tuple[Path, Checked]], past: Past, wishes: Wishes) -> tuple[Planned, ...]:
    """Decide on each file, in order. After one that is refused none is taken in.

    A later file may take back what an earlier one says: with a hole before it, it would be
    applied to something else than NLM applied it to.
    """
    order = _Order(before=dict(latest(past.names)))
    return tuple(_decide(path, checked, (past, wishes), order) for path, checked in files)


def _decide(path: Path, checked: Checked, given: tuple[Past, Wishes], order: _Order) -> Planned:
    past, wishes = given
    if order.refused:
        return Planned(path, checked, "skipped", error=skipped_after(order.refused))
    if checked.sums.sha256 in past.sha256 and not wishes.again:
        return Planned(path, checked, "known")
    error = checked.error
    if wishes.require_md5 and not checked.has_md5:
        error = f"{path.name}: there is no {path.name}.md5 beside it; download it too"
    if error:
        order.refused = path.name
        return Planned(path, checked, "refused", error=error)
    warnings = tuple(_warnings(path, checked, order.before))
    if place := place_of(path.name):
        order.before[place.year] = max(place.number, order.before.get(place.year, 0))
    return Planned(path, checked, "apply", warnings)


def _warnings(path: Path, checked: Checked, before: Mapping[int, int]) -> list[str]:
    found = []
    if not checked.has_md5:
        found.append(f"no {path.name}.md5 beside it: taken in as it is")
    if gap := missing_before(path.name, before):
        one = f"number {gap[0]} was"
        named = one if len(gap) == 1 else f"numbers {gap[0]} to {gap[-1]} were"
        found.append(f"{named} never taken in: what changed there is missing")
    return found


def skipped_after(name: str) -> str:
    """Why a file is not taken in that itself may be well."""
    return f"not taken in: it comes after {name}, and the order of the files matters"
