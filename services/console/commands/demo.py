"""`carillon demo`."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.demo import POLL_ONCE_A_DAY, Demo, chosen, live_all_days, opened
from services.console.demo_web import serve_evening
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
    serve: Annotated[
        bool, typer.Option("--serve", help="Afterwards keep its web pages up, until stopped.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of the pages, on 127.0.0.1.", min=1, max=65535)] = 8000,
) -> None:
    """Live through two simulated weeks, in one process, and read the digest at their end."""
    configure_logging("demo", as_json=False, level=30)
    asyncio.run(_run(Console(), out, port, serve=serve))


async def _run(console: Console, out: Path, port: int, *, serve: bool) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[day]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Living through two weeks", total=None, day="")

        def step_done(instant: datetime, _moved: int) -> None:
            progress.update(task, advance=1, day=f"{instant:%A %d %B %Y}")

        demo = packaged_demo(out, step_done, f"http://localhost:{port}")
        progress.update(task, total=len(list(instants(demo.catalogue))))
        async with opened(demo) as world:
            digests = await live_all_days(world)
            progress.stop()
            _show(console, out, digests)
            if serve:
                tell = partial(console.print, highlight=False, soft_wrap=True, markup=False)
                await serve_evening(world, port, tell)


def packaged_demo(out: Path, step_done: Callable[[datetime, int], None], public_url: str) -> Demo:
    """The demo of the packaged catalogue, its topic and its readers."""
    topic = read_topic(TOPIC).model_copy(update={"poll_every_minutes": POLL_ONCE_A_DAY})
    catalogue, taxonomy = load_catalogue(PACKAGED_CATALOGUE), load_taxonomy(TAXONOMY)
    return Demo(catalogue, topic, taxonomy, SUBSCRIPTIONS, out, step_done, public_url)


def _show(console: Console, out: Path, digests: list[Digest]) -> None:
    for one in digests:
        console.print(f"{one.created_at:%a %d %b}  {subject(one)}", highlight=False, soft_wrap=True)
    print_digest(console, chosen(digests))
    console.print(_where(out, digests), highlight=False, soft_wrap=True)


def _where(out: Path, digests: list[Digest]) -> str:
    return (
        f"\n{len(digests)} digests were sent (captured: nothing left this machine).\n"
        f"  {out}/digest.html    the digest above; open it in a browser\n"
        f"  {out}/digest.txt, digest.eml, slack.json, feed.atom, labels.jsonl\n"
        f"  {out}/mail/          every mail of the two weeks; `make demo-web` answers their links\n"
        "Articles are real; their summaries are in Carillon's own words. "
        "Records marked [Simulated] are invented."
    )
