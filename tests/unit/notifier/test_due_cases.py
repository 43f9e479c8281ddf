"""Every digest is due exactly once, at the local hour: `due_cases.toml`, through the clockwork.

The cases are driven as a notifier lives: it looks at its clock at irregular times, just before and
at the hour among them; it is down for hours, and its clock is put back.
"""

import tomllib
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.notifier import changes, subscribers, tables
from services.notifier.subscription import Subscription
from tests.unit.notifier.kit import Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.people import do

CASES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("due_cases.toml").read_text(encoding="utf-8")
)["case"]


@pytest.fixture(autouse=True)
def one_table_of_zones() -> Iterator[None]:
    """The package's, whatever the machine has: each year some country changes its clocks."""
    of_the_machine = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(())
    ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(of_the_machine)
    ZoneInfo.clear_cache()


NOW = timedelta()
STEPS = {
    "immediate": [timedelta(minutes=n) for n in (1, 4, 6, 9)],
    "daily": [timedelta(minutes=n) for n in (7, 61, 200, 333, 600, 2000)],
    "weekly": [timedelta(minutes=n) for n in (61, 600, 2000, 5000)],
    "monthly": [timedelta(minutes=n) for n in (600, 5000, 20000)],
}


@dataclass
class Case:
    """One row of the table."""

    row: dict[str, Any]
    due: list[datetime] = field(init=False)
    steps: list[datetime] = field(init=False)

    def __post_init__(self) -> None:
        self.due = [at.astimezone(UTC) for at in self.row["due"]]
        self.steps = self._after_falls(self._walk())

    @property
    def is_immediate(self) -> bool:
        return bool(self.row["cadence"] == "immediate")

    def _walk(self) -> list[datetime]:
        """Irregular looks at the clock, and those just before and at each due instant."""
        dice = Random(self.row["name"])  # noqa: S311
        at, until = self.row["from"], self.row["until"]
        steps = {until, *self.due, *(due - timedelta(seconds=1) for due in self.due)}
        while at < until:
            at += dice.choice(STEPS[self.row["cadence"]])
            steps.add(min(at, until))
        downs = self.row.get("down", [])
        return [at for at in sorted(steps) if not any(a < at < b for a, b in downs)]

    def _after_falls(self, steps: list[datetime]) -> list[datetime]:
        for fall, back in self.row.get("back", []):
            before = [at for at in steps if at <= fall]
            steps = [*before, back, *(at for at in steps if at > back)]
        return steps

    def subscription(self) -> Subscription:
        kept = ("cadence", "weekday", "day", "hour", "time_zone")
        wish = {name: self.row[name] for name in kept if name in self.row}
        empty = "skip" if self.is_immediate else "heartbeat"
        begun = self.row["from"]
        return a_subscription(**wish, when_empty=empty, created_at=begun, confirmed_at=begun)

    async def live(self, desk: Desk) -> None:
        """From the first step to the last."""
        acts = [(at, "paper", at) for at in self.row.get("papers", [])]
        acts += [(at, "pause", until) for at, until in self.row.get("pause", [])]
        for number, step in enumerate(self.steps):
            desk.clock.now = desk.timer.now = step
            while acts and min(acts)[0] <= step:
                acts.remove(act := min(acts))
                await self._act(desk, act, number)
            await desk.deliver(max_wait=NOW)

    async def _act(self, desk: Desk, act: tuple[datetime, str, datetime], number: int) -> None:
        at, what, until = act
        if what == "pause":
            await do(desk, changes.pause, "reader", until, at)
        else:
            await desk.receive(an_article_event(number + 1, at, poll="p1"))


@pytest.mark.parametrize("row", CASES, ids=[row["name"] for row in CASES])
async def test_every_digest_is_due_exactly_once_at_the_local_hour(
    one: Desk, row: dict[str, Any]
) -> None:
    case = Case(row)
    one.clock.now = row["from"]
    await do(one, subscribers.save, case.subscription(), "console", row["from"])
    await one.receive(a_poll_event(row["from"], announced=0))
    await case.live(one)

    found = sorted(await one.rows(tables.digests), key=lambda digest: digest.period_to)
    assert [digest.period_to for digest in found] == case.due
    assert [digest.state for digest in found] == ["sent"] * len(case.due)
    assert len(one.sender.sent) == len(case.due)
    cut = [digest.created_at for digest in found]
    assert cut == [next(step for step in case.steps if step >= due) for due in case.due]
    assert all(b.period_from == a.period_to for a, b in pairwise(found))


def test_there_are_a_hundred_cases_and_most_are_at_the_very_hour() -> None:
    assert len(CASES) >= 100
    assert len({row["name"] for row in CASES}) == len(CASES)
    regular = [row for row in CASES if row["cadence"] != "immediate"]
    due = [(at, row) for row in regular for at in row["due"]]
    at_the_hour = [at for at, row in due if at.hour == row["hour"] and _is_local(at, row)]
    assert len(at_the_hour) > 0.9 * len(due)


def _is_local(at: datetime, row: dict[str, Any]) -> bool:
    return at.utcoffset() == at.astimezone(ZoneInfo(row["time_zone"])).utcoffset()
