from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from services.notifier.archive.asked import Answer, Asked, answer
from services.notifier.archive.index import Card
from services.notifier.archive.plots import (
    HEIGHT,
    NONE,
    OTHER,
    SERIES,
    SHADES,
    SHOWN_MONTHS,
    WIDTH,
    by_month,
    drawn,
    heat,
)  # fmt: skip
from services.notifier.archive.shelf import Labelled, shelf

DAY = date(2026, 9, 7)


def _card(pmid: int, month: str = "2026-09") -> Card:
    return Card(
        pmid=pmid, revision=1, status="published", scope="core", journal="", month=month,
        entered=DAY, found=DAY, preprint=False, background=False, relations="", relatedness=0.5,
    )  # fmt: skip


def _label(facet: str, name: str, *pmids: int) -> Labelled:
    return facet, name, name.upper(), pmids


def _found(months: dict[int, str], *labelled: Labelled, asked: Asked | None = None) -> Answer:
    cards = [_card(pmid, month) for pmid, month in sorted(months.items(), reverse=True)]
    return answer(shelf(cards, labelled), asked or Asked())


def _series(found: Answer) -> dict[str, Sequence[int]]:
    plot = by_month(found)
    assert plot
    return {one.name: one.counts for one in plot.series}


def test_an_article_counts_once_under_its_first_approach() -> None:
    found = _found(
        {1: "2026-07", 2: "2026-09", 3: "2026-09"},
        _label("modality", "caar-t", 1, 2), _label("modality", "car-t-general", 1, 2),
    )  # fmt: skip

    assert _series(found) == {"CAAR-T": (1, 0, 1), NONE: (0, 0, 1)}


def test_what_is_older_than_the_picture_is_counted_and_said() -> None:
    plot = by_month(_found({1: "2019-03", 2: "2024-10", 3: "2026-09", 4: "2018"}))

    assert plot
    assert (plot.months[0], plot.months[-1], plot.before) == ("2024-10", "2026-09", 2)
    assert len(plot.months) == SHOWN_MONTHS
    assert sum(plot.totals) == 2


def test_months_without_any_are_there() -> None:
    plot = by_month(_found({1: "2025-11", 2: "2026-02"}))

    assert plot
    assert plot.months == ("2025-11", "2025-12", "2026-01", "2026-02")


def test_rare_approaches_are_taken_together() -> None:
    ids = (
        "cd19-car-t",
        "bcma-car-t",
        "caar-t",
        "car-treg",
        "car-nk",
        "mrna-car",
        "in-vivo-car",
        "pmhc-car-t",
    )
    pmids = iter(range(1, 1000))
    rows = [
        _label("modality", one, *(next(pmids) for _ in range(20 - at)))
        for at, one in enumerate(ids)
    ]
    found = _found(dict.fromkeys(range(1, next(pmids)), "2026-09"), *rows)

    series = _series(found)

    assert len(series) == SERIES + 1
    assert list(series)[-1] == OTHER
    assert sum(counts[0] for counts in series.values()) == found.total


def test_the_picture_follows_the_filters() -> None:
    rows = (_label("modality", "caar-t", 1), _label("modality", "car-nk", 2))
    asked = Asked(values={"modality": ("car-nk",)})

    assert _series(_found({1: "2026-09", 2: "2026-09"}, *rows, asked=asked)) == {"CAR-NK": (1,)}


def test_bars_stand_on_each_other_inside_the_drawing() -> None:
    found = _found(
        {pmid: f"2026-0{pmid % 9 + 1}" for pmid in range(1, 60)},
        _label("modality", "caar-t", *range(1, 40)),
    )
    plot = by_month(found)
    assert plot

    drawing = drawn(plot)

    for bar in drawing.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH
        assert bar.y >= 0
        assert bar.y + bar.height <= HEIGHT
    columns: dict[float, list[tuple[float, float]]] = {}
    for bar in drawing.bars:
        columns.setdefault(bar.x, []).append((bar.y, bar.height))
    for column in columns.values():
        for (lower, _), (upper, height) in pairwise(column):
            assert abs(upper + height - lower) <= 0.11
    assert drawing.lines[0][1] == 0
    assert max(value for _, value in drawing.lines) >= max(plot.totals)
    assert len(drawing.lines) <= 5


def test_diseases_by_approach_count_every_pair() -> None:
    found = _found(
        dict.fromkeys(range(1, 5), "2026-09"),
        _label("modality", "caar-t", 1, 2, 3), _label("modality", "car-nk", 1),
        _label("disease", "sle", 1, 2), _label("disease", "mg", 3, 4),
    )  # fmt: skip

    table = heat(found)

    assert table
    assert table.columns == (("caar-t", "CAAR-T"), ("car-nk", "CAR-NK"))
    cells = {disease: [(cell.count, cell.shade) for cell in row] for disease, _, row in table.rows}
    assert cells == {"mg": [(1, 3), (0, 0)], "sle": [(2, SHADES), (1, 3)]}


def test_nothing_found_is_no_picture() -> None:
    nothing = _found({})

    assert by_month(nothing) is None
    assert heat(nothing) is None
    assert by_month(_found({1: "2019"})) is None
