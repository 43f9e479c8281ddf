"""A clock that is moved by hand: for days that are simulated."""

from dataclasses import dataclass
from datetime import datetime


@dataclass
class Hand:
    """The hand of a simulated clock."""

    now: datetime

    def __call__(self) -> datetime:
        """The instant that is shown."""
        return self.now
