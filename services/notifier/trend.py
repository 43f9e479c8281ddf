"""How a topic's articles were spread over approaches, month by month.

Pure. An article counts once, under the heading it has in a digest.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from services.notifier.digest import Series, Trend
from services.notifier.item import MODALITIES

MONTHS = 12
SERIES = 5
"""Approaches that are shown by themselves; the others are one series."""

OTHER = ("other", "Other approaches")

Counts = Mapping[tuple[str, int], int]
"""How many articles by month ("2026-09", or "2026" where no month is known) and place in
`MODALITIES`."""


def months(until: date, number: int = MONTHS) -> tuple[str, ...]:
    """The `number` months that end with that of `until`, the oldest first."""
    last = until.year * 12 + until.month - 1
    return tuple(f"{one // 12:04}-{one % 12 + 1:02}" for one in range(last - number + 1, last + 1))


def trend(counts: Counts, until: date) -> Trend | None:
    """The trend of the last twelve months; `None` when there was no article in them.

    What is dated ahead of `until`, as issues are, counts for the last month. What is dated to a
    year alone ("2026") has no place among its months, and is left out.
    """
    shown = months(until)
    rows: dict[int, list[int]] = {}
    for (month, place), number in counts.items():
        at = min(month, shown[-1])
        if at in shown:
            row = rows.setdefault(min(place, len(MODALITIES)), [0] * len(shown))
            row[shown.index(at)] += number
    if not rows:
        return None
    largest = sorted(rows, key=lambda place: (-sum(rows[place]), place))
    own = sorted(place for place in largest[:SERIES] if place < len(MODALITIES))
    series = [_series(MODALITIES[place], rows[place]) for place in own]
    rest = [rows[place] for place in rows if place not in own]
    if rest:
        series.append(_series(OTHER, [sum(column) for column in zip(*rest, strict=True)]))
    return Trend(months=shown, series=tuple(series))


def _series(named: tuple[str, str], counts: Sequence[int]) -> Series:
    return Series(modality=named[0], name=named[1], counts=tuple(counts))
