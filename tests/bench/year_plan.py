"""What is played in a simulated year: a world, and how often and when the poller dies."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from services.ncbi_sim.generate import CITES_AT_LEAST, SEED
from services.poller.topic import CitesTracked, Topic, read_topic
from tests.bench.year_standin import World

ROOT = Path(__file__).parents[2]
MOMENTS = ("begin", "commit", "request", "response", "carry", "timer", "away")


@dataclass(frozen=True)
class Death:
    """The poller dies at the nth moment of a kind, after n milliseconds, or for n days."""

    moment: str
    number: int


@dataclass(frozen=True)
class Year:
    """What is played: a world, and how many deaths in it."""

    world: World
    kills: int
    folder: Path
    database_url: str

    @property
    def topic(self) -> Topic:
        """The default topic, around the invented seed and one hop further."""
        real = read_topic(ROOT / "topics" / "car-autoimmune.toml")
        further = CitesTracked(at_least=CITES_AT_LEAST)
        return real.model_copy(update={"seed": SEED, "cites_tracked": further})

    def deaths(self) -> dict[int, list[Death]]:
        """On which days the poller dies, and how; the same for the same seed."""
        random = Random(self.world.seed)  # noqa: S311  to be repeated
        plan: dict[int, list[Death]] = {}
        for number in range(self.kills):
            moment = MOMENTS[number % len(MOMENTS)]
            most = {"timer": 300, "away": 3, "carry": 1}.get(moment, 8)
            death = Death(moment, random.randint(1, most))
            plan.setdefault(random.randrange(self.world.days), []).append(death)
        return plan
