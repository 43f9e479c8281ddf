"""Mails written to a folder instead of being sent: for trying out, and for tests."""

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from services.notifier.senders import Package, Target
from shared.errors import Retryable

_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True)
class CaptureSender:
    """Writes `<id>.eml`, or `.json`, into a folder, whole or not at all.

    The same package again replaces its file, so that a repeated delivery leaves one.
    """

    folder: Path

    @property
    def flights(self) -> int:
        """Few: a disk is quick."""
        return 4

    async def send(self, package: Package, target: Target) -> None:
        """Write the package.

        Raises:
            Retryable: the folder cannot be written to.
        """
        name = _UNSAFE.sub("_", package.id.strip("<>")) or "message"
        kind = "json" if package.content.startswith(b"{") else "eml"
        try:
            await asyncio.to_thread(self._write, f"{name}.{kind}", package.content)
        except OSError as error:
            raise Retryable(
                f"capture: {self.folder} cannot be written to ({error.strerror}): "
                "correct its permissions, or set NOTIFIER_CAPTURE_DIR"
            ) from error

    async def rest(self) -> None:
        """Nothing is held."""

    async def close(self) -> None:
        """Nothing is held."""

    def _write(self, name: str, content: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as part:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
        Path(part.name).replace(self.folder / name)
