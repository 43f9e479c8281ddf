"""What the whole line stands in: PubMed and its truth, topics, readers; written into a folder."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from tests.chaos.papers import TOPICS, Library, invent
from tests.chaos.readers import Reader, enrol, file_of

PLAN = "plan.json"
CLOCK = "clock"
TOPICS_DIR = "topics"
SUBSCRIPTIONS = "subscriptions.toml"

_TOPIC = """id = "{name}"
title = "Cells against {words}"
seed = {seed}
initial_lookback_days = 30
backfill_years = 3
overlap_days = 14
poll_every_minutes = 1200
cited_by = true

[[query]]
name = "{name}"
term = '"{words}"[tiab]'
"""


@dataclass(frozen=True)
class Plan:
    """What is played. The same numbers give the same world and the same faults, in their order."""

    seed: int
    articles: int
    subscriptions: int
    faults: int

    @property
    def days(self) -> int:
        """Days on which papers come: the more of them, the more days."""
        return min(14, max(5, self.articles // 700))

    @property
    def topics(self) -> int:
        """Topics of about a thousand papers each."""
        return min(len(TOPICS), max(2, self.articles // 1000))

    @cached_property
    def library(self) -> Library:
        """What PubMed holds."""
        return invent(self.seed, self.articles, self.days, self.topics)

    @cached_property
    def readers(self) -> tuple[Reader, ...]:
        """Who subscribed."""
        return enrol(self.seed, self.subscriptions, list(self.library.seeds), self.days)


def write(plan: Plan, folder: Path) -> None:
    """Write what the processes read: the plan, the topics, and the subscriptions file."""
    (folder / TOPICS_DIR).mkdir(parents=True, exist_ok=True)
    (folder / PLAN).write_text(json.dumps(asdict(plan)), encoding="utf-8")
    for name, seed in plan.library.seeds.items():
        text = _TOPIC.format(name=name, words=TOPICS[name], seed=seed)
        (folder / TOPICS_DIR / f"{name}.toml").write_text(text, encoding="utf-8")
    (folder / SUBSCRIPTIONS).write_text(file_of(plan.readers), encoding="utf-8")


def read(folder: Path) -> Plan:
    """The plan that was written into a folder."""
    return Plan(**json.loads((folder / PLAN).read_text(encoding="utf-8")))
