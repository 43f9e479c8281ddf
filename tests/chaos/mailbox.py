"""A mail server that keeps what it accepts on disk, and fails where it is told to.

    with Mailbox(folder / "mails.jsonl") as mailbox:
        mailbox.expect("MAIL", "451 4.3.0 not now", times=3)
        mailbox.expect("kept", DROP)        # accepted, and the answer is lost
        ...
    mails = received(folder / "mails.jsonl")

A mail is in the file, with fsync, before the server answers 250 to it: what is in the file was
accepted, and what was answered with 250 is in the file. Methods may be called from any thread.
"""

import asyncio
import json
import os
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.chaos.received import Received, received, understood
from tests.chaos.smtp_call import DROP, STALL, Call, HungUp, Step

__all__ = ["DROP", "STALL", "Mailbox", "Received", "Step", "received"]

LARGEST = 32_000_000
"""Bytes of a message that are read into memory."""


class Mailbox:
    """The server, in a thread of its own; a context manager. `port` is of 127.0.0.1."""

    def __init__(self, path: Path, port: int = 0) -> None:
        self.path = path
        self.port = port
        self.lost_answers = 0
        """Mails that were accepted and whose sender was not told: each may come once more."""
        self.faults_met = 0
        self._faults: list[tuple[Step, str]] = []
        self._lock = threading.Lock()
        self._calls: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()
        self._do(asyncio.sleep(0.05))  # the loop tells the sockets that they are closed
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def expect(self, step: Step, answer: str, times: int = 1) -> None:
        """Fail so many times at a step: a line such as "451 4.3.0 not now", or `DROP` or `STALL`.

        At `kept` the mail has been accepted, whatever is answered. After 421 the server hangs up.
        """
        with self._lock:
            self._faults += [(step, answer)] * times

    def heal(self) -> int:
        """Behave again, and listen; how many of the expected faults nobody has met."""
        with self._lock:
            left = len(self._faults)
            self._faults.clear()
        self.up()
        return left

    def up(self) -> None:
        """Accept connections, on the same port as before."""
        self._do(self._listen())

    def down(self) -> None:
        """Refuse connections, and drop those that are open."""
        self._do(self._close())

    def mails(self) -> list[Received]:
        """What was accepted so far, also by earlier servers on the same file."""
        return received(self.path)

    # --- inside its thread ---

    def _fault_at(self, step: str) -> str | None:
        with self._lock:
            for number, (where, answer) in enumerate(self._faults):
                if where == step:
                    del self._faults[number]
                    self.faults_met += 1
                    return answer
        return None

    def _keep(self, recipient: str, content: bytes, answered: bool) -> None:
        self.lost_answers += not answered
        mail = understood(recipient, content, time.time(), answered=answered)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(mail)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _do(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, "127.0.0.1", self.port, limit=LARGEST
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = Call(reader, writer, self._fault_at, self._keep)
        try:
            with suppress(HungUp, asyncio.IncompleteReadError, ConnectionError):
                await call.converse()
        finally:
            writer.close()
