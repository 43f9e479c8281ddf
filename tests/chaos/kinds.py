"""What a kind of fault is: what the plan has to know of it, how it begins and how it ends."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.chaos.field import Field
from tests.chaos.schedule import Fault, Sort

Detail = dict[str, Any]
"""What is worth knowing about a fault that has begun; JSON can carry it."""


@dataclass(frozen=True)
class Kind:
    """One kind. `begin` and `end` block; the fault is there, or over, when they return."""

    sort: Sort
    begin: Callable[[Field, Fault], Detail]
    end: Callable[[Field], None]


def nothing(where: Field) -> None:
    """The end of what has ended by itself."""


def rng(fault: Fault) -> random.Random:
    """Decides what else there is to decide about a fault; the same each time."""
    return random.Random(fault.draw)  # noqa: S311  no secret
