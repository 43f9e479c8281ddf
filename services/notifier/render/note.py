"""A digest as a short note, for services that take a title and a few lines: Apprise's."""

import json

from services.notifier.digest import Digest
from services.notifier.render import coverage, words
from services.notifier.render.links import NO_PAGES, Links
from services.notifier.subject import subject

NAMED = 5
"""Articles that a note names; the rest is behind its link."""

_TITLE = 160


def note(digest: Digest, links: Links = NO_PAGES) -> bytes:
    """A title and a plain text as JSON, the same bytes each time."""
    shown = {"title": subject(digest), "body": "\n".join(_lines(digest, links))}
    return json.dumps(shown, ensure_ascii=False).encode()


def _lines(digest: Digest, links: Links) -> list[str]:
    notices = [f"{words.notice_lead(one)}: {_cut(one.title)}" for one in digest.notices[:NAMED]]
    shown = [f"- {_cut(one.title)} {words.pubmed(one.pmid)}" for one in digest.items[:NAMED]]
    left = len(digest.items) - len(shown) + len(digest.notices) - len(notices)
    more = [f"and {left} more"] if left > 0 else []
    where = [f"The whole digest: {links.permalink}"] if links.permalink else []
    leave = [f"Leave: {links.leave}"] if links.leave else []
    return [
        words.headline(digest),
        *coverage.banner(digest),
        *notices,
        *shown,
        *more,
        *where,
        *leave,
    ]


def _cut(text: str) -> str:
    return text if len(text) <= _TITLE else text[: _TITLE - 1].rstrip() + "…"
