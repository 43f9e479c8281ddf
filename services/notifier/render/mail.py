"""A digest as an Internet message: RFC 5322, with the headers that let a reader leave."""

from dataclasses import dataclass
from datetime import UTC
from email.message import EmailMessage
from email.utils import format_datetime

from services.notifier.digest import Digest
from services.notifier.item import clean
from services.notifier.render import headers, text
from services.notifier.render.html import fitted
from services.notifier.render.links import NO_PAGES, Links
from services.notifier.subject import subject


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom, and for which list.

    `sender` may carry a name ("Carillon <news@host>"). `list_id` is dotted, as RFC 2919 has it;
    `host` is the right side of the Message-ID. A way out by one click (RFC 8058) needs an https
    `links.leave`.
    """

    sender: str
    recipient: str
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
    """The mail of a digest, the same bytes each time.

    Raises:
        Permanent: an address, list, host, digest id or link that no header can carry.
    """
    mail = message(digest, envelope)
    return Written(str(mail["Message-ID"]), headers.wire(mail))


def message(digest: Digest, envelope: Envelope) -> EmailMessage:
    """The message, the same bytes each time: text and HTML of equal content.

    Raises:
        Permanent: an address, list, host, digest id or unsubscribe URL that no header can carry.
    """
    leave = headers.web_address(envelope.links.leave)
    shown, page = fitted(digest, leave)
    mail = EmailMessage(policy=headers.policy())
    mail["Subject"] = clean(subject(digest))
    mail["From"] = headers.address(envelope.sender, "sender")
    mail["To"] = headers.address(envelope.recipient, "recipient")
    mail["Date"] = format_datetime(digest.created_at.astimezone(UTC))
    mail["Message-ID"] = message_id(digest, envelope.host)
    mail["List-Id"] = headers.list_id(envelope.list_id)
    if leave and leave.startswith("https:"):
        mail["List-Unsubscribe"] = f"<{leave}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text.page(shown, leave), cte="quoted-printable")
    mail.add_alternative(page, subtype="html", cte="quoted-printable")
    mail.set_boundary(headers.boundary(digest.id))
    return mail


def message_id(digest: Digest, host: str) -> str:
    """The Message-ID of a digest, the same at every attempt, so that a repeat can be recognised.

    Raises:
        Permanent: a digest id or host that is not a dot-atom (RFC 5322, section 3.2.3).
    """
    return headers.message_id(digest.id, host)
