"""Feeds as JSON Feed, version 1.1 (https://www.jsonfeed.org/version/1.1/)."""

import json
from collections.abc import Mapping

from services.notifier.item import plain
from services.notifier.render.atom import instant
from services.notifier.render.feed import Entry, Feed

VERSION = "https://jsonfeed.org/version/1.1"


def written(feed: Feed) -> bytes:
    """The feed as a document; the same feed gives the same bytes."""
    told = {
        "version": VERSION,
        "title": plain(feed.title),
        "home_page_url": feed.home,
        "feed_url": feed.address.self_url,
        "language": "en",
        "authors": [{"name": "Carillon"}],
        "items": [_item(entry) for entry in feed.entries],
    }
    return json.dumps(_given(told), ensure_ascii=False, indent=1).encode("utf-8", "replace")


def _item(entry: Entry) -> dict[str, object]:
    return _given(
        {
            "id": entry.id,
            "url": entry.url,
            "external_url": entry.related,
            "title": plain(entry.title),
            "content_html": plain(str(entry.content).replace("\n", " ")),
            "date_published": instant(entry.first),
            "date_modified": instant(entry.last),
            "tags": list(dict.fromkeys(plain(label.name) for label in entry.labels)),
        }
    )


def _given(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}
