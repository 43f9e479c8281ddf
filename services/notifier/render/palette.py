"""The colours of the HTML digest, light and dark; every pair of text and ground meets WCAG AA."""

import functools
from typing import NamedTuple

from markupsafe import Markup


class Paint(NamedTuple):
    """Text colour, ground and border, each `#rrggbb` or `None` for what surrounds it."""

    ink: str | None = None
    ground: str | None = None
    border: str | None = None

    def css(self, end: str = ";") -> str:
        """The declarations, each closed by `end`."""
        names = ("color", "background-color", "border-color")
        return "".join(f"{n}:{v}{end}" for n, v in zip(names, self, strict=True) if v)


LIGHT = {
    "page": Paint("#1d2733", "#eff1ee"),
    "card": Paint("#1d2733", "#ffffff"),
    "muted": Paint("#55616d"),
    "link": Paint("#0a5a6e"),
    "title": Paint("#0b4a5c"),
    "rule": Paint(border="#dde2e0"),
    "quote": Paint(border="#b9d3d6"),
    "mark": Paint("#1d2733", "#ffefad"),
    "modality": Paint("#0b4a57", "#e1f0f1"),
    "disease": Paint("#4a2d73", "#efe9f6"),
    "evidence": Paint("#3c4639", "#eaeee8"),
    "alert": Paint("#7a1a12", "#fbe4e1"),
    "notice": Paint("#5f1710", "#fdf1ef", "#b42318"),
    "notice-link": Paint("#7a1a12"),
    "warning": Paint("#5c3d00", "#fff5dc", "#c98a00"),
    "warning-link": Paint("#5c3d00"),
    "bar": Paint(ground="#4a929e"),
    "button": Paint("#ffffff", "#0a5a6e"),
}
DARK = {
    "page": Paint("#e3e8eb", "#12171b"),
    "card": Paint("#e3e8eb", "#1b2228"),
    "muted": Paint("#a5b1ba"),
    "link": Paint("#7fc9d8"),
    "title": Paint("#a6dbe6"),
    "rule": Paint(border="#323c44"),
    "quote": Paint(border="#3c6670"),
    "mark": Paint("#fff1bf", "#5b4a12"),
    "modality": Paint("#b0e0e8", "#17404a"),
    "disease": Paint("#d8c7f2", "#382a52"),
    "evidence": Paint("#cdd6ca", "#2d3632"),
    "alert": Paint("#ffd0c9", "#5a231d"),
    "notice": Paint("#ffdcd6", "#3a1f1c", "#e06a5c"),
    "notice-link": Paint("#ffc2b8"),
    "warning": Paint("#ffe3a6", "#3a2f12", "#c9972b"),
    "warning-link": Paint("#ffe3a6"),
    "bar": Paint(ground="#4a929e"),
    "button": Paint("#0c2229", "#7fc9d8"),
}


@functools.lru_cache(maxsize=256)
def painted(name: str, css: str = "") -> Markup:
    """The `class` and `style` attributes of an element: light colours inline, dark by class.

    The colours come last, so that a border's colour stands after its `border` shorthand.
    """
    return Markup('class="{}" style="{}"').format(name, css + LIGHT[name].css())


@functools.cache
def dark_rules() -> Markup:
    """The rules of the `prefers-color-scheme: dark` block; they must beat inline styles."""
    rules = (f".{name}{{{paint.css('!important;')}}}" for name, paint in DARK.items())
    return Markup("\n".join(rules))  # noqa: S704 - our own constants
