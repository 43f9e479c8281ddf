"""What a transaction boundary has to say about itself, so that each of its points can be tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.chaos.crash.lives import Given
from tests.chaos.crash.world import World

Facts = Mapping[str, frozenset[Any]]
"""What holds in the end however often a process died before: the same as when none did."""


class Boundary(Protocol):
    """One kind of work, from the state that it begins in to what must be true afterwards."""

    @property
    def name(self) -> str:
        """What it is called, here and as a life."""

    async def fill(self, world: World) -> None:
        """Put what the work begins from into the template."""

    async def stage(self, world: World) -> None:
        """Put what the work begins from into the queues."""

    def given(self, world: World, number: int) -> Given:
        """What a life is given; the first one is number 0."""

    async def facts(self, world: World) -> Facts:
        """What has become of everything; asked when nobody works."""

    async def repeated(self, world: World) -> frozenset[str]:
        """Ids that left the database more than once; asked after `facts`, when all is done."""

    async def may_repeat(self, world: World) -> frozenset[str]:
        """Ids that the process that just died may have let out and has not recorded."""

    async def faults(self, world: World, undisturbed: Facts) -> list[str]:
        """What must never be seen, not even between two lives."""


@dataclass(frozen=True)
class Verdict:
    """What is wrong after a try; `repeats` came twice as they may, and `kills` were met."""

    problems: tuple[str, ...]
    repeats: int
    kills: int


def differences(undisturbed: Facts, found: Facts) -> list[str]:
    """What is missing and what is too much, fact by fact."""
    problems = []
    for name, wanted in undisturbed.items():
        if missing := wanted - found[name]:
            problems.append(f"{name}: missing {_few(missing)}")
        if more := found[name] - wanted:
            problems.append(f"{name}: not wanted {_few(more)}")
    return problems


def _few(things: frozenset[Any]) -> str:
    return ", ".join(sorted(map(str, things))[:4])
