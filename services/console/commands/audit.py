"""`carillon audit`: is every article somewhere, and was nobody told twice?"""

import asyncio
from collections import Counter
from time import monotonic
from typing import Annotated

import typer

from services.console.audit.gather import gather
from services.console.audit.judge import Verdict, judge
from services.console.commands.embedded import State
from services.console.settings import Settings
from services.console.trace.facts import Gap
from services.console.trace.places import Asked
from shared.clock import system_clock
from shared.logs import configure_logging
from shared.settings import load

SHOWN = 20
"""Findings of a kind that are named."""

PAUSE_SECONDS = 3.0


def audit(
    state: State = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds that what is in a service's hands is waited for.")
    ] = 60.0,
) -> None:
    """Account for every article that was found, and for every delivery; nothing is changed.

    Compared are the three stores, their outboxes, the queues, what is parked, and the archive.
    While everything runs, what seems to be missing is looked for again. Exit code 1: something is
    missing, or was told twice; 2: a place could not be looked at, and nothing can be said.
    """
    configure_logging("audit", as_json=False, level=40)
    found = asyncio.run(_audit(load(Settings), state, wait))
    if not isinstance(found, Verdict):
        for gap in found:
            typer.echo(f"{gap.place}: {gap.why}", err=True)
        raise typer.Exit(code=2)
    for line in lines(found):
        typer.echo(line)
    if found.findings:
        raise typer.Exit(code=1)


async def _audit(settings: Settings, state: State, wait: float) -> Verdict | tuple[Gap, ...]:
    until = monotonic() + wait
    while True:
        facts = await gather(settings, Asked(0, None, state, system_clock()))
        if isinstance(facts, tuple):
            return facts
        verdict = judge(facts)
        if not verdict.findings or monotonic() > until:
            return verdict
        await asyncio.sleep(min(PAUSE_SECONDS, wait))


def lines(verdict: Verdict) -> list[str]:
    """A verdict for a person."""
    told = [f"{verdict.articles} articles found by the poller:"]
    told += [f"  {count:8} {place}" for place, count in sorted(verdict.places.items())]
    told.append(f"{verdict.told} papers told, or about to be")
    for kind, count in Counter(one.kind for one in verdict.findings).items():
        told.append(f"{kind.upper()} ({count}):")
        some = [one.says for one in verdict.findings if one.kind == kind]
        told += [f"  {says}" for says in some[:SHOWN]]
    if not verdict.findings:
        told.append("Every article is accounted for, and nobody was told twice.")
    return told
