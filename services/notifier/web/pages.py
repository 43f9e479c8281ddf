"""How a page is made: templates with autoescape, on the one frame, `web/base.html.j2`."""

import functools
import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from services.notifier.web.house import House

STATIC = Path(__file__).parents[1] / "static"
"""Where the style sheet and the icon are; they are served as `/static/...`."""


def page(
    house: House,
    template: str,
    told: Mapping[str, object] | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """A page of `templates/web`, such as `home.html.j2`, with what it is told.

    Every template knows `root`, the path before all our own links, `is_open`, `style`, and `here`,
    its place in the navigation, which `told` may set.
    """
    known = {
        "root": root(house),
        "is_open": house.doors.is_open,
        "style": _style(),
        "here": "",
    }
    text = _environment().get_template(f"web/{template}").render({**known, **(told or {})})
    return HTMLResponse(text, status, dict(headers or {}))


def root(house: House) -> str:
    """The path under which the pages are found, without a last slash: mostly nothing."""
    return urlsplit(house.public_url).path.rstrip("/")


@functools.cache
def _style() -> str:
    """A style sheet that has changed is asked for anew."""
    return hashlib.sha256((STATIC / "carillon.css").read_bytes()).hexdigest()[:12]


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("services.notifier"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"day": day, "instant": instant, "local": local, "plural": plural}
    return made


def day(value: date) -> str:
    """A day as people write it: "7 September 2026"."""
    return f"{value.day} {value:%B %Y}"


def instant(value: datetime) -> str:
    """A moment, to the minute: "7 September 2026, 05:30 UTC"."""
    at = value.astimezone(UTC)
    return f"{day(at)}, {at:%H:%M} UTC"


def local(value: datetime, zone: ZoneInfo) -> str:
    """A moment by the clock of its reader: "Monday, 7 September 2026, 07:00"."""
    at = value.astimezone(zone)
    return f"{at:%A}, {day(at)}, {at:%H:%M}"


def plural(number: int, word: str) -> str:
    """So many of a thing: "1 article", "2 articles"."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
