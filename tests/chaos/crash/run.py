"""Each point of a boundary is one life killed, then an undisturbed one, then the audit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.chaos.crash.boundary import Boundary, Facts, Verdict, differences
from tests.chaos.crash.world import World

TRIES = 3
"""So often a point is tried that was not met: in a life whose tasks took turns otherwise."""


@dataclass(frozen=True)
class Undisturbed:
    """A boundary when nobody dies: its points in order, and what is true in the end."""

    boundary: Boundary
    points: tuple[str, ...]
    facts: Facts


@dataclass
class Count:
    """What was tried of a boundary, and what came of it."""

    name: str
    points: int
    tried: int = 0
    passed: int = 0
    repeats: int = 0
    not_met: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def note(self, kills: Sequence[str], verdict: Verdict) -> None:
        """Count a try."""
        self.tried += 1
        self.repeats += verdict.repeats
        if verdict.kills == 0:
            self.not_met.append(kills[0])
        elif not verdict.problems:
            self.passed += 1
        self.problems += [f"{self.name}: killed at {list(kills)}: {p}" for p in verdict.problems]

    def __add__(self, other: "Count") -> "Count":
        """Both together: of the same boundary, in two worlds."""
        return Count(
            self.name,
            self.points,
            self.tried + other.tried,
            self.passed + other.passed,
            self.repeats + other.repeats,
            self.not_met + other.not_met,
            self.problems + other.problems,
        )

    def __str__(self) -> str:
        """One line of the report."""
        return (
            f"{self.name}: {self.points} points, {self.tried} tried, {self.passed} passed, "
            f"{len(self.problems)} problems, {len(self.not_met)} not met, {self.repeats} repeats"
        )


async def undisturbed(world: World, boundary: Boundary) -> Undisturbed:
    """One life to its own end.

    Raises:
        AssertionError: something came twice although nobody died.
    """
    await world.begin_boundary()
    await boundary.fill(world)
    await world.begin_again()
    await boundary.stage(world)
    ended = await world.zygote.live(boundary.name, boundary.given(world, 0))
    await world.calm()
    facts = await boundary.facts(world)
    if twice := await boundary.repeated(world):
        raise AssertionError(f"{boundary.name}: twice though nobody died: {twice}")
    return Undisturbed(boundary, ended.passed, facts)


async def killed_at(world: World, whole: Undisturbed, kills: Sequence[str]) -> Verdict:
    """Lives that die at these points, one after the other; an undisturbed one; the audit.

    A life that ends without having met its point ends the row.
    """
    boundary = whole.boundary
    problems: list[str] = []
    allowed: set[str] = set()
    await world.begin_again()
    await boundary.stage(world)
    met = 0
    for kill in kills:
        ended = await world.zygote.live(boundary.name, boundary.given(world, met), kill)
        await world.calm()
        if not ended.was_killed:
            break
        met += 1
        allowed |= await boundary.may_repeat(world)
        problems += await boundary.faults(world, whole.facts)
    await world.calm()
    await world.zygote.live(boundary.name, boundary.given(world, met))
    await world.calm()
    problems += differences(whole.facts, await boundary.facts(world))
    twice = await boundary.repeated(world)
    problems += [f"came twice and may not: {one}" for one in sorted(twice - allowed)]
    return Verdict(tuple(problems), len(twice), met)


async def try_each(world: World, whole: Undisturbed, points: Sequence[str]) -> Count:
    """Kill once at each of these points."""
    count = Count(whole.boundary.name, len(whole.points))
    for point in points:
        count.note([point], await _met(world, whole, [point]))
    return count


async def _met(world: World, whole: Undisturbed, kills: Sequence[str]) -> Verdict:
    """Tried until the (first) point was met, or it seems that it never is."""
    for _ in range(TRIES):
        verdict = await killed_at(world, whole, kills)
        if verdict.kills or verdict.problems:
            break
    return verdict


async def try_twice(world: World, whole: Undisturbed, seed: int, times: int) -> Count:
    """Kill at a point and in the recovery again, wherever the seed says."""
    count = Count(f"{whole.boundary.name}, twice", len(whole.points))
    random = Random(f"{seed}/{whole.boundary.name}")  # noqa: S311  a schedule, and no secret
    for _ in range(times):
        first = random.choice(whole.points)
        second = f"nth:{random.randint(1, len(whole.points))}"
        count.note([first, second], await _met(world, whole, [first, second]))
    return count
