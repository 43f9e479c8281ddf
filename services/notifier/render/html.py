"""The HTML part of a digest mail, and how much of a digest fits into it."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from services.notifier.compose import with_room
from services.notifier.digest import Digest, Item
from services.notifier.render import coverage, palette, picture, summary, words
from services.notifier.render.environment import for_html
from services.notifier.render.links import NO_PAGES, Links
from services.notifier.render.pages import HELD, Entry, sections
from services.notifier.render.strips import Strip, size_of, strip, text_of
from services.notifier.render.ties import tie_lines
from services.notifier.render.titles import title_markup
from services.notifier.subject import subject

__all__ = ["LIMIT", "Fitted", "fitted", "render", "title_markup"]

LIMIT = 100_000
"""Bytes of HTML. Gmail cuts a mail at 102 KB, the foot with the way out first."""

_HERE = Markup("\0")
"""Stands for the address that takes feedback while an item's strips are made."""


class Fitted(NamedTuple):
    """A digest as far as it fits, and the strips of its HTML."""

    digest: Digest
    strips: Sequence[Strip]


def render(digest: Digest, links: Links = NO_PAGES) -> str:
    """The digest as one HTML page by itself, its picture in it: a mail's HTML in a file."""
    shown = fitted(digest, links).digest
    source = picture.inline(shown.trend) if shown.trend else ""
    return text_of(_strips(shown, links, source))


def fitted(digest: Digest, links: Links = NO_PAGES, picture_source: str = "") -> Fitted:
    """The digest as far as its HTML stays within `LIMIT` bytes.

    What is too much becomes "N more": of the background first, then the least related news.
    Notices are never cut: only if there are more than about a hundred is a page longer.
    `picture_source` is the address of the trend's picture; without one there is none.
    """
    strips = _strips(digest, links, picture_source)
    while (over := size_of(strips) - LIMIT) > 0 and (digest.shown or digest.background):
        digest = with_room(digest, _room(digest, over))
        strips = _strips(digest, links, picture_source)
    return Fitted(digest, strips)


def _room(digest: Digest, over: int) -> int:
    """How many items to keep so that the page is `over` bytes shorter, one less at least."""
    news = sorted(_placed(digest), key=lambda placed: (-placed[0].relatedness, -placed[0].pmid))
    in_turn = [*news, *((item, "") for item in digest.background)]
    while in_turn and over > 0:
        item, modality = in_turn.pop()
        over -= FORM.entry(item, modality, has_feedback=True).size
    return len(in_turn)


def _placed(digest: Digest) -> list[tuple[Item, str]]:
    grouped = [(item, group.modality) for group in digest.groups for item in group.items]
    return grouped + [(item, "") for item in digest.other]


def _strips(digest: Digest, links: Links, picture_source: str) -> list[Strip]:
    base = links.feedback_base
    feedback = strip(str(escape(base))) if base else None
    told = {
        "digest": digest,
        "doors": words.doors(links),
        "leave": links.leave,
        "words": words,
        "coverage": coverage,
        "painted": palette.painted,
    }
    return [
        strip(_head(digest, told, picture_source)),
        *sections(digest, FORM, links.permalink, feedback),
        strip(for_html().get_template("digest/foot.html.j2").render(told)),
    ]


def _head(digest: Digest, told: dict[str, Any], picture_source: str) -> str:
    shown = picture.shown(digest.trend, picture_source) if digest.trend and picture_source else None
    return for_html().get_template("digest/head.html.j2").render(
        **told,
        subject=subject(digest),
        summary=summary,
        picture=shown,
        dark_rules=palette.dark_rules(),
    )  # fmt: skip


class _Html:
    """The pieces of a page as HTML."""

    close = strip("</table>\n")

    def heading(self, text: str, number: int | None) -> Strip:
        return _heading(text, number)

    def note(self, text: str) -> Strip:
        return strip(_macro("note")(text, palette.painted))

    def opening(self) -> Strip:
        return _OPENING

    def entry(self, item: Item, modality: str, *, has_feedback: bool) -> Entry:
        return _entry(item, modality, has_feedback)

    def more(self, lead: str, items: tuple[Item, ...], listed: int) -> Strip:
        return strip(_macro("more")(lead, items, listed, words, palette.painted))

    def elsewhere(self, lead: str, url: str) -> Strip:
        return strip(_macro("elsewhere")(lead, url, words, palette.painted))


FORM = _Html()
_OPENING = strip('<table role="presentation" width="100%" cellpadding="0" cellspacing="0">\n')


@functools.lru_cache(maxsize=1024)
def _heading(text: str, number: int | None) -> Strip:
    return strip(_macro("section")(text, number, palette.painted))


@functools.lru_cache(maxsize=HELD)
def _entry(item: Item, modality: str, has_feedback: bool) -> Entry:
    feedback = _HERE + str(item.pmid) if has_feedback else ""
    whole = _macro("entry")(
        item, modality, feedback, words, tie_lines, palette.painted, title_markup
    )
    if not has_feedback:
        return Entry(strip(whole))
    before, _, after = str(whole).rpartition(_HERE)
    return Entry(strip(before), strip(after))


@functools.cache
def _parts() -> Any:
    return for_html().get_template("digest/parts.html.j2").module


def _macro(name: str) -> Any:
    return getattr(_parts(), name)
