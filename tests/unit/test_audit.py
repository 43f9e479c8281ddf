"""What `make audit` says of each answer of the vulnerability service, and when nobody answers."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:1/"
ILL = {
    "id": "PYSEC-2026-1",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "an invented one",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "httpx"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]},
            ],
        }
    ],
}


class _Osv(BaseHTTPRequestHandler):
    """OSV's API (https://google.github.io/osv.dev/api/): what it knows of what it is asked."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        names = [one["package"]["name"] for one in asked]
        self.server.asked += names  # type: ignore[attr-defined]
        ill = self.server.ill  # type: ignore[attr-defined]
        known = [{"vulns": [ILL]} if name in ill else {} for name in names]
        self._answer({"results": known})

    def do_GET(self) -> None:
        self._answer(ILL)

    def _answer(self, found: object) -> None:
        body = json.dumps(found).encode()
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Osv(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, ill: tuple[str, ...], status: int) -> None:
        self.ill, self.status = ill, status
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Osv)


@contextmanager
def osv(ill: tuple[str, ...] = (), status: int = 200) -> Iterator[tuple[Osv, str]]:
    with Osv(ill, status) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server, f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def _audited(url: str, *more: str) -> tuple[int, str]:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    assert uv, "no uv to ask"
    answer = subprocess.run(
        ["sh", ".ci/audit", "--service-url", url, *more],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
        env=os.environ | {"UV": uv, "UV_HTTP_RETRIES": "0"},  # noqa: TID251  its index, if it has one
    )  # fmt: skip
    return answer.returncode, answer.stdout + answer.stderr


def test_where_nothing_is_known_it_passes_and_asks_about_every_service() -> None:
    with osv() as (server, url):
        code, said = _audited(url)

    assert (code, "NOT CHECKED" in said) == (0, False), said
    assert {"lxml", "cryptography", "fastapi", "rstream", "aio-pika"} <= set(server.asked)
    assert {"pytest", "mypy", "torch"} & set(server.asked) == set()


def test_a_known_vulnerability_fails_it_and_is_named() -> None:
    with osv(ill=("httpx",)) as (_, url):
        code, said = _audited(url)

    assert code == 1
    assert "PYSEC-2026-1" in said
    assert "99.0" in said


@pytest.mark.parametrize("status", [None, 503])
def test_a_service_that_cannot_be_asked_fails_nothing_and_is_told(status: int | None) -> None:
    with osv(status=status or 200) as (_, url):
        code, said = _audited(NOBODY if status is None else url)

    assert (code, said.splitlines()[-1].split(":")[0]) == (0, "NOT CHECKED"), said


def test_what_is_wrong_here_is_no_service_that_cannot_be_asked() -> None:
    code, said = _audited(NOBODY, "--no-such-option")

    assert (code, "NOT CHECKED" in said) == (2, False)
