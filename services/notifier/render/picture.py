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

WIDTH, HEIGHT = 520, 320
"""Pixels as shown; it is drawn twice as large, for sharp screens."""

_SCALE = 2
COLOURS = ("#0b5d6e", "#c9780f", "#6a4c93", "#35875a", "#b8443a", "#7d8994")
"""One a series, told apart by hue and by lightness; 3 to 1 at least against the ground."""

GROUND, _INK, _QUIET, _RULE = "#f8faf9", "#1d2733", "#55616d", "#d5dcda"
_LEFT, _RIGHT, _TOP, _BOTTOM, _KEY = 42, 506, 52, 204, 256
"""Where the columns stand, and from where down the names of the series."""


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
    canvas = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), GROUND)
    drawn = ImageDraw.Draw(canvas)
    _text(drawn, (16, 27), trend_title(trend), _INK, 15)
    _scale_lines(drawn, trend)
    _key(drawn, trend)
    for place in range(len(trend.months)):
        _column(drawn, trend, place)
    small = canvas.quantize(colors=24, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    held = BytesIO()
    small.save(held, "PNG", optimize=True)
    return held.getvalue()


def _scale_lines(drawn: ImageDraw.ImageDraw, trend: Trend) -> None:
    top = _ceiling(trend)
    for number in (0, top // 2, top) if top > 1 else (0, top):
        height = _BOTTOM - _height(trend, number)
        _box(drawn, (_LEFT, height, _RIGHT, height + 0.5), _RULE)
        _text(drawn, (_LEFT - 8, height), str(number), _QUIET, 13, "rm")


def _column(drawn: ImageDraw.ImageDraw, trend: Trend, place: int) -> None:
    step = (_RIGHT - _LEFT) / len(trend.months)
    left, at = _LEFT + place * step + 5, 0
    for series, colour in zip(trend.series, COLOURS, strict=False):
        number = series.counts[place]
        low, high = _BOTTOM - _height(trend, at), _BOTTOM - _height(trend, at + number)
        if number:
            _box(drawn, (left, high, left + step - 10, low - 1), colour)
        at += number
    middle, month = left + step / 2 - 5, trend.months[place]
    if at:
        _text(drawn, (middle, _BOTTOM - _height(trend, at) - 5), str(at), _INK, 13, "ms")
    _text(drawn, (middle, _BOTTOM + 17), MONTHS[int(month[5:]) - 1], _QUIET, 13, "ms")
    if place == 0 or month.endswith("-01"):
        _text(drawn, (middle, _BOTTOM + 33), month[:4], _QUIET, 13, "ms")


def _key(drawn: ImageDraw.ImageDraw, trend: Trend) -> None:
    """Names and sums in two columns, from the lowest part of a column to the highest."""
    for place, (series, colour) in enumerate(zip(trend.series, COLOURS, strict=False)):
        left, top = 16 + place % 2 * 250, _KEY + place // 2 * 20
        _box(drawn, (left, top, left + 12, top + 12), colour)
        _text(drawn, (left + 20, top + 11), _named(series), _INK, 13, "ls")


def _named(series: Series) -> str:
    return f"{series.name[:24]}  {sum(series.counts)}"


def _ceiling(trend: Trend) -> int:
    """The largest column, rounded up to an even number."""
    most = max(map(sum, zip(*(one.counts for one in trend.series), strict=True)))
    return most + most % 2 if most > 1 else 1


def _height(trend: Trend, number: int) -> float:
    return (_BOTTOM - _TOP - 4) * number / _ceiling(trend)


def _box(drawn: ImageDraw.ImageDraw, box: tuple[float, float, float, float], colour: str) -> None:
    left, top, right, bottom = (round(edge * _SCALE) for edge in box)
    drawn.rectangle((left, min(top, bottom), right, bottom), fill=colour)


def _text(
    drawn: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    colour: str,
    size: int,
    anchor: str = "ls",
) -> None:
    """With a rim of the ground, so that no line runs through it."""
    place = (at[0] * _SCALE, at[1] * _SCALE)
    drawn.text(place, text, colour, _font(size), anchor, stroke_width=4, stroke_fill=GROUND)


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * _SCALE)
