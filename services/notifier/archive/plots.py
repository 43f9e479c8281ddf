"""What a search finds, counted for pictures: approaches by month, diseases by approach. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.notifier.archive.asked import Answer
from services.notifier.digest import Trend
from services.notifier.item import MODALITIES, MONTHS

SHOWN_MONTHS = 24
SERIES = 6
"""Approaches with a colour of their own: more cannot be told apart."""

ROWS = 12
COLUMNS = 8
OTHER = "Other approaches"
NONE = "No approach named"

WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 8, 10, 34
_FLOOR = HEIGHT - _BOTTOM
SHADES = 5


@dataclass(frozen=True)
class Series:
    """How many articles of one approach there were in each month; an article counts once."""

    label: str | None
    name: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Months:
    """The last months in which something was found, and how many articles are from `before`."""

    months: tuple[str, ...]
    series: tuple[Series, ...]
    before: int

    @property
    def totals(self) -> tuple[int, ...]:
        """Articles of each month."""
        return tuple(map(sum, zip(*(one.counts for one in self.series), strict=True)))


def by_month(answer: Answer) -> Months | None:
    """Approaches by month of what was found; `None` when no month of it is known."""
    bits = answer.shelf.bits["month"]
    known = sorted(
        month for month, some in bits.items() if len(month) == 7 and some & answer.chosen
    )
    if not known:
        return None
    months = _until(known[-1], known[0])
    placed = _placed(answer)
    rows = [
        Series(label, name, tuple((some & bits.get(month, 0)).bit_count() for month in months))
        for label, name, some in placed
    ]
    series = _largest([one for one in rows if any(one.counts)])
    shown = sum(sum(one.counts) for one in series)
    return Months(months, series, answer.total - shown)


def _until(last: str, first: str) -> tuple[str, ...]:
    end, start = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (last, first))
    begin = max(start, end - SHOWN_MONTHS + 1)
    return tuple(f"{at // 12:04}-{at % 12 + 1:02}" for at in range(begin, end + 1))


def _placed(answer: Answer) -> list[tuple[str | None, str, int]]:
    """Each approach with the articles that have it first, in the order of a digest."""
    bits, left = answer.shelf.bits["modality"], answer.chosen
    placed: list[tuple[str | None, str, int]] = []
    for label, name in _modalities(answer):
        placed.append((label, name, left & bits.get(label, 0)))
        left &= ~bits.get(label, 0)
    return [*placed, (None, NONE, left)]


def _modalities(answer: Answer) -> list[tuple[str, str]]:
    named = {
        label: name for (facet, label), name in answer.shelf.names.items() if facet == "modality"
    }
    first = [label for label, _ in MODALITIES if label in named]
    return [(label, named[label]) for label in (*first, *sorted(set(named) - set(first)))]


def _largest(rows: Sequence[Series]) -> tuple[Series, ...]:
    ranked = sorted(rows, key=lambda one: -sum(one.counts) if one.label else 0)
    own = [one for one in ranked if one.label][:SERIES]
    rest = [one for one in rows if one not in own and one.label]
    kept = [one for one in rows if one in own]
    if rest:
        sums = tuple(map(sum, zip(*(one.counts for one in rest), strict=True)))
        kept.append(rest[0] if len(rest) == 1 else Series(None, OTHER, sums))
    return (*kept, *(one for one in rows if one.label is None))


def of_trend(trend: Trend) -> Months:
    """The trend that a digest tells, as it was then."""
    series = tuple(Series(one.modality, one.name, one.counts) for one in trend.series)
    return Months(trend.months, series, 0)


@dataclass(frozen=True)
class Bar:
    """One part of a month's bar; `paint` is the place of its series, from 0."""

    x: float
    y: float
    width: float
    height: float
    paint: int
    title: str


@dataclass(frozen=True)
class Drawing:
    """Bars and the marks of both axes, in units of a drawing of `WIDTH` by `HEIGHT`."""

    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, int], ...]
    ticks: tuple[tuple[float, str], ...]
    years: tuple[tuple[float, str], ...]


