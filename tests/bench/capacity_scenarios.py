"""What is watched and who reads, in the model of `tests.bench.capacity`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """All of it is assumed, and yours to change.

    `known` and `news` are of one topic: articles it has, and new ones a year; `revisions` how often
    each new one changes. `digests` a day and reader: three in ten daily, the others weekly.
    `busiest` is the share of a day's digests that is due in one hour.
    """

    name: str
    topics: int
    known: float
    news: float
    readers: int
    revisions: float = 3.0
    polls: float = 24.0
    digests: float = 0.4
    busiest: float = 0.25

    @property
    def events_a_day(self) -> float:
        """Articles that are new or changed."""
        return self.topics * self.news / 365 * (1 + self.revisions)

    @property
    def digests_a_day(self) -> float:
        """Of all readers."""
        return self.readers * self.digests

    @property
    def digests_an_hour(self) -> float:
        """In the busiest one."""
        return self.digests_a_day * self.busiest


SCENARIOS = (
    Scenario("10 topics", 10, 5_000, 1_000, 500),
    Scenario("1,000 topics", 1_000, 5_000, 1_000, 50_000),
    Scenario("all of PubMed", 1, 40e6, 1.7e6, 1_000),
    Scenario("a million readers", 1_000, 5_000, 1_000, 1_000_000),
)
