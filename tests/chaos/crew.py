"""The services as processes, through their own entry points: started again whenever they die.

    with Crew(folder, settings) as crew:          # settings: for each service, without its prefix
        crew.hire("classifier", 2)
        crew.kill("classifier-1")                 # SIGKILL; a new process follows by itself
        crew.terminate("notifier-1")              # SIGTERM; code and seconds are kept in `exits`
        crew.freeze("classifier-2"); crew.thaw()  # SIGSTOP, and SIGCONT
    crew.exits, crew.findings()

Methods may be called from any thread.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.chaos.containers import free_port, until
from tests.chaos.process_log import Findings, findings

ROOT = Path(__file__).parents[2]
GRACE_SECONDS = 30.0
"""How long a service may take to stop: docker-compose.yml's `stop_grace_period`."""
RESTART_SECONDS = 0.5
"""How long after a death the next process is started."""


@dataclass(frozen=True)
class Exit:
    """How a process ended. `asked` is the signal it was sent, 0 if it ended by itself.

    `code` is negative for a signal, `seconds` the time from the signal to the end. `has_begun`: it
    had written to its log.
    """

    member: str
    asked: int
    code: int
    seconds: float
    has_begun: bool = True

    @property
    def is_as_promised(self) -> bool:
        """SIGTERM: code 0 within the grace period. SIGKILL: it is dead. By itself: never.

        One that was still loading its modules, and had nothing in hand, ends by the signal.
        """
        if self.asked == signal.SIGTERM:
            codes = {0} if self.has_begun else {0, -signal.SIGTERM}
            return self.code in codes and self.seconds <= GRACE_SECONDS
        return self.asked == signal.SIGKILL


@dataclass
class Member:
    """One place in the crew, with its process at present and the port of its probes."""

    name: str
    service: str
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    starts: int = 0
    asked: int = 0
    asked_at: float = 0.0
    is_wanted: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)

    def probe(self, path: str, seconds: float = 8.0) -> int:
        """The status that a probe answers with; 0 when nobody answers in time."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=seconds) as answer:
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0


class Crew:
    """All service processes of a run; a context manager that ends them with SIGTERM."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Mapping[str, str]],
        entries: Mapping[str, Sequence[str]] | None = None,
        own: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """`entries`: what stands after `python -m` for a service that is not started as usual.

        `own` are settings of single members, by their names.
        """
        self._entries = entries or {}
        self._own = own or {}
        self.members: dict[str, Member] = {}
        self.exits: list[Exit] = []
        """Every end of a process so far, in order."""
        self._folder = folder
        self._settings = settings
        self._over = threading.Event()
        self._tender = threading.Thread(target=self._tend, name="crew", daemon=True)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tender.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.dismiss(signal.SIGTERM if kind is None else signal.SIGKILL)
        finally:
            self._over.set()
            self._tender.join(10)

    def hire(self, service: str, number: int = 1) -> list[str]:
        """Start so many processes of a service; their names, such as `classifier-1`."""
        names = [f"{service}-{n}" for n in range(1, number + 1)]
        for name in names:
            member = self.members[name] = Member(name, service, free_port())
            with member.lock:
                self._start(member)
        return names

    # --- what can be done to a member ---

    def kill(self, name: str) -> None:
        """SIGKILL, at whatever instruction it is."""
        self._signal(self.members[name], signal.SIGKILL)

    def terminate(self, name: str) -> None:
        """SIGTERM; returns when it has ended, or was killed because it did not in time."""
        member = self.members[name]
        process = member.process
        self._signal(member, signal.SIGTERM)
        if process is not None:
            _wait(process)

    def freeze(self, name: str) -> None:
        """SIGSTOP: it stands still until `thaw`, while its leases run out."""
        self._send(self.members[name], signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT for all."""
        for member in self.members.values():
            self._send(member, signal.SIGCONT)

    def dismiss(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End all for good, at once."""
        self.thaw()
        processes = []
        for member in self.members.values():
            with member.lock:
                member.is_wanted = False
                processes.append(member.process)
            self._signal(member, how)
        for process in processes:
            if process is not None:
                _wait(process)
        until(lambda: all(m.process is None for m in self.members.values()), 10, "the crew ends")

    # --- looking ---

    def ready(self) -> bool:
        """Whether every member says that it is ready."""
        return all(member.probe("/readyz") == 200 for member in self.members.values())

    def await_ready(self, seconds: float = 60.0) -> None:
        """Return when all are ready; TimeoutError after so many seconds."""
        until(self.ready, seconds, "all services are ready")

    def logs(self) -> list[Path]:
        """The log files: one for each process that was started."""
        return sorted(self._folder.glob("*.log"))

    def findings(self) -> Findings:
        """What the logs say about bugs so far."""
        return findings(self.logs())

    def broken_promises(self) -> list[Exit]:
        """Ends that are none of those that are promised."""
        return [end for end in self.exits if not end.is_as_promised]

    # --- inside ---

    def _start(self, member: Member) -> None:
        member.starts += 1
        member.asked, member.asked_at = 0, 0.0
        prefix = f"{member.service.upper()}_"
        own = self._own.get(member.name, {})
        settings = {**self._settings[member.service], **own, "PORT": str(member.port)}
        with self._log(member).open("ab") as file:
            member.process = subprocess.Popen(
                [sys.executable, "-m", *self._entry(member.service)],
                cwd=ROOT,
                env={
                    "PATH": os.defpath,
                    **{prefix + key: value for key, value in settings.items()},
                },
                stdout=file,
                stderr=file,
            )

    def _entry(self, service: str) -> Sequence[str]:
        return self._entries.get(service, (f"services.{service}",))

    def _signal(self, member: Member, number: signal.Signals) -> None:
        with member.lock:
            if member.process is not None and member.process.poll() is None:
                member.asked, member.asked_at = int(number), time.monotonic()
                member.process.send_signal(number)

    @staticmethod
    def _send(member: Member, number: signal.Signals) -> None:
        with member.lock:
            if member.process is not None and member.process.poll() is None:
                member.process.send_signal(number)

    def _tend(self) -> None:
        while not self._over.wait(0.05):
            for member in list(self.members.values()):
                with member.lock:
                    self._look_after(member)

    def _log(self, member: Member) -> Path:
        return self._folder / f"{member.name}.{member.starts:03}.log"

    def _look_after(self, member: Member) -> None:
        process = member.process
        if process is not None and (code := process.poll()) is not None:
            took = time.monotonic() - member.asked_at if member.asked else 0.0
            has_begun = self._log(member).stat().st_size > 0
            self.exits.append(Exit(member.name, member.asked, code, took, has_begun))
            member.process, member.asked_at = None, time.monotonic()
        is_due = time.monotonic() - member.asked_at >= RESTART_SECONDS
        if member.process is None and member.is_wanted and is_due:
            self._start(member)


def _wait(process: "subprocess.Popen[bytes]") -> None:
    """Return when it has ended; SIGKILL when the grace is over."""
    try:
        process.wait(GRACE_SECONDS + 1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
