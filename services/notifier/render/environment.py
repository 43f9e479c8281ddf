"""The two template environments: for markup, where everything is escaped, and for plain text."""

import functools
import textwrap
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.notifier.item import plain
from services.notifier.render.palette import painted

WIDTH = 76
"""Columns of the text part."""


@functools.cache
def for_html() -> Environment:
    """Templates of HTML, with the filter `painted`: a filter of constants costs nothing."""
    environment = Environment(
        loader=PackageLoader("services.notifier"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=legal,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["painted"] = painted
    return environment


@functools.cache
def for_text() -> Environment:
    """Templates of text, with the filters `wrapped` and `underlined`."""
    environment = Environment(
        loader=PackageLoader("services.notifier"),
        autoescape=False,  # noqa: S701 - text is not markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters.update(wrapped=wrapped, underlined=underlined)
    return environment


def legal(value: Any) -> Any:
    """A text without control characters and half signs, however they came in; markup as it is."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def wrapped(text: str, indent: int = 0, hanging: int | None = None) -> str:
    """The text in lines of at most `WIDTH`; an address that is longer stays whole."""
    text = plain(text)
    if indent + len(text) <= WIDTH:
        return " " * indent + text
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if hanging is None else hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )


def underlined(text: str, sign: str) -> str:
    """A heading: the text with a line of signs below."""
    text = plain(text)
    return f"{text}\n{sign * min(len(text), WIDTH)}"
