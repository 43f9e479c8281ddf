"""The demo whose pages stay up, as a user meets it: a process, a request, the Enter key."""

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from services.console.demo_web import next_noon, told
from services.console.scenario import instants
from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).parents[2]
DIGEST = b"""From: Carillon <carillon@localhost>
To: reader@example.org
Subject: 3 new articles
Content-Type: text/plain; charset=utf-8

PubMed https://pubmed.ncbi.nlm.nih.gov/1/
On the web: http://localhost:8000/digests/abc.DEF-1
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def _lines_until(process: subprocess.Popen[str], words: str) -> list[str]:
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    pytest.fail(f"it ended without saying {words!r}:\n{''.join(lines)}")


def test_pages_answer_after_the_fortnight_enter_brings_the_next_day_and_a_signal_ends_it(
    tmp_path: Path,
) -> None:
    port = _free_port()
    command = ["demo", "--serve", "--port", str(port), "--out", str(tmp_path / "out")]
    with subprocess.Popen(
        [sys.executable, "-m", "services.console", *command],
        cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        watchdog = threading.Timer(100, process.kill)
        watchdog.start()
        try:
            _lines_until(process, "Ctrl-C")
            answer = httpx.get(f"http://127.0.0.1:{port}/api/openapi.json", trust_env=False)
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
            _lines_until(process, "Tuesday 22 September 2026, 12:00 UTC")
            process.send_signal(signal.SIGTERM)
            _, complaints = process.communicate(timeout=60)
        finally:
            watchdog.cancel()
            process.kill()

    assert answer.status_code == 200
    assert (process.returncode, complaints) == (0, "")


def test_the_next_noon_is_the_scenarios_next_instant_of_digests() -> None:
    steps = list(instants(load_catalogue(PACKAGED_CATALOGUE)))

    assert [next_noon(at) for at in steps[:3]] == [steps[1], steps[3], steps[3]]


def test_a_mail_is_told_with_the_first_of_our_pages_that_it_leads_to() -> None:
    assert told(DIGEST).splitlines() == [
        "  mail to reader@example.org: 3 new articles",
        "    http://localhost:8000/digests/abc.DEF-1",
    ]
    assert told(DIGEST.replace(b"On the web", b"").replace(b"/digests/", b"/x/")).count("\n") == 0
