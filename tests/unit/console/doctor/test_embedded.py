"""The doctor before `carillon run`: without any server of ours, as an operator types it."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def pubmed() -> Iterator[str]:
    """The stand-in as a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "services.ncbi_sim"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "NCBI_SIM_PORT": str(port), "NCBI_SIM_RATE_LIMIT": "false"},
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port)
        yield f"http://127.0.0.1:{port}/entrez/eutils/"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the stand-in does not listen")


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def _asked(folder: Path, pubmed: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "CARILLON_STATE": str(folder / "state"),
        "POLLER_EUTILS_URL": pubmed,
        "POLLER_NCBI_EMAIL": "operator@carillon-lab.org",
        "NOTIFIER_WEB_PORT": "0",
    }
    return subprocess.run(
        [sys.executable, "-m", "services.console", "doctor", *words],
        cwd=ROOT, env=environment | more, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip


def _found(folder: Path, pubmed: str, **more: str) -> dict[str, Any]:
    answer = _asked(folder, pubmed, "--json", **more)
    assert answer.returncode in {0, 1, 2}, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def test_what_is_well_ends_with_0_and_leaves_nothing_behind(tmp_path: Path, pubmed: str) -> None:
    shown = _asked(tmp_path, pubmed)

    assert (shown.returncode, shown.stderr) == (0, ""), shown.stdout
    assert "ok    PubMed" in shown.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_finding_ends_with_1_and_says_what_mends_it(tmp_path: Path, pubmed: str) -> None:
    shown = _asked(tmp_path, pubmed, NOTIFIER_SUBSCRIPTIONS_FILE="nowhere.toml")

    assert shown.returncode == 1
    assert "error   SUBSCRIPTIONS-UNREADABLE  nowhere.toml: it is not there" in shown.stdout
    assert "correct NOTIFIER_SUBSCRIPTIONS_FILE" in shown.stdout
    assert "docs/doctor.md#subscriptions-unreadable" in shown.stdout


def test_the_folder_of_the_stores_must_be_one_that_can_be_written_to(
    tmp_path: Path, pubmed: str
) -> None:
    (tmp_path / "state").write_text("a file", encoding="utf-8")

    found = _found(tmp_path, pubmed)

    assert [one["code"] for one in found["findings"]] == ["STATE-UNUSABLE"]


def test_the_pages_port_must_be_free(tmp_path: Path, pubmed: str) -> None:
    with taken_port() as port:
        found = _found(tmp_path, pubmed, NOTIFIER_WEB_PORT=str(port))

    assert [one["code"] for one in found["findings"]] == ["PORT-IN-USE"]


def test_mails_that_really_leave_need_links_that_lead_somewhere(
    tmp_path: Path, pubmed: str
) -> None:
    sent = {"NOTIFIER_DELIVERY": "smtp", "NOTIFIER_SMTP_HOST": "127.0.0.1"}

    found = _found(tmp_path, pubmed, **sent, NOTIFIER_SMTP_PORT="1")

    codes = {one["code"] for one in found["findings"]}
    assert codes == {"MAIL-FROM-LOCAL", "PUBLIC-URL-LOCAL", "SMTP-UNREACHABLE"}


def test_a_mail_server_that_is_named_and_not_used_is_told(tmp_path: Path, pubmed: str) -> None:
    found = _found(tmp_path, pubmed, NOTIFIER_SMTP_HOST="mail.carillon-lab.org")

    assert [one["code"] for one in found["findings"]] == ["MAIL-CAPTURED"]


def test_where_only_the_accounts_are_known_the_rest_is_named_as_not_looked_at(
    tmp_path: Path,
) -> None:
    """As in the container of `migrate`, in production."""
    url = tmp_path / "url"
    url.write_text("postgresql+asyncpg://carillon:pw-of-all@127.0.0.1:1/carillon")
    answer = subprocess.run(
        [sys.executable, "-m", "services.console", "doctor", "--json"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "CARILLON_DATABASE_URL_FILE": str(url)},
        capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip

    found = json.loads(answer.stdout)
    untold = {one["what"] for one in found["unchecked"]}
    assert untold >= {f"settings of the {s}" for s in ("poller", "classifier", "notifier")}
    assert "PubMed" in untold
    codes = {one["code"] for one in found["findings"]}
    assert codes == {"DATABASE-UNREACHABLE", "SERVICE-SILENT"}
    assert "pw-of-all" not in answer.stdout + answer.stderr
