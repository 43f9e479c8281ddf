"""The picture of a trend: articles by approach, month by month, as stacked columns.

Drawn from the stored counts alone and with the font that Pillow brings, so that the same trend
gives the same bytes. Its ground is its own, so that it can be read on light and dark alike.
"""

import base64
import functools
from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from services.notifier.digest import Series, Trend
from services.notifier.item import MONTHS
from services.notifier.render.summary import trend_title, trend_words

WIDTH, HEIGHT = 608, 252
"""Pixels as shown; it is drawn twice as large, for sharp screens."""

_SCALE = 2
_COLOURS = ("#0b5d6e", "#c9780f", "#6a4c93", "#35875a", "#b8443a", "#7d8994")
"""One a series, told apart by hue and by lightness; 3 to 1 at least against the ground."""

_GROUND, _INK, _QUIET, _RULE = "#f8faf9", "#1d2733", "#55616d", "#d5dcda"
_LEFT, _TOP, _BOTTOM, _KEY = 40, 40, 212, 430
"""Where the columns stand, and where the names of the series begin."""


class Shown(NamedTuple):
    """An `img`: its address, its size as shown, and what it says in words."""

    source: str
    width: int
    height: int
    words: str


def shown(trend: Trend, source: str) -> Shown:
    """The picture as a page shows it."""
    return Shown(source, WIDTH, HEIGHT, trend_words(trend))


def inline(trend: Trend) -> str:
    """The picture as an address that holds it (RFC 2397), for a page by itself."""
    return f"data:image/png;base64,{base64.b64encode(png(trend)).decode()}"


@functools.lru_cache(maxsize=64)
def png(trend: Trend) -> bytes:
    """The picture as PNG, of `2 * WIDTH` by `2 * HEIGHT` pixels."""
    canvas = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), _GROUND)
    drawn = ImageDraw.Draw(canvas)
    _text(drawn, (16, 12), trend_title(trend), _INK, 13)
    _scale_lines(drawn, trend)
    _key(drawn, trend)
    for place in range(len(trend.months)):
        _column(drawn, trend, place)
    small = canvas.quantize(colors=32, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    held = BytesIO()
    small.save(held, "PNG", optimize=True)
    return held.getvalue()


def _scale_lines(drawn: ImageDraw.ImageDraw, trend: Trend) -> None:
    top = _ceiling(trend)
    for number in {0, top // 2, top} if top > 1 else {0, top}:
        height = _height(trend, number)
        _box(drawn, (_LEFT, _BOTTOM - height, _KEY - 22, _BOTTOM - height + 0.5), _RULE)
        _text(drawn, (_LEFT - 8, _BOTTOM - height), str(number), _QUIET, 11, "rm")


def _column(drawn: ImageDraw.ImageDraw, trend: Trend, place: int) -> None:
    step = (_KEY - 26 - _LEFT) / len(trend.months)
    left, at = _LEFT + place * step + 4, 0
    for series, colour in zip(trend.series, _COLOURS, strict=False):
        number = series.counts[place]
        low, high = _BOTTOM - _height(trend, at), _BOTTOM - _height(trend, at + number)
        if number:
            _box(drawn, (left, high, left + step - 8, low - 1), colour)
        at += number
    middle = left + step / 2 - 4
    if at:
        _text(drawn, (middle, _BOTTOM - _height(trend, at) - 3), str(at), _INK, 11, "ms")
    month = trend.months[place]
    _text(drawn, (middle, _BOTTOM + 14), MONTHS[int(month[5:]) - 1], _QUIET, 11, "ms")
    if place == 0 or month.endswith("-01"):
        _text(drawn, (middle, _BOTTOM + 28), month[:4], _QUIET, 11, "ms")


def _key(drawn: ImageDraw.ImageDraw, trend: Trend) -> None:
    """Names and sums, in the order in which the parts of a column lie."""
    for place, (series, colour) in enumerate(zip(trend.series, _COLOURS, strict=False)):
        top = _BOTTOM - 14 - place * 24
        _box(drawn, (_KEY, top, _KEY + 11, top + 11), colour)
        _text(drawn, (_KEY + 18, top + 6), _named(series), _INK, 12, "lm")


def _named(series: Series) -> str:
    return f"{series.name[:20]}  {sum(series.counts)}"


def _ceiling(trend: Trend) -> int:
    """The largest column, rounded up to an even number."""
    most = max(map(sum, zip(*(one.counts for one in trend.series), strict=True)))
    return most + most % 2 if most > 1 else 1


def _height(trend: Trend, number: int) -> float:
    return (_BOTTOM - _TOP - 12) * number / _ceiling(trend)


def _box(drawn: ImageDraw.ImageDraw, box: tuple[float, float, float, float], colour: str) -> None:
    left, top, right, bottom = (round(edge * _SCALE) for edge in box)
    drawn.rectangle((left, min(top, bottom), right, bottom), fill=colour)


def _text(
    drawn: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    colour: str,
    size: int,
    anchor: str = "lt",
) -> None:
    """With a rim of the ground, so that no line runs through it."""
    place = (at[0] * _SCALE, at[1] * _SCALE)
    drawn.text(place, text, colour, _font(size), anchor, stroke_width=4, stroke_fill=_GROUND)


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * _SCALE)
