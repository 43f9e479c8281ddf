"""A digest as an Internet message: RFC 5322, with the headers that let a reader leave."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime, parseaddr
from typing import Any

from services.notifier.digest import Digest
from services.notifier.item import clean
from services.notifier.render import text
from services.notifier.render.html import fitted
from services.notifier.render.links import NO_PAGES, Links
from services.notifier.subject import subject
from shared.errors import Permanent

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_NAMED_LIST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")

_WEB_ADDRESS = re.compile(r"https?://[!#-;=?-~]{1,900}")  # printable ASCII without space " < >


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
    return Written(str(mail["Message-ID"]), mail.as_bytes(policy=SMTP.clone(cte_type="7bit")))


def message(digest: Digest, envelope: Envelope) -> EmailMessage:
    """The message, the same bytes each time: text and HTML of equal content.

    Raises:
        Permanent: an address, list, host, digest id or unsubscribe URL that no header can carry.
    """
    leave = _unsubscribe(envelope.links.leave)
    shown, page = fitted(digest, leave)
    mail = EmailMessage(policy=_policy())
    mail["Subject"] = clean(subject(digest))
    mail["From"] = _address(envelope.sender, "sender")
    mail["To"] = _address(envelope.recipient, "recipient")
    mail["Date"] = format_datetime(digest.created_at.astimezone(UTC))
    mail["Message-ID"] = message_id(digest, envelope.host)
    mail["List-Id"] = f"<{_matching(_NAMED_LIST, envelope.list_id, 'list id')}>"
    if leave and leave.startswith("https:"):
        mail["List-Unsubscribe"] = f"<{leave}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text.page(shown, leave), cte="quoted-printable")
    mail.add_alternative(page, subtype="html", cte="quoted-printable")
    mail.set_boundary(_boundary(digest))
    return mail


def message_id(digest: Digest, host: str) -> str:
    """The Message-ID of a digest, the same at every attempt, so that a repeat can be recognised.

    Raises:
        Permanent: a digest id or host that is not a dot-atom (RFC 5322, section 3.2.3).
    """
    return f"<{_matching(_ATOM, digest.id, 'digest id')}@{_matching(_ATOM, host, 'host')}>"


class _Verbatim(UnstructuredHeader, BaseHeader):
    """Ids and addresses of list software go as they are.

    The standard library would make encoded words (RFC 2047) of what is longer than a line.
    """

    def fold(self, *, policy: "Policy[Any]") -> str:
        return f"{self.name}: {self}{policy.linesep}"


def _policy() -> "EmailPolicy[EmailMessage]":
    headers = HeaderRegistry()
    for name in ("message-id", "list-id", "list-unsubscribe"):
        headers.map_to_type(name, _Verbatim)
    return SMTP.clone(header_factory=headers)


def _matching(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value) or len(value) > 255:
        raise Permanent(f"mail: the {what} {value!r} cannot stand in a header; correct it")
    return value


def _address(value: str, what: str) -> Address:
    """The address; the fault names the role and never the address itself."""
    name, spec = parseaddr(value)
    local, _, domain = spec.rpartition("@")
    whole = value.isprintable() and value.rstrip(">").endswith(spec)
    if not (whole and _ATOM.fullmatch(local) and _ATOM.fullmatch(domain)):
        raise Permanent(f"mail: the {what} is not one e-mail address; correct the subscription")
    return Address(name, local, domain)


def _unsubscribe(url: str | None) -> str | None:
    """The URL, if it is one that a header and a link can carry."""
    if url is None:
        return None
    if not _WEB_ADDRESS.fullmatch(url):
        raise Permanent("mail: the unsubscribe URL is not an http or https address; correct it")
    return url


def _boundary(digest: Digest) -> str:
    """Quoted-printable never holds "=_", so no part can contain it."""
    return f"=_{hashlib.sha256(digest.id.encode()).hexdigest()[:32]}"
