"""Faults, each planted in a healthy installation and taken out again, by the code they have."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from services.console.doctor.codes import Code
from tests.integration.doctor.patient import Patient


@dataclass
class Planted:
    """What is set besides, and which variables are not set at all."""

    overrides: dict[str, str] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)


Plant = Callable[[Patient], AbstractAsyncContextManager[Planted]]

PLANTS: list[tuple[Code, str, Plant]] = []


def planted(code: Code) -> Callable[[Callable[[Patient], AsyncIterator[Planted]]], None]:
    """Keeps a fault with the code that must be found, and its name."""

    def keep(plant: Callable[[Patient], AsyncIterator[Planted]]) -> None:
        PLANTS.append((code, plant.__name__.strip("_"), asynccontextmanager(plant)))

    return keep


def set_to(code: Code, what: str, make: Callable[[Patient], dict[str, str]]) -> None:
    """A fault that is but a setting."""

    @asynccontextmanager
    async def plant(patient: Patient) -> AsyncIterator[Planted]:
        yield Planted(make(patient))

    PLANTS.append((code, what, plant))
