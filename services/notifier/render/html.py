"""The HTML part of a digest mail, and how much of a digest fits into it."""

import functools

import nh3
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from services.notifier.compose import with_room
from services.notifier.digest import Digest, Item
from services.notifier.render import coverage, palette, words
from services.notifier.render.ties import tie_lines
from services.notifier.subject import subject

LIMIT = 100_000
"""Bytes of HTML. Gmail cuts a mail at 102 KB, the foot with the way out first."""

_MARKUP = {"i", "b", "em", "strong", "sub", "sup"}


def render(digest: Digest, unsubscribe_url: str | None = None) -> str:
    """The digest as one HTML page of at most `LIMIT` bytes.

    Notices are never cut: only if there are more than about a hundred is a page longer.
    """
    return fitted(digest, unsubscribe_url)[1]


def fitted(digest: Digest, unsubscribe_url: str | None = None) -> tuple[Digest, str]:
    """The digest as far as it fits, and its HTML.

    What is too much becomes "N more": of the background first, then the least related news.
    """
    page = _page(digest, unsubscribe_url)
    if _fits(page):
        return digest, page
    low, high = 0, len(digest.shown) + len(digest.background)
    while high - low > 1:
        room = (low + high) // 2
        if _fits(_page(with_room(digest, room), unsubscribe_url)):
            low = room
        else:
            high = room
    smaller = with_room(digest, low)
    return smaller, _page(smaller, unsubscribe_url)


def title_markup(item: Item) -> Markup:
    """The title with only the inline markup that PubMed uses; anything else is taken out."""
    kept = nh3.clean(item.title_html or "", tags=_MARKUP, attributes={}).strip()
    return Markup(kept) if kept else escape(item.title)  # noqa: S704 - sanitised just above


def _fits(page: str) -> bool:
    return len(page.encode()) <= LIMIT


def _page(digest: Digest, unsubscribe_url: str | None) -> str:
    template = _environment().get_template("digest/body.html.j2")
    return template.render(
        digest=digest,
        subject=subject(digest),
        leave=unsubscribe_url,
        words=words,
        tie_lines=tie_lines,
        coverage=coverage,
        painted=palette.painted,
        dark_rules=palette.dark_rules(),
        title_markup=title_markup,
    )


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("services.notifier"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
