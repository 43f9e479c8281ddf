"""The HTML part of a digest mail, and how much of a digest fits into it."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from services.notifier.compose import with_notices, with_room
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

NOTICE = 1_000
"""About as many bytes as a notice takes with a long title."""

_HERE = Markup("\0")
"""Stands for what is a reader's own while the strips around it are made."""


class Fitted(NamedTuple):
    """A digest as far as it fits, and the strips of its HTML."""

    digest: Digest
    strips: Sequence[Strip]


def render(digest: Digest, links: Links = NO_PAGES) -> str:
    """The digest as one HTML page by itself, its picture in it: a mail's HTML in a file."""
    shown = fitted(digest, links).digest
    source = picture.inline(shown.trend) if shown.trend else ""
    return text_of(_frame(shown, links, source).around(shown))


def fitted(digest: Digest, links: Links = NO_PAGES, picture_source: str = "") -> Fitted:
    """The digest as far as its HTML stays within `LIMIT` bytes.

    What is too much becomes "N more": of the background first, then the least related news.
    Notices come last, and only where the digest's own page has the rest: that takes more than a
    hundred. `picture_source` is the address of the trend's picture; without one there is none.
    """
    frame = _frame(digest, links, picture_source)
    strips = frame.around(digest)
    while (over := size_of(strips) - LIMIT) > 0 and (digest.shown or digest.background):
        digest = with_room(digest, _room(digest, over))
        strips = frame.around(digest)
    while (over := size_of(strips) - LIMIT) > 0 and digest.notices and links.permalink:
        digest = with_notices(digest, len(digest.notices) - 1 - over // NOTICE)
        strips = _frame(digest, links, picture_source).around(digest)
    return Fitted(digest, strips)


class _Frame(NamedTuple):
    """What of a page stays as it is, however many items have room."""

    head: Sequence[Strip]
    foot: Strip
    permalink: str | None
    feedback: Strip | None

    def around(self, digest: Digest) -> list[Strip]:
        """The page with the items of this digest."""
        return [*self.head, *sections(digest, FORM, self.permalink, self.feedback), self.foot]


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


def _frame(digest: Digest, links: Links, picture_source: str) -> _Frame:
    base = links.feedback_base
    told = {
        "digest": digest,
        "doors": words.doors(links),
        "leave": links.leave,
        "permalink": links.permalink,
        "words": words,
        "coverage": coverage,
    }
    foot = for_html().get_template("digest/foot.html.j2").render(told)
    feedback = strip(str(escape(base))) if base else None
    return _Frame(_head(digest, told, picture_source), strip(foot), links.permalink, feedback)


def _head(digest: Digest, told: dict[str, Any], picture_source: str) -> tuple[Strip, ...]:
    shown = picture.shown(digest.trend, picture_source) if digest.trend and picture_source else None
    head = for_html().get_template("digest/head.html.j2")
    before, after = _top()
    title = strip(str(escape(subject(digest))))
    return before, title, after, strip(head.render(told, summary=summary, picture=shown))


@functools.cache
def _top() -> tuple[Strip, Strip]:
    """All before the body, parted where the title stands: the same for everybody."""
    top = for_html().get_template("digest/top.html.j2")
    before, _, after = top.render(here=_HERE, dark_rules=palette.dark_rules()).partition(_HERE)
    return strip(before), strip(after)


class _Html:
    """The pieces of a page as HTML."""

    close = strip("</table>\n")

    def heading(self, text: str, number: int | None) -> Strip:
        return _heading(text, number)

    def note(self, text: str) -> Strip:
        return strip(_macro("note")(text))

    def opening(self) -> Strip:
        return _OPENING

    def entry(self, item: Item, modality: str, *, has_feedback: bool) -> Entry:
        return _entry(item, modality, has_feedback)

    def more(self, lead: str, items: tuple[Item, ...], listed: int) -> Strip:
        return strip(_macro("more")(lead, items, listed, words))

    def elsewhere(self, lead: str, url: str) -> Strip:
        return strip(_macro("elsewhere")(lead, url, words))


FORM = _Html()
_OPENING = strip('<table role="presentation" width="100%" cellpadding="0" cellspacing="0">\n')


@functools.lru_cache(maxsize=1024)
def _heading(text: str, number: int | None) -> Strip:
    return strip(_macro("section")(text, number))


@functools.lru_cache(maxsize=HELD)
def _entry(item: Item, modality: str, has_feedback: bool) -> Entry:
    feedback = _HERE + str(item.pmid) if has_feedback else ""
    whole = _macro("entry")(item, modality, feedback, words, tie_lines, title_markup)
    if not has_feedback:
        return Entry(strip(whole))
    before, _, after = str(whole).rpartition(_HERE)
    return Entry(strip(before), strip(after))


@functools.cache
def _parts() -> Any:
    return for_html().get_template("digest/parts.html.j2").module


def _macro(name: str) -> Any:
    return getattr(_parts(), name)
