"""What must hold of every mail we send, told as a list of faults: none is right.

Sources: RFC 5322 (lines, ids), 2045 to 2047 (parts), 2369 and 8058 (the way out), 2919 (List-Id),
3834 (Auto-Submitted), 2387 (pictures), WCAG 2.2 (contrast, headings, alternatives), Gmail's 102 KB,
and what Word, which draws mails in Outlook, cannot draw.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from unicodedata import category
from urllib.parse import urlsplit

from tests.page_check import Page, page_faults, words_of

LONGEST_LINE = 998
HTML_LIMIT = 100_000
PICTURE_LIMIT = 15_000
ONCE = (
    "Subject", "From", "To", "Date", "Message-ID", "List-Id", "Auto-Submitted", "MIME-Version",
    "Content-Type",
)  # fmt: skip
MAY = ("List-Unsubscribe", "List-Unsubscribe-Post", "Content-Transfer-Encoding")

_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+>")
_UNFIT = {"Cc", "Cs", "Zl", "Zp"}
"""Kinds of characters that are no words: control, halves of others, ends of lines."""

_ONLY_HERE = {"labels", "carillon"}
"""Words that one form needs and the other does not: a lead in the text, our name in the HTML."""


def faults(raw: bytes) -> list[str]:
    """What is wrong with a mail as it travels."""
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    return [*_bytes(raw), *_headers(mail), *_parts(mail)]


def _bytes(raw: bytes) -> Iterator[str]:
    if not raw.isascii():
        yield "not seven bits"
    lines = raw.split(b"\r\n")
    if any(b"\r" in line or b"\n" in line for line in lines):
        yield "a line end that is not CRLF"
    if max(map(len, lines)) > LONGEST_LINE:
        yield "a line of more than 998 octets"
    body = raw.partition(b"\r\n\r\n")[2]
    if any(len(one) > 78 for one in body.split(b"\r\n") if not one.startswith(b"Content-ID:")):
        yield "a line of the body that is longer than its encoding allows"


def _headers(mail: EmailMessage) -> Iterator[str]:
    names = [name.lower() for name in mail.keys()]  # noqa: SIM118 - a header may come twice
    for name in ONCE:
        if names.count(name.lower()) != 1:
            yield f"{name} is there {names.count(name.lower())} times"
    for name in set(names) - {one.lower() for one in (*ONCE, *MAY)}:
        yield f"a header that nobody asked for: {name}"
    subject = str(mail["Subject"])
    if not subject.strip() or len(subject) > 90 or _UNFIT & set(map(category, subject)):
        yield f"a subject that says nothing, or too much: {subject!r}"
    for name in ("Message-ID", "List-Id"):
        if not (_ID if name == "Message-ID" else re.compile(r"<[\w-]+(\.[\w-]+)+>")).fullmatch(
            str(mail[name])
        ):
            yield f"{name} is malformed: {mail[name]!r}"
    if mail["Auto-Submitted"] != "auto-generated":
        yield "not said to be sent by a program"
    if parsedate_to_datetime(str(mail["Date"])).tzinfo is None:
        yield "a date without its offset"
    if len(mail["To"].addresses) != 1 or len(mail["From"].addresses) != 1:
        yield "not from one to one"
    yield from _way_out(mail)


def _way_out(mail: EmailMessage) -> Iterator[str]:
    out, post = mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"]
    if out is None:
        if post is not None:
            yield "one click is promised without an address"
        return
    url = str(out)[1:-1]
    if not re.fullmatch(r"<https?://[!-;=?-~]+>", str(out)):
        yield f"a way out that is no address: {out!r}"
    if (post == "List-Unsubscribe=One-Click") != url.startswith("https:"):
        yield "one click is promised if and only if the way out is https"
    for part in _texts(mail):
        if part.get_content().replace("&amp;", "&").count(url) < 2:
            yield f"the way out is not on top and at the foot of the {part.get_content_type()}"


def _texts(mail: EmailMessage) -> list[EmailMessage]:
    found = [mail.get_body(("plain",)), mail.get_body(("html",))]
    return [part for part in found if isinstance(part, EmailMessage)]


def _parts(mail: EmailMessage) -> Iterator[str]:
    for part in mail.walk():
        if part.defects:
            yield f"{part.get_content_type()}: {part.defects}"
    shape = [part.get_content_type() for part in mail.walk()]
    plain = ["multipart/alternative", "text/plain", "text/html"]
    pictured = [*plain[:2], "multipart/related", "text/html", "image/png"]
    if shape not in (plain, pictured):
        yield f"parts are nested otherwise than they should be: {shape}"
        return
    text, html = (part.get_content().replace("\r\n", "\n") for part in _texts(mail))
    if len(html.encode()) > HTML_LIMIT:
        yield f"{len(html.encode())} bytes of HTML"
    yield from page_faults(html, _pictures(mail))
    yield from _picture_faults(mail)
    yield from _differences(text, html)


def _pictures(mail: EmailMessage) -> set[str]:
    """The addresses of the pictures that the mail brings with it."""
    ids = (str(part["Content-ID"]) for part in mail.walk() if part["Content-ID"])
    return {f"cid:{one.strip('<>')}" for one in ids}


def _picture_faults(mail: EmailMessage) -> Iterator[str]:
    for part in mail.walk():
        if part.get_content_type() == "image/png":
            content = part.get_content()
            if len(content) >= PICTURE_LIMIT or not content.startswith(b"\x89PNG"):
                yield "a picture that is too large, or none"
            if part.get_content_disposition() != "inline" or not _ID.fullmatch(part["Content-ID"]):
                yield "a picture that would show as an attachment"


def _differences(text: str, html: str) -> Iterator[str]:
    """What one part says and the other does not: addresses, headings, articles, words."""
    page = Page(html)
    printed = set(re.findall(r"https?://[^\s]+", text))
    linked = {url for url in page.links if urlsplit(url).scheme in {"http", "https"}}
    if printed != linked:
        yield f"only one part leads to {sorted(printed ^ linked)[:3]}"
    flat = " ".join(text.split())
    for level, heading in page.headings:
        told = " ".join(re.sub(r" \(\d+\)$", "", heading).split())
        if level > 1 and told not in flat:
            yield f"the text has no {heading!r}"
    numbers = re.compile(r"PubMed (\d+)")
    if sorted(numbers.findall(flat)) != sorted(numbers.findall(page.seen)):
        yield "the parts do not name the same records"
    bare = text.replace("*", "")  # stars mark the evidence
    shown = " ".join((page.seen, page.said_of_pictures, *page.links)).replace("*", "")
    apart = (words_of(bare) ^ words_of(shown)) - _ONLY_HERE
    if apart:
        yield f"only one part says {sorted(apart)[:6]}"
