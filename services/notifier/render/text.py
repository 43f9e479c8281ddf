"""The plain-text part of a digest mail: what the HTML part says, in 76 columns."""

import functools
import textwrap

from jinja2 import Environment, PackageLoader, StrictUndefined

from services.notifier.digest import Digest, Item
from services.notifier.render import coverage, words
from services.notifier.render.html import fitted
from services.notifier.render.ties import tie_lines

WIDTH = 76


def render(digest: Digest, unsubscribe_url: str | None = None) -> str:
    """The digest as text, with the items that its HTML has room for."""
    return page(fitted(digest, unsubscribe_url)[0], unsubscribe_url)


def page(digest: Digest, unsubscribe_url: str | None = None) -> str:
    """The text of a digest that is already known to fit."""
    template = _environment().get_template("digest/body.txt.j2")
    return template.render(
        digest=digest,
        leave=unsubscribe_url,
        words=words,
        coverage=coverage,
        starred=starred,
        tie_lines=tie_lines,
    )


def starred(item: Item) -> str:
    """The evidence sentence with the marked words between asterisks."""
    return "".join(f"*{text}*" if marked else text for text, marked in words.quote_pieces(item))


def _wrapped(text: str, indent: int = 0, hanging: int | None = None) -> str:
    """The text in lines of at most `WIDTH`; an address that is longer stays whole."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if hanging is None else hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _underlined(text: str, sign: str) -> str:
    return f"{text}\n{sign * min(len(text), WIDTH)}"


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("services.notifier"),
        autoescape=False,  # noqa: S701 - text is not markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(wrapped=_wrapped, underlined=_underlined)
    return environment
