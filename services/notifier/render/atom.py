"""Digests as one Atom feed (RFC 4287), an entry for each article and each notice.

An alarm about the source, and a query that PubMed reads otherwise, are entries too.
"""

import functools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.notifier.digest import Digest, Item, Notice
from services.notifier.item import clean, plain
from services.notifier.render import coverage, words
from services.notifier.render.html import title_markup
from services.notifier.render.ties import tie_lines

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Entry(NamedTuple):
    """An article, notice or bulletin as the feed has it: `first` and `last` told at these times."""

    id: str
    first: datetime
    last: datetime
    item: Item | None = None
    notice: Notice | None = None
    bulletin: coverage.Bulletin | None = None


def feed(digests: Sequence[Digest], self_url: str, title: str) -> bytes:
    """The feed, newest entries first. An article told twice is one entry, in its last form.

    Ids are tag URIs (RFC 4151) of the host of `self_url`: they outlive a moved address.
    """
    in_turn = sorted(digests, key=lambda digest: (digest.created_at, digest.id))
    host = urlsplit(self_url).hostname or "localhost"
    entries: dict[str, Entry] = {}
    for digest in in_turn:
        for entry in _entries(digest, f"tag:{host},2026:{digest.topic}"):
            known = entries.pop(entry.id, entry)
            entries[entry.id] = entry._replace(first=known.first)
    page = _environment().get_template("atom/feed.xml.j2")
    return page.render(
        title=clean(title),
        self_url=self_url,
        id=f"tag:{host},2026:feed:{urlsplit(self_url).path.strip('/') or 'digests'}",
        updated=max((digest.created_at for digest in in_turn), default=_EPOCH),
        entries=sorted(entries.values(), key=lambda entry: entry.last, reverse=True),
        scheme=f"tag:{host},2026",
        words=words,
        title_markup=title_markup,
        tie_lines=tie_lines,
    ).encode()


def _entries(digest: Digest, tag: str) -> tuple[Entry, ...]:
    told = digest.created_at
    notices = (Entry(f"{tag}:{n.pmid}:{n.kind}", told, told, notice=n) for n in digest.notices)
    items = (Entry(f"{tag}:{item.pmid}", told, told, item=item) for item in digest.everything)
    bulletins = (
        Entry(f"{tag}:source:{one.key}", told, told, bulletin=one)
        for one in coverage.bulletins(digest)
    )
    return (*bulletins, *notices, *items)


def _instant(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _escaped_twice(markup: Markup) -> str:
    """HTML as the text of an element: the XML environment escapes it once more."""
    return str(markup)


def _legal(value: Any) -> Any:
    """Without the control characters that XML cannot hold, however they came in."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("services.notifier"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_legal,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(instant=_instant, as_text=_escaped_twice)
    return environment
