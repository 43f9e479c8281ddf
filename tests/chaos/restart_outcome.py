"""What became of messages that were in flight when their broker went away."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What became of a run. Times are in seconds, from when the broker took connections again."""

    way: str
    messages: int
    in_flight: int
    away: float
    back: dict[str, float]
    done: float
    redelivered: dict[str, int]
    effects: dict[str, int]
    left: dict[str, int]
    missing_in_archive: int
    twice_in_archive: int

    @property
    def is_as_promised(self) -> bool:
        """Whether every message had each of its effects once, and nothing is left on its way."""
        once = set(self.effects.values()) == {self.messages}
        return once and not any(self.left.values()) and not self.missing_in_archive

    def __str__(self) -> str:
        back = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.back.items())
        again = ", ".join(f"{name} {number}" for name, number in self.redelivered.items())
        twice = sum(abs(number - self.messages) for number in self.effects.values())
        return (
            f"broker {self.way} with {self.in_flight} of {self.messages} messages in flight, "
            f"away for {self.away:.1f} s\n"
            f"  first message after it was back: {back}\n"
            f"  all done after {self.done:.1f} s\n"
            f"  delivered again: {again}; archived twice: {self.twice_in_archive}\n"
            f"  effects missing or twice: {twice}; left in outboxes and queues: "
            f"{sum(self.left.values())}; missing in the archive: {self.missing_in_archive}"
        )
