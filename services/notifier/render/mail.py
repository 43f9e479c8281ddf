"""A digest as an Internet message: RFC 5322, with the headers that let a reader leave.

Written by ourselves, for the standard library needs longer to put a message together than all the
rest takes; a test holds that it reads in it what was meant. Parts, from the outside: alternative
of text and HTML (RFC 2046, section 5.1.4), the HTML related to its picture (RFC 2387).
"""

import functools
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import format_datetime

from services.notifier.digest import Digest, Trend
from services.notifier.render import headers, text
from services.notifier.render.html import fitted
from services.notifier.render.lines import from_line, line, subject_line, to_line
from services.notifier.render.links import NO_PAGES, Links
from services.notifier.render.picture import png
from services.notifier.render.strips import Strip, wire_of
from services.notifier.subject import subject


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom, and for which list.

    `sender` may carry a name ("Carillon <news@host>"). `list_id` is dotted, as RFC 2919 has it;
    `host` is the right side of the Message-ID. A way out by one click (RFC 8058) needs an https
    `links.leave`.
    """

    sender: str
    recipient: str = field(repr=False)
    list_id: str
    host: str
    links: Links = NO_PAGES


@dataclass(frozen=True, slots=True)
class Written:
    """A message as it travels: `content` with CRLF line ends, seven bits, ready for DATA.

    `message_id` is in angle brackets, as in its header.
    """

    message_id: str
    content: bytes


def written(digest: Digest, envelope: Envelope) -> Written:
    """The mail of a digest, the same bytes each time: text and HTML of equal content.

    Raises:
        Permanent: an address, list, host, digest id or link that no header can carry.
    """
    identity = message_id(digest, envelope.host)
    links = _checked(envelope.links)
    picture_id = f"trend.{digest.id}@{envelope.host}"
    shown, page = fitted(digest, links, f"cid:{picture_id}" if digest.trend else "")
    plain = text.strips(shown, links)
    boundary = headers.boundary(digest.id)
    content = b"".join(
        [
            _headers(digest, envelope, identity),
            line("Content-Type", f'multipart/alternative; boundary="{boundary}"'),
            f"\r\n--{boundary}\r\n".encode(),
            _part("plain", plain),
            f"\r\n--{boundary}\r\n".encode(),
            _related(page, digest.trend, picture_id, boundary),
            f"\r\n--{boundary}--\r\n".encode(),
        ]
    )
    return Written(identity, content)


def message_id(digest: Digest, host: str) -> str:
    """The Message-ID of a digest, the same at every attempt, so that a repeat can be recognised.

    Raises:
        Permanent: a digest id or host that is not a dot-atom (RFC 5322, section 3.2.3).
    """
    return headers.message_id(digest.id, host)


def _headers(digest: Digest, envelope: Envelope, identity: str) -> bytes:
    listed = headers.list_id(envelope.list_id)
    return b"".join(
        [
            subject_line(subject(digest)),
            from_line(envelope.sender),
            to_line(envelope.recipient),
            line("Date", format_datetime(digest.created_at.astimezone(UTC))),
            line("Message-ID", identity),
            line("List-Id", listed),
            *_way_out(envelope.links.leave),
            line("Auto-Submitted", "auto-generated"),
            line("MIME-Version", "1.0"),
        ]
    )


def _way_out(leave: str | None) -> list[bytes]:
    """RFC 2369, and RFC 8058 where the address is https: only there one click is promised."""
    if leave is None:
        return []
    named = [line("List-Unsubscribe", f"<{leave}>")]
    if leave.startswith("https:"):
        named.append(line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return named


def _part(subtype: str, strips: Sequence[Strip]) -> bytes:
    kind = line("Content-Type", f'text/{subtype}; charset="utf-8"')
    coded = line("Content-Transfer-Encoding", "quoted-printable")
    return b"".join([kind, coded, b"\r\n", wire_of(strips)])


def _related(page: Sequence[Strip], trend: Trend | None, picture_id: str, outer: str) -> bytes:
    if trend is None:
        return _part("html", page)
    inner = f"{outer}.r"
    return b"".join(
        [
            line("Content-Type", f'multipart/related; type="text/html";\r\n boundary="{inner}"'),
            f"\r\n--{inner}\r\n".encode(),
            _part("html", page),
            f"\r\n--{inner}\r\n".encode(),
            line("Content-Type", "image/png"),
            line("Content-Transfer-Encoding", "base64"),
            line("Content-ID", f"<{picture_id}>"),
            line("Content-Disposition", 'inline; filename="trend.png"'),
            b"\r\n",
            _encoded(trend),
            f"\r\n--{inner}--\r\n".encode(),
        ]
    )


@functools.lru_cache(maxsize=64)
def _encoded(trend: Trend) -> bytes:
    return encodebytes(png(trend)).replace(b"\n", b"\r\n")


def _checked(links: Links) -> Links:
    headers.web_address(links.leave)
    headers.web_address(links.manage, "link to manage")
    headers.web_address(links.permalink, "permalink")
    return links
