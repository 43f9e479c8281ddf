"""The words of a digest's summary: what is usual, what is new here, how it went over the months."""

import functools

from services.notifier.digest import Digest, First, Trend
from services.notifier.item import MONTHS, clean
from services.notifier.render.words import counted

_EPONYMS = ("Sjogren", "Sjögren", "Behcet", "Behçet", "Crohn", "Graves", "Hashimoto")
_NAMES = 24
_DAYS = {"weekly": (6, 8), "monthly": (27, 32)}
"""Days, at least and at most, of a period that compares with what is usual for its cadence."""


def summary(digest: Digest) -> tuple[str, ...]:
    """Sentences below the headline: compared with the usual, and what is a first."""
    return (*_usual(digest), *(_first(first) for first in digest.firsts))


def _usual(digest: Digest) -> tuple[str, ...]:
    usual = digest.usual
    if usual is None:
        return ()
    low, high = usual.low, usual.high
    span = f"{low} to {high}" if low != high else str(low)
    tail = f"{span} a {usual.unit} over the last {counted(usual.over, usual.unit)}."
    return (f"{_compared(digest, low, high)}: {tail}",)


def _compared(digest: Digest, low: int, high: int) -> str:
    """Only a week's number is compared with weeks, and a month's with months."""
    days = (digest.period_to - digest.period_from).days
    least, most = _DAYS.get(digest.cadence, (1, 0))
    if digest.catch_up_from or not least <= days <= most:
        return "Usual"
    if digest.total > high:
        return "More than usual"
    return "Fewer than usual" if digest.total < low else "As usual"


def _first(first: First) -> str:
    return f"First {_within(clean(first.modality))} in {_within(clean(first.disease))} here."


def _within(name: str) -> str:
    """A name inside a sentence: small, unless it is an abbreviation or somebody's name."""
    word = name.split(" ", 1)[0]
    if word in _EPONYMS or not word[1:].islower():
        return name
    return name[0].lower() + name[1:]


def trend_title(trend: Trend) -> str:
    """What the picture shows."""
    first, last = (_month(month) for month in (trend.months[0], trend.months[-1]))
    return f"Articles a month by approach, {first} to {last}"


@functools.lru_cache(maxsize=64)
def trend_lines(trend: Trend) -> tuple[str, ...]:
    """The numbers of the picture, a line for each approach, in columns."""
    width = max(min(len(one.name), _NAMES) for one in trend.series)
    return tuple(
        f"{one.name[:_NAMES]:<{width}}"
        + "".join(f"{n:>3}" for n in one.counts)
        + f"{sum(one.counts):>5} in all"
        for one in trend.series
    )


@functools.lru_cache(maxsize=64)
def trend_words(trend: Trend) -> str:
    """The numbers of the picture in words, for those who do not see it."""
    told = (
        f"{one.name} {sum(one.counts)} in all ({', '.join(map(str, one.counts))})"
        for one in trend.series
    )
    return f"{trend_title(trend)}: {'; '.join(told)}."


def _month(month: str) -> str:
    return f"{MONTHS[int(month[5:]) - 1]} {month[:4]}"
