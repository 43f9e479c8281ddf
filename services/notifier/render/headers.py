"""What stands in the headers of our mails, and their bytes: RFC 5322, with nothing injected."""

import hashlib
import re
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import parseaddr
from typing import Any

from shared.errors import Permanent

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_NAMED_LIST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")

LONGEST = 254
"""Characters of an address (RFC 5321, section 4.5.3.1.3, less the angle brackets)."""

_WEB_ADDRESS = re.compile(r"https?://[!#-;=?-~]{1,900}")  # printable ASCII without space " < >


class _Verbatim(UnstructuredHeader, BaseHeader):
    """Ids and addresses of list software go as they are.

    The standard library would make encoded words (RFC 2047) of what is longer than a line.
    """

    def fold(self, *, policy: "Policy[Any]") -> str:
        return f"{self.name}: {self}{policy.linesep}"


def policy() -> "EmailPolicy[EmailMessage]":
    """Ours: verbatim ids, and line ends as they travel."""
    headers = HeaderRegistry()
    for name in ("message-id", "list-id", "list-unsubscribe"):
        headers.map_to_type(name, _Verbatim)
    return SMTP.clone(header_factory=headers)


def _matching(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value) or len(value) > 255:
        raise Permanent(f"mail: the {what} {value!r} cannot stand in a header; correct it")
    return value


def message_id(name: str, host: str) -> str:
    """A Message-ID, in its angle brackets.

    Raises:
        Permanent: a name or host that is not a dot-atom (RFC 5322, section 3.2.3).
    """
    return f"<{_matching(_ATOM, name, 'message id')}@{_matching(_ATOM, host, 'host')}>"


def list_id(name: str) -> str:
    """A List-Id (RFC 2919).

    Raises:
        Permanent: a name without a dot, or with what cannot stand there.
    """
    return f"<{_matching(_NAMED_LIST, name, 'list id')}>"


def address(value: str, what: str) -> Address:
    """The address; the fault names the role and never the address itself.

    Raises:
        Permanent: it is not one plain address, perhaps with a name.
    """
    name, spec = parseaddr(value)
    local, _, domain = spec.rpartition("@")
    whole = value.isprintable() and value.rstrip(">").endswith(spec) and len(spec) <= LONGEST
    if not (whole and _ATOM.fullmatch(local) and _ATOM.fullmatch(domain)):
        raise Permanent(f"mail: the {what} is not one e-mail address; correct the subscription")
    return Address(name, local, domain)


def web_address(url: str | None, what: str = "unsubscribe URL") -> str | None:
    """The URL, if it is one that a header and a link can carry.

    Raises:
        Permanent: it is none.
    """
    if url is None:
        return None
    if not _WEB_ADDRESS.fullmatch(url):
        raise Permanent(f"mail: the {what} is not an http or https address; correct it")
    return url


def boundary(name: str) -> str:
    """What parts the parts. Quoted-printable never holds "=_", so no part can contain it."""
    return f"=_{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def wire(mail: EmailMessage) -> bytes:
    """A mail as it travels: CRLF, seven bits, the same bytes each time."""
    return mail.as_bytes(policy=SMTP.clone(cte_type="7bit"))
