"""Hostile others: an HTTP and a mail server that refuse, and quote all that they were told."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Http(BaseHTTPRequestHandler):
    """As NCBI answers a wrong key: with the key. Opinions are unauthorized, hooks gone."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        told = f"{self.path}\n{self.headers}\n{self.rfile.read(length).decode('latin-1')}"
        status = {"v1": 401, "hook": 410, "ping": 404}.get(self.path.split("/")[1], 400)
        body = json.dumps({"error": f"API key invalid: {told}", "api-key": told}).encode()
        self.server.heard.append(told)  # type: ignore[attr-defined]
        self.send_response(status, "no")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815  the library asks for these names

    def log_message(self, *_: object) -> None:
        """Say nothing: this server is not what is tested."""


class _Smtp(socketserver.StreamRequestHandler):
    """Refuses the first login and the first recipient, with what it was told."""

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline():
            told = line.decode("latin-1").strip()
            self.server.heard.append(told)  # type: ignore[attr-defined]
            verb = told.upper().split(" ")[0]
            if verb == "EHLO":
                self._say("250-here\r\n250 AUTH PLAIN LOGIN")
            elif verb == "AUTH":
                self._login(told)
            elif verb == "RCPT":
                self._recipient(told)
            elif verb == "DATA":
                self._mail()
            else:
                self._say("221 bye" if verb == "QUIT" else "250 ok")

    def _login(self, told: str) -> None:
        self.server.logins += 1  # type: ignore[attr-defined]
        refused = self.server.logins <= 1  # type: ignore[attr-defined]
        self._say(f"535 5.7.8 {told}: not accepted" if refused else "235 ok")

    def _recipient(self, told: str) -> None:
        self.server.recipients += 1  # type: ignore[attr-defined]
        refused = self.server.recipients <= 1  # type: ignore[attr-defined]
        self._say(f"550 5.1.1 {told}: no such user" if refused else "250 ok")

    def _mail(self) -> None:
        self._say("354 go on")
        lines = iter(self.rfile.readline, b".\r\n")
        self.server.mails.append(b"".join(lines).decode())  # type: ignore[attr-defined]
        self._say("250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode("latin-1") + b"\r\n")


class Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.heard: list[str] = []
        super().__init__(("127.0.0.1", 0), _Http)


class Smtp(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.mails: list[str] = []
        self.logins = self.recipients = 0
        super().__init__(("127.0.0.1", 0), _Smtp)


@contextmanager
def echoes() -> Iterator[tuple[Http, Smtp]]:
    """Both, running; what each was told is in `heard`, and the mails that were taken in `mails`."""
    with Http() as http, Smtp() as smtp:
        for server in (http, smtp):
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield http, smtp
        finally:
            for server in (http, smtp):
                server.shutdown()
