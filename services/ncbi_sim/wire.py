"""Connections that break or wait: what no answer's bytes can show."""

import asyncio
import socket
import struct

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

# Zero seconds to linger: the kernel then ends the connection with a reset.
_NO_LINGER = struct.pack("ii", 1, 0)


class CutConnection(Response):
    """Announces a length, sends a part of it, and ends, so that the server cuts the connection."""

    def __init__(self, part: bytes, length: int, media_type: str) -> None:
        super().__init__(part, media_type=media_type)
        self._length = length

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers, and what there is."""
        headers = [
            (b"content-type", (self.media_type or "").encode()),
            (b"content-length", str(self._length).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if self.body:
            await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})


class ResetConnection(CutConnection):
    """Ends the connection without a word, by a TCP reset; without a socket it only cuts it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort the transport below the server, which ASGI gives no way to do."""
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if not isinstance(transport, asyncio.Transport):
            await super().__call__(scope, receive, send)
            return
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


class SlowAnswer(Response):
    """Another response, `seconds` later."""

    def __init__(self, late: Response, seconds: float) -> None:
        super().__init__()
        self._late = late
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then answer."""
        await asyncio.sleep(self._seconds)
        await self._late(scope, receive, send)
