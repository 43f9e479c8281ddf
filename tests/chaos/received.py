"""A mail that the mail server accepted, as its file has it: one line of JSON each."""

import json
import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Literal

from tests.e2e.mailbox import read

_ENTRY = re.compile(
    r"^  (?:PubMed (\d+) |https://pubmed\.ncbi\.nlm\.nih\.gov/(\d+)/$)", re.MULTILINE
)
"""The link of an entry, or of one that is only listed because the mail is full."""
_NOTICE = re.compile(r"^  (?:PubMed|PMID) (\d+)", re.MULTILINE)
_SENT = "You were sent this paper on"
_FOOT = "What was checked"


@dataclass(frozen=True)
class Received:
    """A mail that was accepted.

    `kind` is `letter` for questions about a subscription, which tell of no article. `pmids` are
    the articles told as news, `notices` those of which a retraction or correction is told. `date`
    is the mail's own header, `at` the real time in seconds since 1970. `answered` is False in the
    ambiguous case: the mail is here, and its sender was not told so. `leave` is
    where a mail program posts to leave (RFC 8058).
    """

    recipient: str
    message_id: str
    subject: str
    date: str
    kind: Literal["digest", "letter"]
    pmids: tuple[int, ...]
    notices: tuple[int, ...]
    at: float
    answered: bool
    leave: str = ""


def received(path: Path) -> list[Received]:
    """All mails of a file, in the order in which they were accepted; none when there is no file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return [
        Received(**{**row, "pmids": tuple(row["pmids"]), "notices": tuple(row["notices"])})
        for row in rows
    ]


def understood(recipient: str, content: bytes, at: float, *, answered: bool) -> Received:
    """A mail from its RFC 5322 form; `recipient` is the envelope's."""
    is_digest = message_from_bytes(content, policy=policy.default)["List-Id"] is not None
    mail = read(content)
    told = mail.text.split(_FOOT)[0] if is_digest else ""
    paragraphs = told.split("\n\n")
    news = "\n\n".join(part for part in paragraphs if _SENT not in part)
    notices = "\n\n".join(part for part in paragraphs if _SENT in part)
    return Received(
        recipient=recipient,
        message_id=mail.message_id,
        subject=mail.subject,
        date=mail.date,
        kind="digest" if is_digest else "letter",
        pmids=tuple(int(a or b) for a, b in _ENTRY.findall(news)),
        notices=tuple(int(pmid) for pmid in _NOTICE.findall(notices)),
        at=at,
        answered=answered,
        leave=mail.one_click,
    )
