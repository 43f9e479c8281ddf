"""A digest as Slack messages: Block Kit, split between items, within Slack's limits.

Source of the limits: Slack's block reference (50 blocks, 3,000 characters a text, 150 a header);
the total of about 13,200 characters a message is not documented (slackapi/bolt-js#2509).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from services.notifier.digest import Digest, Item, Notice, Trend
from services.notifier.item import clean
from services.notifier.render import coverage, summary, words
from services.notifier.render.links import NO_PAGES, Links
from services.notifier.render.ties import TieLine, tie_lines
from services.notifier.subject import subject

BLOCKS = 50
TEXT = 3_000
HEADER = 150
TOTAL = 11_500
"""Characters of one message as JSON, fallback text included."""

_ROOMS = ((300, 320, 8), (160, 160, 4), (80, 40, 1))
"""(title characters, evidence characters, links) tried in turn: escaping can make a text five
times as long."""


def payloads(digest: Digest, links: Links = NO_PAGES) -> list[dict[str, Any]]:
    """The messages in order, each a payload for an incoming webhook or `chat.postMessage`."""
    room = TOTAL - len(_dumped(_payload(digest, [], 999, 999)))
    messages = list(_split(_blocks(digest, links), room))
    return [
        _payload(digest, blocks, number, len(messages))
        for number, blocks in enumerate(messages, start=1)
    ]


def _payload(digest: Digest, blocks: list[dict[str, Any]], number: int, of: int) -> dict[str, Any]:
    part = f" ({number} of {of})" if of > 1 else ""
    return {
        "text": escaped(subject(digest)) + part,
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _split(blocks: Iterable[Block], room: int) -> Iterator[list[dict[str, Any]]]:
    """Blocks packed into messages; a block is never cut."""
    packed: list[dict[str, Any]] = []
    size = 0
    for block in blocks:
        shown = block.to_dict()
        length = len(_dumped(shown)) + 2
        if packed and (len(packed) == BLOCKS or size + length > room):
            yield packed
            packed, size = [], 0
        packed.append(shown)
        size += length
    yield packed


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _blocks(digest: Digest, links: Links) -> Iterator[Block]:
    yield _header(digest.topic_title)
    yield from _opening(digest, links)
    if digest.notices:
        yield _header("Notices about papers you were sent")
        yield from (_notice(notice) for notice in digest.notices)
    if digest.trend:
        yield _trend(digest.trend)
    for group in words.filled(digest):
        yield _header(f"{group.name} ({group.count})")
        yield from (_item(item, group.modality, links) for item in group.items)
    if digest.other:
        yield _header(f"{words.UNCLEAR} ({digest.other_count})")
        yield from (_item(item, "", links) for item in digest.other)
    yield from _more(words.more_lead(digest), digest.beyond, links)
    yield from _background(digest, links)
    yield DividerBlock()
    yield _context("\n".join(coverage.lines(digest)))
    yield from _doors(links)


def _opening(digest: Digest, links: Links) -> Iterator[Block]:
    told = (f"*{escaped(words.headline(digest))}*", *map(escaped, summary.summary(digest)))
    yield _section("\n".join((*told, _occasion(digest))))
    yield from _doors(links)
    if coverage.banner(digest):
        warned = "\n".join(coverage.banner(digest))
        yield _section(_fitting(lambda room: f":warning: {escaped(_cut(warned, room))}"))
    if coverage.demo_note(digest):
        yield _context(coverage.demo_note(digest))


def _doors(links: Links) -> Iterator[Block]:
    doors = words.doors(links)
    if doors:
        yield ContextBlock(elements=[MarkdownTextObject(text=" · ".join(map(_link, doors)))])


def _trend(trend: Trend) -> SectionBlock:
    columns = "\n".join(map(escaped, summary.trend_lines(trend)))
    return _section(f"*{escaped(summary.trend_title(trend))}*\n```\n{columns}\n```")


def _background(digest: Digest, links: Links) -> Iterator[Block]:
    if digest.all_background:
        yield _header(f"{words.BACKGROUND} ({len(digest.all_background)})")
        yield _context(words.BACKGROUND_NOTE)
        yield from (_item(item, "", links) for item in digest.background)
        lead = f"{len(digest.background_beyond)} more"
        yield from _more(lead, digest.background_beyond, links)


def _occasion(digest: Digest) -> str:
    seed = words.Link(f"PMID {digest.seed}", words.pubmed(digest.seed))
    return f"{escaped(words.occasion(digest))} {_link(seed)}"


def _notice(notice: Notice) -> SectionBlock:
    title = _cut(words.notice_title(notice), _ROOMS[0][0])
    sign = "no_entry" if words.notice_paint(notice) == "notice" else "warning"
    source = words.notice_link(notice)
    links = [
        words.notice_paper(notice),
        *([words.Link(_cut(source.text, 200), source.url)] if source else []),
    ]
    return _section(
        f":{sign}: *{words.notice_lead(notice)}:* {escaped(title)}\n"
        f"{words.notice_sent(notice)}\n{' · '.join(map(_link, links))}"
    )


def _item(item: Item, modality: str, links: Links) -> SectionBlock:
    url = links.feedback(item.pmid)
    tail = f" · {_link(words.Link(words.FEEDBACK, url))}" if url else ""
    texts = (_item_text(item, modality, room) + tail for room in _ROOMS)
    return _section(next(text for text in texts if len(text) <= TEXT))


def _item_text(item: Item, modality: str, room: tuple[int, int, int]) -> str:
    title_room, quote_room, links = room
    title = words.Link(_cut(item.title, title_room), words.pubmed(item.pmid))
    where = (_cut(item.authors_line, title_room), _cut(item.journal_line, title_room))
    labels = "; ".join(chip.text for chip in words.chips(item, modality))
    lines = [
        f"*{_link(title)}*",
        escaped(" · ".join(part for part in where if part)),
        f"_{escaped(_cut(labels, quote_room))}_" if labels else "",
        *(_tie(line, quote_room) for line in tie_lines(item)[:links]),
        _quoted(item, quote_room),
        f"Why: {escaped(_cut(item.why, quote_room))}" if item.why else "",
        " · ".join(_link(link) for link in words.links(item)[:links]),
    ]
    return "\n".join(line for line in lines if line)


def _tie(line: TieLine, room: int) -> str:
    link = words.Link(_cut(line.link.text, room), line.link.url)
    return f"{escaped(line.lead)} {_link(link)}{escaped(line.tail)}"


def _quoted(item: Item, room: int) -> str:
    """The evidence as a block quote with the marked words in bold."""
    if item.evidence is None:
        return ""
    brief = item.model_copy(update={"evidence": item.evidence.shortened(room)})
    pieces = words.quote_pieces(brief)
    told = "".join(f"*{escaped(t)}*" if marked else escaped(t) for t, marked in pieces)
    return f"> {words.quote_lead(item)}: {told}"


def _more(lead: str, items: Sequence[Item], links: Links) -> Iterator[Block]:
    """Where to read what had no room: on its page, or by links, as many texts as they fill."""
    if not items:
        return
    if links.permalink:
        yield _section(f"*{lead}:* {_link(words.Link(words.ELSEWHERE, links.permalink))}")
        return
    text = f"*{lead}:*"
    for item in items[: words.BEYOND_LISTED]:
        link = f"<{words.pubmed(item.pmid)}|{item.pmid}>"
        if len(text) + len(link) >= TEXT:
            yield _section(text)
            text = link
        else:
            text = f"{text} {link}"
    yield _section(text)
    rest = len(items) - words.BEYOND_LISTED
    if rest > 0:
        yield _context(f"and {rest} more not listed here")


def escaped(text: str) -> str:
    """Text for mrkdwn: Slack's three control characters as entities, so no mention can fire."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(link: words.Link) -> str:
    label = escaped(link.text).replace("|", "\u2223")
    return f"<{escaped(link.url)}|{label}>" if link.url else escaped(link.text)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _fitting(made: Callable[[int], str]) -> str:
    """What is made with the most room that Slack's limit leaves when it is escaped."""
    room = TEXT
    while len(made(room)) > TEXT:
        room = room * 3 // 4
    return made(room)


def _header(text: str) -> HeaderBlock:
    return HeaderBlock(text=PlainTextObject(text=_cut(clean(text), HEADER), emoji=False))


def _section(text: str) -> SectionBlock:
    return SectionBlock(text=MarkdownTextObject(text=text))


def _context(text: str) -> ContextBlock:
    shown = _fitting(lambda room: escaped(_cut(text, room)))
    return ContextBlock(elements=[MarkdownTextObject(text=shown)])
