"""Each service as its own process says all that it has to say as JSON on stdout, in one stream."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.eventually import eventually

ROOT = Path(__file__).parents[2]
NO_BROKER = "amqp://guest:guest@127.0.0.1:1/"


@dataclass
class Running:
    """A service's process; what it says and complains of goes into files."""

    process: subprocess.Popen[bytes]
    folder: Path

    def ended(self) -> tuple[int, str, str]:
        """Exit code, stdout and stderr, when it has ended by itself."""
        code = self.process.wait(timeout=40)
        return code, self._file("stdout"), self._file("stderr")

    def says(self, words: str) -> bool:
        """Whether it has said so, anywhere."""
        return words in self._file("stdout") + self._file("stderr")

    def _file(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


@contextmanager
def _running(service: str, settings: Mapping[str, str], folder: Path) -> Iterator[Running]:
    given = {f"{service.upper()}_{name}": value for name, value in settings.items()}
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{service}"],
            cwd=ROOT, env={"PATH": os.defpath, **given}, stdout=stdout, stderr=stderr,
        )  # fmt: skip
    try:
        yield Running(process, folder)
    finally:
        process.kill()
        process.wait()


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


@pytest.mark.parametrize("service", ["poller", "classifier", "notifier"])
async def test_a_service_logs_to_stdout_and_only_there(service: str, tmp_path: Path) -> None:
    settings = {
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'store.db'}",
        "AMQP_URL": NO_BROKER,
        "PORT": _free_port(),
        "EUTILS_URL": "http://127.0.0.1:1/",
        "TOPICS_DIR": str(ROOT / "topics"),
        "CAPTURE_DIR": str(tmp_path / "mail"),
        "SECRET_FILE": str(tmp_path / "key"),
        "WEB_PORT": "0",
    }
    with _running(service, settings, tmp_path) as running:
        await eventually(lambda: running.says("engines_awaited"), within=40)
        running.process.terminate()
        _, said, faults = await asyncio.to_thread(running.ended)

    lines = [json.loads(line) for line in said.splitlines()]
    assert faults == ""
    assert {"engines_awaited", "service_stopped"} <= {line["event"] for line in lines}
    assert {line["service"] for line in lines} == {service}


def test_the_stand_in_for_ncbi_has_its_server_speak_as_json_on_stdout_too(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with _running("ncbi_sim", {"PORT": port}, tmp_path) as running:
            _, said, faults = running.ended()

    (line,) = [json.loads(one) for one in said.splitlines()]
    assert faults == ""
    assert "already in use" in line["event"]
    assert (line["service"], line["level"]) == ("ncbi-sim", "error")


def test_a_setting_that_cannot_be_used_is_no_log_line_and_goes_to_stderr(tmp_path: Path) -> None:
    with _running("classifier", {"PORT": "many"}, tmp_path) as running:
        code, said, faults = running.ended()

    assert (code, said) == (78, "")
    assert "CLASSIFIER_PORT" in faults
