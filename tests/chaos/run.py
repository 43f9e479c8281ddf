"""One run from the first event to the verdict."""

import asyncio
import pickle
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from tests.chaos import gather
from tests.chaos.auditor import Verdict, judge
from tests.chaos.containers import until
from tests.chaos.evidence import Evidence, Planted
from tests.chaos.faults import Barrage, Performed, sorts
from tests.chaos.play import Conductor, Played
from tests.chaos.schedule import Fault
from tests.chaos.schedule import plan as plan_of
from tests.chaos.stage import CREW, Engines, Stage, raised
from tests.chaos.world import Plan, read

JOURNAL = "faults.jsonl"
EVIDENCE = "evidence.pickle"
"""What the judge had before it, to be judged again: `--judge FOLDER`."""
AGES = 100_000.0
"""Seconds that hold any number of faults; of the plan for them the first ones are taken."""
PUBMED = {"endpoint": "*", "kind": "any", "rate": 0.02, "seconds": 2.0}
"""PubMed's own faults: one answer in fifty is wrong in one of the ways that NCBI's were."""
READY_WITHIN = 300.0
QUEUES_EMPTY_WITHIN = 900.0
"""Seconds for the last retries, whose waits grow."""


@dataclass(frozen=True)
class Ran:
    """A run's verdict, and what was done to the line meanwhile."""

    verdict: Verdict
    faults: Counter[str]
    failed: int
    restarts: int
    lost_answers: int
    pubmed_faults: int

    def told(self) -> dict[str, object]:
        """What a table says beside the verdict."""
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items()))
        return {
            "faults": f"{self.faults.total()}, and {self.failed} that could not be carried out",
            "of kinds": kinds,
            "PubMed's faults": self.pubmed_faults,
            "restarts": self.restarts,
            "answers withheld": f"{self.lost_answers} mails were accepted without an answer",
        }


async def run(
    plan: Plan, folder: Path, engines: Engines, faster: float, say: Callable[[str], None]
) -> Ran:
    """Play a plan and judge it; `say` is told how far it is."""
    async with raised(plan, folder, engines, faster) as stage:
        conductor = Conductor(stage, say)
        await conductor.open()
        for service, number in CREW.items():
            stage.field.crew.hire(service, number)
        await asyncio.to_thread(_each_ready, stage)
        await _answer_wrongly(stage)
        performed = await _under_fire(conductor)
        pubmed = await _answer_rightly(stage)
        await asyncio.to_thread(stage.field.heal)
        say("nothing hinders any more")
        await conductor.settle()
        await asyncio.to_thread(until, lambda: not _waiting(stage), QUEUES_EMPTY_WITHIN, "quiet")
        restarts = len(stage.field.crew.exits)
        await asyncio.to_thread(stage.field.crew.dismiss)
        evidence = await _evidence(stage, conductor.played, performed)
        (folder / EVIDENCE).write_bytes(pickle.dumps(evidence))
        good = [one for one in performed if not one.failed]
        return Ran(
            verdict=judge(plan, evidence),
            faults=Counter(one.kind for one in good),
            failed=len(performed) - len(good),
            restarts=restarts,
            lost_answers=stage.field.mailbox.lost_answers,
            pubmed_faults=pubmed,
        )


def judge_again(folder: Path) -> Verdict:
    """The verdict on what an earlier run has left in its folder."""
    evidence: Evidence = pickle.loads((folder / EVIDENCE).read_bytes())  # noqa: S301  our own
    return judge(read(folder), evidence)


async def _under_fire(conductor: Conductor) -> list[Performed]:
    """The days, each with its share of the faults; a day is over when its faults are."""
    stage, plan = conductor.stage, conductor.stage.plan
    faults = plan_of(plan.seed, sorts(), AGES)[: plan.faults]
    performed: list[Performed] = []
    for number in range(plan.days):
        begin, end = (len(faults) * n // plan.days for n in (number, number + 1))
        share = from_its_begin(faults[begin:end])
        with Barrage(stage.field, share, stage.folder / JOURNAL) as barrage:
            await conductor.day(number)
            await asyncio.to_thread(barrage.join)
        performed += barrage.performed
        conductor.say(f"day {number + 1} of {plan.days} is over, {len(performed)} faults")
    return performed


def from_its_begin(faults: Sequence[Fault]) -> list[Fault]:
    """A part of a plan, its times counted from its own first fault."""
    return [replace(fault, at=fault.at - faults[0].at) for fault in faults]


def _each_ready(stage: Stage) -> None:
    """Return when every member has been ready once; on a busy machine not all are at one time."""
    for member in stage.field.crew.members.values():
        until(lambda one=member: one.probe("/readyz") == 200, READY_WITHIN, member.name)  # type: ignore[misc]


async def _answer_wrongly(stage: Stage) -> None:
    rule = {**PUBMED, "seed": stage.plan.seed}
    async with httpx.AsyncClient(timeout=30) as http:
        (await http.post(f"{stage.standin_url}/_sim/faults", json=[rule])).raise_for_status()


async def _answer_rightly(stage: Stage) -> int:
    """No more of PubMed's own faults; how many there were."""
    async with httpx.AsyncClient(timeout=30) as http:
        fired = (await http.get(f"{stage.standin_url}/_sim/faults")).json()["fired"]
        (await http.delete(f"{stage.standin_url}/_sim/faults")).raise_for_status()
    return sum(fired.values())


def _waiting(stage: Stage) -> dict[str, int]:
    """The queues that still hold something, but for those that keep."""
    return {
        name: count
        for name, count in stage.field.rabbit.queues(stage.field.vhost).items()
        if count and name != "carillon.archive" and not name.endswith(".parked")
    }


async def _evidence(stage: Stage, played: Played, performed: list[Performed]) -> Evidence:
    field = stage.field
    stores = await gather.stores(field.database_url)
    return Evidence(
        **vars(stores),
        classified=frozenset(played.classified),
        noticed=played.noticed,
        archive=await gather.archive(field.amqp_url),
        queues=field.rabbit.queues(field.vhost),
        parked=await gather.parked(field.amqp_url),
        planted=planted(performed),
        mails=field.mailbox.mails(),
        clock=played.clock,
        left=played.left,
        bugs=field.crew.findings().bugs,
        exits=[str(end) for end in field.crew.broken_promises()],
    )


def planted(performed: list[Performed]) -> Planted:
    """The bad messages that were sent."""
    sent = [one for one in performed if one.kind == "messages-spoiled"]
    details = [one.detail for one in sent if one.detail]
    return Planted(
        parked=tuple(m["id"] or "" for detail in details for m in detail["parked"]),
        idle=frozenset(m["id"] or "" for detail in details for m in detail["no_effect"]),
        unsure=any(one.failed for one in sent),
    )
