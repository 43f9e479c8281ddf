"""`carillon demo`."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.demo import POLL_ONCE_A_DAY, Demo, chosen, run_demo
from services.console.scenario import instants
from services.console.show import print_digest
from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from services.notifier.digest import Digest
from services.notifier.subject import subject
from services.poller.topic import read_topic
from shared.logs import configure_logging

ROOT = Path(__file__).parents[3]
TOPIC = ROOT / "topics" / "car-autoimmune.toml"
SUBSCRIPTIONS = ROOT / "deploy" / "subscriptions.toml"


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the digest in all its forms.")] = Path(
        "out"
    ),
) -> None:
    """Live through two simulated weeks, in one process, and read the digest at their end."""
    configure_logging("demo", as_json=False, level=30)
    console = Console()
    digests = asyncio.run(_run(console, out))
    for one in digests:
        console.print(f"{one.created_at:%a %d %b}  {subject(one)}", highlight=False, soft_wrap=True)
    shown = chosen(digests)
    print_digest(console, shown)
    console.print(_where(out, digests), highlight=False, soft_wrap=True)


async def _run(console: Console, out: Path) -> list[Digest]:
    catalogue = load_catalogue(PACKAGED_CATALOGUE)
    topic = read_topic(TOPIC).model_copy(update={"poll_every_minutes": POLL_ONCE_A_DAY})
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[day]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        total = len(list(instants(catalogue)))
        task = progress.add_task("Living through two weeks", total=total, day="")

        def step_done(instant: datetime, _moved: int) -> None:
            progress.update(task, advance=1, day=f"{instant:%A %d %B %Y}")

        return await run_demo(
            Demo(catalogue, topic, load_taxonomy(TAXONOMY), SUBSCRIPTIONS, out, step_done)
        )


def _where(out: Path, digests: list[Digest]) -> str:
    return (
        f"\n{len(digests)} digests were sent (captured: nothing left this machine).\n"
        f"  {out}/digest.html    the digest above; open it in a browser\n"
        f"  {out}/digest.txt, digest.eml, slack.json, feed.atom, labels.jsonl\n"
        f"  {out}/mail/          every mail of the two weeks\n"
        "Articles are real; their summaries are in Carillon's own words. "
        "Records marked [Simulated] are invented."
    )
