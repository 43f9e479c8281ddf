"""Points at which a process can be killed: counted, named, and one of them deadly."""

import os
import re
import signal
from dataclasses import dataclass, field

_NTH = re.compile(r"nth:(\d+)")


@dataclass
class Points:
    """Notes each point that is passed; at the deadly one the process ends as by `kill -9`.

    A point is named by what happens there and by how often that has happened in this life:
    "before INSERT poller.outbox #2". Such names are the same in each life also where handlers
    take turns as they like. `kill_at` is one of them, or "nth:17" for the 17th, whichever it is.
    """

    kill_at: str | None = None
    passed: list[str] = field(default_factory=list)
    _turns: dict[str, int] = field(default_factory=dict)

    def __call__(self, name: str) -> None:
        """Pass a point, or die."""
        self._turns[name] = turn = self._turns.get(name, 0) + 1
        self.passed.append(f"{name} #{turn}")
        if self._is_deadly():
            os.kill(os.getpid(), signal.SIGKILL)

    def times(self, name: str) -> int:
        """How often something happened so far."""
        return self._turns.get(name, 0)

    def _is_deadly(self) -> bool:
        if self.kill_at is None:
            return False
        nth = _NTH.fullmatch(self.kill_at)
        if nth:
            return len(self.passed) == int(nth.group(1))
        return self.passed[-1] == self.kill_at
