"""Mails written to a folder instead of being sent: for trying out, and for tests."""

import asyncio
import os
import re
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from tempfile import NamedTemporaryFile

from services.notifier.senders import wire
from shared.errors import Retryable

_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True)
class CaptureSender:
    """Writes `<message id>.eml` into a folder, whole or not at all.

    The same message again replaces its file, so that a repeated delivery leaves one.
    """

    folder: Path

    async def send(self, message: EmailMessage, recipient: str) -> None:
        """Write the message.

        Raises:
            Retryable: the folder cannot be written to.
        """
        name = _UNSAFE.sub("_", str(message["Message-ID"] or "message").strip("<>"))
        content = wire(message)
        try:
            await asyncio.to_thread(self._write, f"{name}.eml", content)
        except OSError as error:
            raise Retryable(
                f"capture: {self.folder} cannot be written to ({error.strerror}): "
                "correct its permissions, or set NOTIFIER_CAPTURE_DIR"
            ) from error

    def _write(self, name: str, content: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as part:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
        Path(part.name).replace(self.folder / name)
