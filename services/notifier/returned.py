"""What a mail that came back says: a bounce (RFC 3464) or a complaint (RFC 5965).

Pure. Such mail is written by strangers' machines and can be forged by anybody. Nothing of it is
believed but the mark that we put into the address it returns to, or into the link to leave that
it quotes: both are signed. Any bytes are read; what is no report is nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from typing import Literal

from services.notifier import bounces
from services.notifier.bounces import Bounced
from services.notifier.tokens import BadToken, Tokens
from shared.clock import Clock

Verdict = Literal["gone", "refused", "delayed"]
"""`gone`: never write there again; `refused`: this message, for what it is or who we are;
`delayed`: it may pass."""

MOST_MARKS = 20
"""Marks of ours that are looked at in one message: a hostile one may have thousands."""

MOST_PARTS = 50

_MARK = re.compile(rb"\+([dlDL][A-Za-z2-7]{42})(?=@|=40)")
_LEAVE = re.compile(rb"/leave\?token=(?:3D)?([A-Za-z0-9_.-]{20,300})")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_ABOUT_US = frozenset({"3", "4", "5", "6", "7"})
"""RFC 3463 subjects that say nothing of the mailbox: system, network, protocol, content, policy."""

_NOT_GONE = frozenset({("1", "7"), ("1", "8"), ("2", "2"), ("2", "3")})
"""Our own address is refused, or the message too long; and a full mailbox is emptied some day,
though some servers call it permanent."""

_NO_COMPLAINT = frozenset({"not-spam", "auth-failure", "opt-out-list"})


@dataclass(frozen=True)
class Bounce:
    """What a delivery report says: about which of our messages, what, and with which code."""

    about: tuple[Bounced, ...]
    verdict: Verdict
    code: str


@dataclass(frozen=True)
class Complaint:
    """Somebody called a message spam: its marks, and the subscriptions its link could leave."""

    about: tuple[Bounced, ...]
    subscriptions: tuple[str, ...]


def bounce(raw: bytes, tokens: Tokens) -> Bounce | None:
    """A report of delivery; `None` when this is none, or names none of our messages."""
    about = _marks(raw, tokens)
    statuses = list(_statuses(_parsed(raw)))
    if not about or not statuses:
        return None
    code, verdict = max(
        ((code, _verdict(action, code)) for action, code in statuses),
        key=lambda found: ("delayed", "refused", "gone").index(found[1]),
    )
    return Bounce(about, verdict, code)


def complaint(raw: bytes, tokens: Tokens, clock: Clock) -> Complaint | None:
    """A report of abuse; `None` when this is none, or names none of our messages."""
    if not any(_feedback_types(_parsed(raw))):
        return None
    about = _marks(raw, tokens)
    subscriptions = tuple(dict.fromkeys(_left(raw, tokens, clock)))
    return Complaint(about, subscriptions) if about or subscriptions else None


def _parsed(raw: bytes) -> Message | None:
    try:
        return message_from_bytes(raw, policy=compat32)
    except Exception:  # noqa: BLE001  the parser of the standard library fails on some bytes
        return None


def _parts(message: Message | None, kind: str) -> Iterator[Message]:
    """Parts of a kind, of a `multipart/report` only."""
    if message is None or message.get_content_type() != "multipart/report":
        return
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS:
            return
        if part.get_content_type() == kind:
            yield part


def _blocks(part: Message) -> Sequence[Message]:
    """The groups of fields that a report has: parsed already, or to be parsed from its text."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return [block for block in payload if isinstance(block, Message)]
    inner = _parsed(str(payload).encode("utf-8", "replace"))
    return [inner] if inner is not None else []


def _statuses(message: Message | None) -> Iterator[tuple[str, str]]:
    """Each recipient's action and enhanced code (RFC 3464, 2.3.3 and 2.3.4)."""
    for part in _parts(message, "message/delivery-status"):
        for block in _blocks(part)[:MOST_PARTS]:
            found = _STATUS.search(str(block.get("Status", "")))
            if found:
                yield str(block.get("Action", "")).strip().lower(), found.group()


def _verdict(action: str, code: str) -> Verdict:
    kind, subject, detail = code.split(".")
    if action in {"delayed", "delivered", "relayed", "expanded"} or kind != "5":
        return "delayed"
    if subject in _ABOUT_US or (subject, detail) in _NOT_GONE:
        return "refused"
    return "gone"


def _feedback_types(message: Message | None) -> Iterator[bool]:
    for part in _parts(message, "message/feedback-report"):
        for block in _blocks(part)[:MOST_PARTS]:
            kind = str(block.get("Feedback-Type", "")).strip().lower()
            if kind:
                yield kind not in _NO_COMPLAINT


def _marks(raw: bytes, tokens: Tokens) -> tuple[Bounced, ...]:
    found: dict[Bounced, None] = {}
    for mark in dict.fromkeys(_few(_MARK, raw)):
        try:
            found[bounces.read(tokens, f"+{mark.decode('ascii')}")] = None
        except BadToken:
            continue
    return tuple(found)


def _left(raw: bytes, tokens: Tokens, clock: Clock) -> Iterator[str]:
    for token in dict.fromkeys(_few(_LEAVE, raw)):
        try:
            yield tokens.read("leave", token.decode("ascii"), clock())
        except BadToken:
            continue


def _few(pattern: re.Pattern[bytes], raw: bytes) -> Iterator[bytes]:
    """The first marks of a header may be folded over lines: taken as if they were not."""
    whole = re.sub(rb"\r?\n[ \t]+", b"", raw)
    for number, match in enumerate(pattern.finditer(whole)):
        if number >= MOST_MARKS:
            return
        yield match.group(1)
