"""A digest in every form it has, as files."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.notifier.digest import Digest
from services.notifier.render import atom, html, labels, slack, text
from services.notifier.render.mail import Envelope, written


def write_digest(folder: Path, digest: Digest, envelope: Envelope) -> None:
    """Write one digest as HTML, text, `.eml` and Slack payload."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "digest.html", html.render(digest, envelope.links))
    _write(folder / "digest.txt", text.render(digest, envelope.links))
    (folder / "digest.eml").write_bytes(written(digest, envelope).content)
    _write(
        folder / "slack.json",
        json.dumps(slack.payloads(digest, envelope.links), indent=2, ensure_ascii=False),
    )


def write_feed(folder: Path, digests: Sequence[Digest], title: str) -> None:
    """Write all digests of a subscription as one Atom feed."""
    (folder / "feed.atom").write_bytes(atom.feed(digests, (folder / "feed.atom").name, title))


def write_labels(folder: Path, digests: Iterable[Digest]) -> None:
    """Write what every article in the digests was labelled, a line of JSON each."""
    lines: dict[str, None] = {}
    for digest in digests:
        lines |= dict.fromkeys(labels.lines(digest))
    _write(folder / "labels.jsonl", "\n".join(lines))


def _write(path: Path, content: str) -> None:
    path.write_text(content.rstrip("\n") + "\n", encoding="utf-8")