def drawn(plot: Months) -> Drawing:
    """The bars of a plot, the first series at the bottom."""
    top = _round_up(max(plot.totals))
    step = (WIDTH - _LEFT - _RIGHT) / max(len(plot.months), 6)
    unit = (HEIGHT - _TOP - _BOTTOM) / top
    middle = {month: round(_LEFT + (at + 0.5) * step, 1) for at, month in enumerate(plot.months)}
    return Drawing(
        bars=tuple(bar for at in range(len(plot.months)) for bar in _stack(plot, at, step, unit)),
        lines=tuple((round(_FLOOR - value * unit, 1), value) for value in _marks(top)),
        ticks=tuple((x, MONTHS[int(month[5:]) - 1]) for month, x in middle.items()),
        years=tuple(
            (x, month[:4])
            for month, x in middle.items()
            if month == plot.months[0] or month.endswith("-01")
        ),
    )


def _stack(plot: Months, at: int, step: float, unit: float) -> Iterator[Bar]:
    x, y, month = _LEFT + (at + 0.12) * step, float(_FLOOR), month_name(plot.months[at])
    for paint, one in enumerate(plot.series):
        height = one.counts[at] * unit
        y -= height
        if height:
            size = (round(x, 1), round(y, 1), round(step * 0.76, 1), round(height, 1))
            yield Bar(*size, paint, f"{month}: {one.name}, {one.counts[at]}")


def month_name(month: str) -> str:
    """As in "Sep 2026"; a year alone stays as it is."""
    return f"{MONTHS[int(month[5:]) - 1]} {month[:4]}" if len(month) == 7 else month


def _round_up(value: int) -> int:
    step = _step(value)
    return -(-value // step) * step


def _step(value: int) -> int:
    """The distance of four or fewer marks: 1, 2 or 5, and so on times ten."""
    unit = 1
    while unit * 20 < value:
        unit *= 10
    return unit * next(times for times in (1, 2, 5) if unit * times * 4 >= value)


def _marks(top: int) -> range:
    return range(0, top + 1, _step(top))


@dataclass(frozen=True)
class Cell:
    """How many articles have both labels; `shade` is 0 for none, up to `SHADES` for the most."""

    count: int
    shade: int
    modality: str
    disease: str


@dataclass(frozen=True)
class Heat:
    """Diseases by approach, the most frequent of each; an article counts wherever it belongs."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, str, tuple[Cell, ...]], ...]
    more_diseases: int


def heat(answer: Answer) -> Heat | None:
    """Diseases by approach of what was found; `None` when nothing has both."""
    diseases, common = _frequent(answer, "disease"), _frequent(answer, "modality")[:COLUMNS]
    columns = [(label, name) for label, name in _modalities(answer) if label in common]
    counts = {
        disease: [_both(answer, disease, label) for label, _ in columns]
        for disease in diseases[:ROWS]
    }
    most = max((max(row) for row in counts.values() if row), default=0)
    if not most:
        return None
    rows = tuple(
        (disease, answer.shelf.names["disease", disease], _cells(row, columns, disease, most))
        for disease, row in counts.items()
    )
    return Heat(tuple(columns), rows, max(0, len(diseases) - ROWS))


def _cells(
    row: Sequence[int], columns: Sequence[tuple[str, str]], disease: str, most: int
) -> tuple[Cell, ...]:
    return tuple(
        Cell(count, -(-count * SHADES // most), label, disease)
        for count, (label, _) in zip(row, columns, strict=True)
    )


def _both(answer: Answer, disease: str, modality: str) -> int:
    return (_of(answer, "disease", disease) & _of(answer, "modality", modality)).bit_count()


def _of(answer: Answer, facet: str, label: str) -> int:
    return answer.shelf.bits[facet].get(label, 0) & answer.chosen


def _frequent(answer: Answer, facet: str) -> list[str]:
    counts = {label: _of(answer, facet, label).bit_count() for label in answer.shelf.bits[facet]}
    found = [label for label, count in counts.items() if count]
    return sorted(found, key=lambda label: (-counts[label], label))
