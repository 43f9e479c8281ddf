"""The plain-text part of a digest mail: what the HTML part says, in 76 columns."""

import functools
from collections.abc import Sequence
from typing import Any

from services.notifier.digest import Digest, Item
from services.notifier.render import coverage, summary, words
from services.notifier.render.environment import for_text, underlined, wrapped
from services.notifier.render.html import fitted
from services.notifier.render.links import NO_PAGES, Links
from services.notifier.render.pages import HELD, Entry, sections
from services.notifier.render.strips import EMPTY, Strip, strip, text_of
from services.notifier.render.ties import tie_lines


def render(digest: Digest, links: Links = NO_PAGES) -> str:
    """The digest as text, with the items that its HTML has room for."""
    return text_of(strips(fitted(digest, links).digest, links))


def strips(digest: Digest, links: Links = NO_PAGES) -> Sequence[Strip]:
    """The text of a digest that is already known to fit, in pieces."""
    base = links.feedback_base
    told = {
        "digest": digest,
        "doors": words.doors(links),
        "leave": links.leave,
        "permalink": links.permalink,
        "words": words,
        "coverage": coverage,
        "summary": summary,
    }
    return [
        strip(for_text().get_template("digest/head.txt.j2").render(told)),
        *sections(digest, _FORM, links.permalink, strip(base) if base else None),
        strip(for_text().get_template("digest/foot.txt.j2").render(told)),
    ]


def starred(item: Item) -> str:
    """The evidence sentence with the marked words between asterisks."""
    return "".join(f"*{text}*" if marked else text for text, marked in words.quote_pieces(item))


class _Text:
    """The pieces of a page as text."""

    close = EMPTY

    def heading(self, text: str, number: int | None) -> Strip:
        return _heading(text, number)

    def note(self, text: str) -> Strip:
        return strip(f"{wrapped(text)}\n\n")

    def opening(self) -> Strip:
        return EMPTY

    def entry(self, item: Item, modality: str, *, has_feedback: bool) -> Entry:
        return _entry(item, modality, has_feedback)

    def more(self, lead: str, items: tuple[Item, ...], listed: int) -> Strip:
        lines = [lead, *(f"  {words.pubmed(item.pmid)}" for item in items[:listed])]
        rest = len(items) - listed
        tail = [f"  and {rest} more not listed here"] if rest > 0 else []
        return strip("\n".join([*lines[not lead :], *tail]) + "\n\n")

    def elsewhere(self, lead: str, url: str) -> Strip:
        return strip(f"{lead} {words.ELSEWHERE}: {url}\n\n".lstrip())


_FORM = _Text()


@functools.lru_cache(maxsize=1024)
def _heading(text: str, number: int | None) -> Strip:
    counted = text if number is None else f"{text} ({number})"
    return strip(f"{underlined(counted, '=')}\n\n")


@functools.lru_cache(maxsize=HELD)
def _entry(item: Item, modality: str, has_feedback: bool) -> Entry:
    whole = _macro()(item, modality, words, tie_lines, starred)
    if not has_feedback:
        return Entry(strip(f"{whole}\n"))
    return Entry(strip(f"{whole}  {words.FEEDBACK} "), strip(f"{item.pmid}\n\n"))


@functools.cache
def _macro() -> Any:
    parts: Any = for_text().get_template("digest/parts.txt.j2").module
    return parts.entry
