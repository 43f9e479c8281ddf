"""The HTML part of a digest mail, and how much of a digest fits into it."""

import functools

import nh3
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from services.notifier.digest import Digest, Item, narrowed, subject
from services.notifier.render import coverage, palette, words

LIMIT = 100_000
"""Bytes of HTML. Gmail cuts a mail at 102 KB, the foot with the way out first."""

_MARKUP = {"i", "b", "em", "strong", "sub", "sup"}


def render(digest: Digest, unsubscribe_url: str | None = None) -> str:
    """The digest as one HTML page of at most `LIMIT` bytes.

    Notices are never cut: only if there are more than about a hundred is a page longer.
    """
    return fitted(digest, unsubscribe_url)[1]


def fitted(digest: Digest, unsubscribe_url: str | None = None) -> tuple[Digest, str]:
    """The digest as far as it fits, and its HTML; the least related items become "N more"."""
    page = _page(digest, unsubscribe_url)
    if _fits(page):
        return digest, page
    low, high = 0, len(digest.shown)
    while high - low > 1:
        room = (low + high) // 2
        if _fits(_page(narrowed(digest, room), unsubscribe_url)):
            low = room
        else:
            high = room
    smaller = narrowed(digest, low)
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
