"""`carillon run` as a user starts it: one process that watches, and answers readers."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[3]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@contextmanager
def running(state: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The command under way, with a PubMed that cannot be reached."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "COLUMNS": "200",
        "CARILLON_STATE": str(state),
        "POLLER_EUTILS_URL": "http://127.0.0.1:1/entrez/eutils/",
        "NOTIFIER_WEB_PORT": str(port),
    }
    command = [sys.executable, "-m", "services.console", "run"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=pipe, stderr=pipe
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _answered(url: str, process: subprocess.Popen[str], within: float = 60.0) -> httpx.Response:
    deadline = time.monotonic() + within
    while True:
        try:
            return httpx.get(url, trust_env=False)
        except httpx.TransportError:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.1)


def test_it_answers_readers_says_where_and_keeps_its_key_beside_the_stores(tmp_path: Path) -> None:
    port = _free_port()

    with running(tmp_path / "state", port) as process:
        answer = _answered(f"http://127.0.0.1:{port}/api/openapi.json", process)
        process.send_signal(signal.SIGTERM)
        printed, complaints = process.communicate(timeout=60)

    assert answer.json()["info"]["title"] == "Carillon"
    assert (process.returncode, complaints) == (0, "")
    assert f"Readers' pages: http://localhost:{port}" in printed
    assert (tmp_path / "state" / "notifier.key").stat().st_mode & 0o777 == 0o600


def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as held,
        running(tmp_path / "state", port := held.getsockname()[1]) as process,
    ):
        _, complaints = process.communicate(timeout=60)

    assert process.returncode == 1
    assert complaints.count("\n") == 1
    assert f"port {port} of 127.0.0.1" in complaints
    assert "NOTIFIER_WEB_PORT" in complaints
