"""The history server: result sets kept under a WebEnv and a query_key."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.ncbi_sim.paging import CAP
from shared.clock import Clock, system_clock

EXPIRY = timedelta(hours=8)
"""NCBI drops sets that nobody asked for in eight hours (E-utilities help, The Entrez History)."""

# Beside that the oldest go first, so that a long run cannot fill the memory.
MAX_ENVIRONMENTS = 1000


@dataclass(frozen=True)
class HistoryKey:
    """Where a set is kept."""

    web_env: str
    query_key: int


class UnknownQueryError(LookupError):
    """No set is kept under this WebEnv and query_key."""

    def __init__(self, query_key: str) -> None:
        super().__init__(f"Unable to obtain query #{query_key}")


@dataclass
class History:
    """Result sets by WebEnv. Names come from a counter, so that a run can be repeated exactly.

    A set expires by `now` when it was not asked for in `EXPIRY`. `cap` is how many records of a
    set or of a search can be retrieved.
    """

    now: Clock = system_clock
    cap: int = CAP
    _asked: dict[str, datetime] = field(default_factory=dict)
    _sets: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    _created: int = 0

    def save(self, uids: Sequence[str], web_env: str = "") -> HistoryKey:
        """Keep a set, in the given environment if it is known, else in a new one."""
        self._forget()
        if web_env not in self._sets:
            web_env = self._new_environment()
        self._asked[web_env] = self.now()
        self._sets[web_env].append(tuple(uids))
        return HistoryKey(web_env, len(self._sets[web_env]))

    def read(self, web_env: str, query_key: str) -> tuple[str, ...]:
        """The set kept there.

        Raises:
            UnknownQueryError: there is none.
        """
        self._forget()
        sets = self._sets.get(web_env, [])
        number = int(query_key) if query_key.isascii() and query_key.isdigit() else 0
        if not 1 <= number <= len(sets):
            raise UnknownQueryError(query_key)
        self._asked[web_env] = self.now()
        return sets[number - 1]

    def _forget(self) -> None:
        """Drop what has expired."""
        oldest = self.now() - EXPIRY
        for web_env in [name for name, asked in self._asked.items() if asked < oldest]:
            del self._asked[web_env]
            self._sets.pop(web_env, None)

    def _new_environment(self) -> str:
        self._created += 1
        name = f"MCID_{hashlib.sha256(str(self._created).encode()).hexdigest()[:24]}"
        if len(self._sets) >= MAX_ENVIRONMENTS:
            del self._sets[next(iter(self._sets))]
        self._sets[name] = []
        return name
