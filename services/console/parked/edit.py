"""An edited message: valid, and for the consumer that it goes back to."""

import json
import shlex
import subprocess
import tempfile
from pathlib import Path

from services.console.settings import Desk
from shared.errors import ConfigurationError
from shared.events import CloudEvent, decode
from shared.marks import MARKS
from shared.settings import load
from shared.topology import CONSUMERS


def edited(text: str, before: bytes, consumer: str) -> tuple[CloudEvent, bytes]:
    """The event that an operator's text is, and its bytes.

    Fields that this version does not know are kept.

    Raises:
        Undecodable: it is no event; the message names the first few places.
        ConfigurationError: it is as it was, not for this consumer, or of another replay than
            before: what is live and what a replay brought stay apart.
    """
    event = decode(text.encode())
    body = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode()
    if _same(body, before):
        raise ConfigurationError("nothing was changed: `carillon parked redrive` puts it back")
    if not _keeps_marks(json.loads(text), before):
        raise ConfigurationError(
            f"{', '.join(MARKS)} have to stay as they are: without them a replayed event would be "
            "taken for a live one, and with them a live one would be no news any more"
        )
    wanted = next(one.bindings for one in CONSUMERS if one.name == consumer)
    if event.ROUTING_KEY not in wanted:
        raise ConfigurationError(f"{event.ROUTING_KEY} is not for the {consumer}: "
                                 f"it takes {' and '.join(wanted)}")  # fmt: skip
    return event, body


def _keeps_marks(after: dict[str, object], before: bytes) -> bool:
    """Whether it belongs to the replay that it belonged to, on its terms, or is live as it was."""
    try:
        found = json.loads(before)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return ("replayid" in after) == (b'"replayid"' in before)
    if found.get("replayid") is None:
        return after.get("replayid") is None
    return all(after.get(name) == found.get(name) for name in MARKS)


def _same(body: bytes, before: bytes) -> bool:
    try:
        return bool(json.loads(body) == json.loads(before))
    except (ValueError, RecursionError):
        return False


def in_editor(text: str) -> str:
    """The text as it is when the operator's editor ends.

    Raises:
        ConfigurationError: there is no such editor, or it failed.
    """
    editor = shlex.split(load(Desk).editor)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "message.json"
        file.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*editor, str(file)], check=True)  # noqa: S603  the operator's own
        except (OSError, subprocess.CalledProcessError) as error:
            raise ConfigurationError(
                f"the editor {editor[0]} cannot be used ({type(error).__name__}): "
                "set EDITOR, or give --file"
            ) from error
        return file.read_text(encoding="utf-8")
