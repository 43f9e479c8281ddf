"""The services as processes, counted, with what stands around them: stand-in, mails, clock."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.chaos.soak_mix import TOPIC

ROOT = Path(__file__).parents[2]
SERVICES = ("poller", "classifier", "notifier")
KEY = "the key of the soak, which opens nothing else"
STOPS_WITHIN = 40.0
"""Seconds from SIGTERM to the end of a process: the grace of handlers and flush, and some more."""


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Crew:
    """Starts and stops the processes; all their files are in `folder`."""

    folder: Path
    database_url: str
    amqp_url: str
    seconds: float = 10.0
    planted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def clock(self) -> Path:
        """The file with the simulated time."""
        return self.folder / "now"

    def show(self, now: datetime) -> None:
        """Let it be `now`, for all of them at once."""
        part = self.folder / "now.part"
        part.write_text(now.isoformat(), encoding="ascii")
        part.replace(self.clock)

    def start(self, services: Sequence[str] = SERVICES) -> None:
        """Start the mail server, the stand-in if there is a poller, and the services."""
        (self.folder / "subscriptions.toml").write_text(subscriptions(), encoding="utf-8")
        if "poller" in services:
            self.ports["sim"] = free_port()
            self._run("sim", ["-m", "services.ncbi_sim"], self._of_sim())
        if "notifier" in services:
            self._start_sink()
        for name in services:
            self.ports[name] = free_port()
            more = ["-m", "tests.chaos.soak_process", name, str(self._samples(name))]
            more += [str(self.seconds), *self.planted.get(name, ())]
            self._run(name, more, self._settings(name))

    def samples(self, name: str) -> list[dict[str, Any]]:
        """What one service held, as far as it was counted."""
        path = self._samples(name)
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def ended(self) -> list[str]:
        """Who is no longer running, though nobody stopped it."""
        return [name for name, one in self.running.items() if one.poll() is not None]

    def stop(self) -> dict[str, int]:
        """End all in their order, the services by SIGTERM; their exit codes."""
        order = sorted(self.running, key=lambda name: name not in SERVICES)
        for name in order:
            self.running[name].send_signal(signal.SIGTERM)
            try:
                self.running[name].wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                self.running[name].kill()
                self.running[name].wait()
            for pipe in (self.running[name].stdin, self.running[name].stdout):
                if pipe is not None:
                    pipe.close()
        return {name: one.returncode for name, one in self.running.items() if name in SERVICES}

    def _samples(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"

    def _run(self, name: str, command: Sequence[str], settings: Mapping[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={"PATH": os.defpath, **settings},
                stderr=log,
                stdout=log,
            )

    def _start_sink(self) -> None:
        with (self.folder / "sink.log").open("ab") as log:
            sink = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.sink"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        if sink.stdout is None:
            raise RuntimeError("the mail server has no output to tell its port on")
        self.ports["sink"] = int(sink.stdout.readline())
        self.running["sink"] = sink

    def _settings(self, name: str) -> dict[str, str]:
        own = {
            "DATABASE_URL": self.database_url,
            "AMQP_URL": self.amqp_url,
            "CLOCK_FILE": str(self.clock),
            "PORT": str(self.ports[name]),
            **getattr(self, f"_of_{name}")(),
        }
        return {f"{name.upper()}_{key}": value for key, value in own.items()}

    def _of_poller(self) -> dict[str, str]:
        url = f"http://127.0.0.1:{self.ports['sim']}/entrez/eutils/"
        return {"EUTILS_URL": url, "POLL_EVERY_MINUTES": "10"}

    def _of_classifier(self) -> dict[str, str]:
        return {}

    def _of_notifier(self) -> dict[str, str]:
        self.ports["web"] = free_port()
        return {
            "DELIVERY": "smtp", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(self.ports["sink"]),
            "SMTP_TLS": "none", "PER_DOMAIN_SECOND": "1000", "SECRET_KEY": KEY,
            "WEB_PORT": str(self.ports["web"]),
            "SUBSCRIPTIONS_FILE": str(self.folder / "subscriptions.toml"),
        }  # fmt: skip

    def _of_sim(self) -> dict[str, str]:
        own = {"PORT": str(self.ports["sim"]), "CLOCK_FILE": str(self.clock), "RATE_LIMIT": "false"}
        return {f"NCBI_SIM_{key}": value for key, value in own.items()}


def subscriptions() -> str:
    """Readers with digests at every hour of the day, and some at once."""
    daily = [_subscription(f"d{hour}", "daily", f"hour = {hour}") for hour in range(24)]
    at_once = [_subscription(f"i{number}", "immediate", "") for number in range(4)]
    return "\n".join(daily + at_once)


def _subscription(name: str, cadence: str, more: str) -> str:
    return (
        f'[[subscription]]\ntopic = "{TOPIC}"\naddress = "{name}@example.org"\n'
        f'confirmed = true\ncadence = "{cadence}"\n{more}\n'
    )
