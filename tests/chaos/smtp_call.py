"""One connection to the mail server, and what goes wrong in it (RFC 5321)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Step = Literal["greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot", "kept"]
"""Where it can fail. `dot`: the message is whole, but not accepted; `kept`: it is accepted."""

DROP = "drop"
"""The connection ends without an answer."""
STALL = "stall"
"""Nothing is said until the client goes."""

USUAL = {"EHLO": "250-mailbox\r\n250 SIZE 50000000", "QUIT": "221 bye"}


class HungUp(Exception):
    """The connection ends here."""


@dataclass
class Call:
    """One connection. `fault_at` gives the fault that is due at a step, or None."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    fault_at: Callable[[str], str | None]
    keep: Callable[[str, bytes, bool], None]
    recipient: str = ""

    async def converse(self) -> None:
        """Answer until the client quits; raises `HungUp` or as the streams do."""
        await self._say("greeting", "220 mailbox")
        while True:
            line = (await self.reader.readuntil(b"\r\n")).decode(errors="replace").strip()
            verb = line.split(" ")[0].upper()
            if verb == "DATA":
                await self._take()
                continue
            if verb == "RCPT":
                self.recipient = line.partition("<")[2].partition(">")[0]
            await self._say("EHLO" if verb == "HELO" else verb, USUAL.get(verb, "250 ok"))
            if verb == "QUIT":
                return

    async def _take(self) -> None:
        if not await self._say("DATA", "354 go on"):
            return
        content = _unstuffed(await self.reader.readuntil(b"\r\n.\r\n"))
        fault = self.fault_at("dot")
        if fault:
            await self._fail(fault)
            return
        lost = self.fault_at("kept")
        self.keep(self.recipient, content, lost is None)
        if lost:
            await self._fail(lost)
        else:
            await self._write("250 taken")

    async def _say(self, step: str, usual: str) -> bool:
        """Answer as usual, or with the fault that is due; whether it was as usual."""
        fault = self.fault_at(step)
        if fault is None:
            await self._write(usual)
            return True
        await self._fail(fault)
        return False

    async def _fail(self, fault: str) -> None:
        if fault == STALL:
            await self.reader.read()
        if fault in {DROP, STALL}:
            raise HungUp
        await self._write(fault)
        if fault.startswith("421"):
            raise HungUp

    async def _write(self, line: str) -> None:
        self.writer.write(line.encode() + b"\r\n")
        await self.writer.drain()


def _unstuffed(content: bytes) -> bytes:
    """The message without its last dot, and the dots before other dots (4.5.2)."""
    whole = content[: -len(b".\r\n")]
    return (b"\n" + whole).replace(b"\n..", b"\n.")[1:]
