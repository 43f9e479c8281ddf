"""What a reader finds in a digest mail, and which labels it stands on, wherever it came from."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

_ENTRY_LINK = re.compile(r"^  PubMed (\d+) ", re.MULTILINE)
_FOOT = "What was checked"


@dataclass(frozen=True, order=True)
class Mail:
    """One digest mail: `message_id` and subject from its head, `text` its plain-text part.

    `one_click` is where a mail program posts to leave (RFC 8058).
    """

    recipient: str
    date: str
    subject: str
    message_id: str
    text: str
    one_click: str = ""

    @property
    def entries(self) -> list[str]:
        """The text's paragraphs down to the foot: title, labels, evidence, reason and links."""
        told = self.text.split(_FOOT)[0]
        return [part.strip() for part in told.split("\n\n") if "Leave this list" not in part]

    @property
    def pmids(self) -> list[int]:
        """The articles in it, in their order."""
        return [int(pmid) for pmid in _ENTRY_LINK.findall(self.text)]


def read(content: bytes) -> Mail:
    """A mail from its RFC 5322 form."""
    message = message_from_bytes(content, policy=policy.default)
    body = message.get_body(("plain",))
    assert body is not None, f"{message['Subject']}: no plain-text part"
    return Mail(
        recipient=str(message["To"]),
        date=str(message["Date"]),
        subject=str(message["Subject"]),
        message_id=str(message["Message-ID"]),
        text=str(body.get_content()).replace("\r\n", "\n"),
        one_click=str(message["List-Unsubscribe"] or "").strip("<>"),
    )


def told(mails: Iterable[Mail]) -> list[tuple[str, str, list[str]]]:
    """What was told to whom, in order. The same mail twice (same Message-ID) counts once."""
    once = {mail.message_id: mail for mail in sorted(mails)}
    return [(mail.recipient, mail.subject, mail.entries) for mail in once.values()]


Labels = dict[int, list[str]]
"""Each article's labels, as "facet:label"."""


@dataclass(frozen=True)
class Told:
    """What one run of the demo came to."""

    mails: list[Mail]
    labels: Labels


def embedded(folder: Path) -> Told:
    """What `carillon demo --out FOLDER` left there; of an article told twice, its last labels."""
    mails = [read(path.read_bytes()) for path in sorted((folder / "mail").glob("*.eml"))]
    lines = (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return Told(mails, {row["pmid"]: sorted(row["confidence"]) for row in rows})
