"""The picture of a trend: the same bytes, small, legible, and said in words."""

from datetime import date
from io import BytesIO

import pytest
from PIL import Image

from services.notifier.digest import Series, Trend
from services.notifier.render import html, picture, text
from services.notifier.render.summary import trend_words
from services.notifier.trend import months
from tests.contrast import contrast
from tests.unit.notifier.digests import a_digest, a_label, an_entry

YEAR = months(date(2026, 9, 14))


def a_trend(*series: tuple[str, tuple[int, ...]]) -> Trend:
    return Trend(
        months=YEAR,
        series=tuple(
            Series(modality=name.lower(), name=name, counts=counts) for name, counts in series
        ),
    )


BUSY = a_trend(
    *((f"Approach number {n}", tuple((n * 7 + m * 5) % 13 for m in range(12))) for n in range(6))
)
QUIET = a_trend(("CAAR-T", (0,) * 11 + (1,)))


@pytest.mark.parametrize("trend", [BUSY, QUIET], ids=["busy", "quiet"])
def test_it_is_a_small_picture_of_twice_the_size_shown(trend: Trend) -> None:
    content = picture.png(trend)

    assert len(content) < 15_000
    with Image.open(BytesIO(content)) as image:
        assert image.format == "PNG"
        assert image.size == (2 * picture.WIDTH, 2 * picture.HEIGHT)


def test_the_same_trend_gives_the_same_bytes_and_another_one_others() -> None:
    again = Trend.model_validate_json(BUSY.model_dump_json())
    picture.png.cache_clear()
    before = picture.png(BUSY)
    picture.png.cache_clear()

    assert picture.png(again) == before
    assert picture.png(QUIET) != before


def test_every_series_has_its_colour_in_the_picture_and_it_stands_out() -> None:
    with Image.open(BytesIO(picture.png(BUSY))) as image:
        raw = image.convert("RGB").tobytes()
    seen = {tuple(raw[at : at + 3]) for at in range(0, len(raw), 3)}
    wanted = [tuple(bytes.fromhex(colour[1:])) for colour in picture.COLOURS]

    for colour, name in zip(wanted, picture.COLOURS, strict=True):
        assert min(_distance(colour, one) for one in seen) < 12
        assert contrast(name, picture.GROUND) >= 3


def _distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    "trend",
    [
        a_trend(("A" * 400, (5,) * 12)),
        a_trend(("CAAR-T", (100_000,) * 12)),
        a_trend(("Größe, 細胞 \u202e", (1,) * 12)),
    ],
    ids=["long", "many", "foreign"],
)
def test_odd_names_and_large_numbers_can_be_drawn(trend: Trend) -> None:
    assert picture.png(trend)


def test_who_does_not_see_it_reads_its_numbers() -> None:
    told = trend_words(a_trend(("CAAR-T", (0,) * 9 + (2, 0, 1)), ("CAR-NK", (1,) * 12)))

    assert told == (
        "Articles a month by approach, Oct 2025 to Sep 2026: "
        "CAAR-T 3 in all (0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1); "
        "CAR-NK 12 in all (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)."
    )


def test_a_page_by_itself_holds_the_picture_and_the_text_its_numbers() -> None:
    digest = a_digest(an_entry(1, a_label())).model_copy(update={"trend": QUIET})

    assert f'<img src="{picture.inline(QUIET)}"' in html.render(digest)
    assert trend_words(QUIET) in html.render(digest)
    assert "CAAR-T  0  0  0  0  0  0  0  0  0  0  0  1    1 in all\n" in text.render(digest)
