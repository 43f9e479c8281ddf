"""Feeds as Atom (RFC 4287)."""

import functools
from collections.abc import Sequence
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.notifier.digest import Digest
from services.notifier.item import plain
from services.notifier.render.environment import legal
from services.notifier.render.feed import Address, Feed, of_digests


def feed(digests: Sequence[Digest], self_url: str, title: str) -> bytes:
    """Digests as one feed, an entry for each article, each notice, and each alarm."""
    return written(of_digests(digests, Address(self_url), title))


def written(feed: Feed) -> bytes:
    """The feed as a document; the same feed gives the same bytes."""
    page = _environment().get_template("atom/feed.xml.j2")
    return page.render(feed=feed, scheme=f"tag:{feed.address.host},2026").encode()


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_text(markup: Markup) -> str:
    """HTML as the text of an element: escaped once more, without what XML cannot hold."""
    return plain(str(markup).replace("\n", " "))


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("services.notifier"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=legal,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(instant=instant, as_text=_as_text)
    return environment
