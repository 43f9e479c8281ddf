"""A server in a container that can be stopped, killed and started: same port, same data."""

import secrets
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass


def docker(*arguments: str, seconds: float = 120, check: bool = True) -> str:
    """What a docker command wrote; a failure says what it wrote.

    Raises:
        RuntimeError: it failed, and `check` is set.
    """
    answer = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False
    )
    if check and answer.returncode:
        raise RuntimeError(f"docker {' '.join(arguments)}: {answer.stdout}\n{answer.stderr}")
    return answer.stdout


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, below those that the system gives away."""
    for _ in range(1_000):
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError("no free port between 20000 and 32000")


def until(condition: Callable[[], bool], seconds: float, what: str, pause: float = 0.25) -> None:
    """Return when it holds.

    Raises:
        TimeoutError: it does not hold within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)


@dataclass(frozen=True)
class Container:
    """A container by its name; its `port` of 127.0.0.1 is the same after every start."""

    name: str
    port: int

    def run(self, *command: str, seconds: float = 60, check: bool = True, user: str = "") -> str:
        """Run a command in it; what it wrote to stdout."""
        as_user = ("--user", user) if user else ()
        return docker("exec", *as_user, self.name, *command, seconds=seconds, check=check)

    @property
    def is_running(self) -> bool:
        """Whether the container runs; the server in it may still be starting."""
        state = docker("inspect", "--format", "{{.State.Running}}", self.name, check=False)
        return state.strip() == "true"

    def stop(self, seconds: int = 20) -> None:
        """Tell the server to stop; kill it after so many seconds."""
        docker("stop", "--time", str(seconds), self.name)

    def kill(self, signal: str = "KILL") -> None:
        """End it without a word. Returns when it has ended."""
        docker("kill", "--signal", signal, self.name, check=False)
        until(lambda: not self.is_running, 30, f"{self.name} ends")

    def begin(self) -> None:
        """Start the container again; use the engine's `start`, which waits until it answers."""
        if not self.is_running:
            docker("start", self.name)

    def freeze(self) -> None:
        """All its processes stand still: connections stay open and nothing is answered."""
        docker("pause", self.name)

    def thaw(self) -> None:
        """Its processes go on."""
        docker("unpause", self.name, check=False)

    def remove(self) -> None:
        """Remove it with its data."""
        docker("rm", "--force", "--volumes", self.name, check=False)
