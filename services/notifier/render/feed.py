"""What a feed has, whatever its form: entries for articles, for notices, and about the source.

Ids are tag URIs (RFC 4151) of the host that the feed is read from: they outlive a moved address.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from services.notifier.digest import Digest, Item, Notice
from services.notifier.item import clean
from services.notifier.render import coverage, words
from services.notifier.render.ties import tie_lines
from services.notifier.render.titles import title_markup
from services.notifier.standing import STANDINGS
from shared.events import Label

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Address:
    """Where a feed is read, and under which address our pages are; `None` where there are none."""

    self_url: str = field(repr=False)
    pages: str | None = None

    @property
    def host(self) -> str:
        """The host that ids name."""
        return urlsplit(self.self_url).hostname or "localhost"

    def tag(self, topic: str) -> str:
        """How the ids of a topic's entries begin."""
        return f"tag:{self.host},2026:{topic}"

    def article(self, topic: str, pmid: int) -> str:
        """Our page of an article, or PubMed's."""
        return f"{self.pages}/articles/{topic}/{pmid}" if self.pages else words.pubmed(pmid)


@dataclass(frozen=True)
class Entry:
    """One entry. `title` is text, `markup` the same as HTML; `first` and `last` are its times."""

    id: str
    first: datetime
    last: datetime
    title: str
    markup: Markup
    content: Markup
    url: str | None = None
    related: str | None = None
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True)
class Feed:
    """A feed; `updated` is that of its newest entry, or of what it was made from."""

    id: str
    title: str
    address: Address
    home: str | None
    updated: datetime
    entries: tuple[Entry, ...]


def of_digests(
    digests: Sequence[Digest],
    address: Address,
    title: str,
    changed: Mapping[int, datetime] | None = None,
) -> Feed:
    """All that digests tell, newest first; what is told twice is one entry, in its last form.

    `changed` is when the status of an article, by PMID, became what it is.
    """
    in_turn = sorted(digests, key=lambda digest: (digest.created_at, digest.id))
    entries: dict[str, Entry] = {}
    for digest in in_turn:
        for entry in _told(digest, address, changed or {}):
            known = entries.pop(entry.id, entry)
            entries[entry.id] = replace(entry, first=known.first)
    path = urlsplit(address.self_url).path.strip("/") or "digests"
    return Feed(
        id=f"tag:{address.host},2026:feed:{path}",
        title=clean(title),
        address=address,
        home=address.pages,
        updated=max(
            (*(one.created_at for one in in_turn), *(one.last for one in entries.values())),
            default=EPOCH,
        ),
        entries=newest_first(entries.values()),
    )


def newest_first(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entry that changed last comes first."""
    return tuple(sorted(entries, key=lambda entry: entry.last, reverse=True))


def _told(digest: Digest, address: Address, changed: Mapping[int, datetime]) -> Iterator[Entry]:
    told, tag = digest.created_at, address.tag(digest.topic)
    for bulletin in coverage.bulletins(digest):
        text = Markup("<p>{}</p>").format(bulletin.text)
        title = clean(bulletin.title)
        yield Entry(f"{tag}:source:{bulletin.key}", told, told, title, escape(title), text)
    for notice in digest.notices:
        yield _notice(notice, f"{tag}:{notice.pmid}:{notice.kind}", told)
    for item in digest.everything:
        last = max(told, changed.get(item.pmid, told))
        yield article(item, digest.topic, address, (told, last))


def article(item: Item, topic: str, address: Address, times: tuple[datetime, datetime]) -> Entry:
    """The entry of an article; of one that does not stand any more the title says so."""
    standing = STANDINGS.get(item.status)
    lead = f"{standing.name}: " if standing and standing.is_gone else ""
    return Entry(
        id=f"{address.tag(topic)}:{item.pmid}",
        first=times[0],
        last=times[1],
        title=lead + clean(item.title),
        markup=escape(lead) + title_markup(item),
        content=_content("item_body", item),
        url=address.article(topic, item.pmid),
        related=words.doi_url(item.doi) if item.doi else None,
        labels=item.labels,
    )


def _notice(notice: Notice, identity: str, told: datetime) -> Entry:
    title = clean(f"{words.notice_lead(notice)}: {notice.title}")
    content = _content("notice_body", notice)
    url = words.notice_paper(notice).url
    return Entry(identity, told, told, title, escape(title), content, url)


def news_of(item: Item, told: tuple[datetime, tuple[words.Link, ...]], entry: Entry) -> Entry:
    """What has become of a paper, as an entry beside its own: `told` is since when, and where."""
    standing = STANDINGS[item.status]
    title = f"{standing.lead}: {clean(item.title)}"
    return replace(
        entry,
        id=f"{entry.id}:{standing.kind}",
        first=told[0],
        last=told[0],
        title=title,
        markup=escape(f"{standing.lead}: ") + title_markup(item),
        content=_content("news_body", told[1]),
        labels=(),
    )


def _content(macro: str, about: object) -> Markup:
    made = getattr(_bodies(), macro)(about, words, tie_lines)
    return Markup(str(made).strip())  # noqa: S704 - made by a template that escapes


@functools.cache
def _bodies() -> object:
    environment = Environment(
        loader=PackageLoader("services.notifier"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("atom/bodies.html.j2").module
