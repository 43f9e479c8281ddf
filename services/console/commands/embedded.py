"""`carillon run`, `poll` and `status`: the embedded mode."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.console.commands.backfill import backfill
from services.console.embedded import (
    Embedded,
    eutils_of,
    opened,
    read_embedded,
    run_until_stopped,
    trouble,
)
from services.console.pulse import Pulse, take_pulse, take_wrongs
from services.console.relations import Relations, take_relations
from services.console.settings import Settings
from services.console.show import (
    print_concerned,
    print_poll,
    print_pulse,
    print_relations,
    print_verdict,
)
from services.console.stores import Stores, deployed_stores, opened_before
from services.notifier.wrong import Wrong, concerned, verdict
from services.poller.backfill_windows import Span
from services.poller.run import poll_topic
from services.poller.schedule import LastPoll, next_poll_at
from shared.clock import system_clock
from shared.database import transaction
from shared.errors import ConfigurationError, Retryable
from shared.events import Poll
from shared.logs import configure_logging
from shared.parking import Parked, parked_at
from shared.settings import load
from shared.topology import CONSUMERS

State = Annotated[
    Path | None, typer.Option(help="Folder of the stores; CARILLON_STATE, else ./state.")
]
TopicId = Annotated[str | None, typer.Option("--topic", help="Id of the topic, if there are more.")]
Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Ask for the past, from this day on.")
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Up to this day; else to where polls look for news."),
]


def run(state: State = None) -> None:
    """Watch live PubMed with all three services in this process, until stopped."""
    configure_logging("carillon", as_json=False, level=40)
    console = Console()
    embedded = read_embedded(state)
    topics = ", ".join(topic.id for topic in embedded.topics)
    console.print(f"Watching {topics}; state in {embedded.state}/. Stop with Ctrl-C.")
    console.print(_where_digests_go(embedded), highlight=False)
    if embedded.notifier.web_port:
        console.print(f"Readers' pages: {embedded.notifier.public_url}", highlight=False)

    def polled(poll: Poll) -> None:
        topic = embedded.topic(poll.topic)
        next_at = next_poll_at(topic, LastPoll(poll.finished_at, poll.healthy), poll.finished_at)
        line = trouble(poll, next_at)
        if line is None:
            line = f"{poll.finished_at:%Y-%m-%d %H:%M} UTC  {poll.announced} new or changed"
        console.print(line, style=None if poll.healthy else "yellow", highlight=False, markup=False)

    def waits(topic: str, until: datetime) -> None:
        console.print(f"{topic} is polled next at {until:%Y-%m-%d %H:%M} UTC", highlight=False)

    asyncio.run(run_until_stopped(embedded, polled, waits))


def _where_digests_go(embedded: Embedded) -> str:
    notifier = embedded.notifier
    if notifier.delivery == "capture":
        where = f"Digests are kept in {notifier.capture_dir}/; NOTIFIER_DELIVERY=smtp mails them."
    else:
        where = f"Digests are mailed through {notifier.smtp_host}."
    if notifier.subscriptions_file is None:
        where += " Nobody from a file: add readers with `carillon subscribe`."
    return where


def poll(
    state: State = None, topic: TopicId = None, since: Since = None, until: Until = None
) -> None:
    """Poll PubMed once, now, and print what was counted and found.

    With --since, ask for the past instead, month by month: it is kept as background, and no
    digest brings it. Stopped at any point, the same command goes on.
    """
    configure_logging("carillon", as_json=False, level=40)
    embedded = read_embedded(state)
    if until and not since:
        raise ConfigurationError("--until is where a past ends: say with --since where it begins")
    if since:
        span = Span(since.date(), until.date() if until else None)
        backfill(embedded, embedded.topic(topic), span)
        return
    console = Console()
    name = embedded.topic(topic).id
    with console.status(f"Asking {embedded.poller.eutils_url} about {name}"):
        result = asyncio.run(_poll(embedded, name))
    print_poll(console, result)
    if not result.healthy:
        raise typer.Exit(code=1)


async def _poll(embedded: Embedded, topic: str) -> Poll:
    async with opened(embedded) as line:
        eutils = eutils_of(embedded, line.stores.poller)
        result = await poll_topic(line.stores.poller, eutils, embedded.topic(topic), line.clock)
        await line.carry()
        return result


def status(state: State = None, topic: TopicId = None) -> None:
    """Say whether all is well, since when not, and where everything stands; exit code 1 if not.

    Of every topic, unless one is named. With CARILLON_DATABASE_URL set, of the deployment; else of
    the embedded stores.
    """
    embedded = read_embedded(state)
    topics = [embedded.topic(topic).id] if topic else [one.id for one in embedded.topics]
    found = asyncio.run(_status(embedded, topics))
    console = Console()
    wrongs = [*found.wrongs, *map(_of_parked, found.parked)]
    wrongs += [Wrong(f"parked messages cannot be told: {found.unseen}")] if found.unseen else []
    judged = verdict(wrongs, polled=found.polled)
    print_verdict(console, judged)
    print_concerned(console, found.concerned)
    for name, (pulse, relations) in found.by_topic.items():
        print_pulse(console, name, pulse)
        print_relations(console, relations)
    if judged.wrongs:
        raise typer.Exit(code=1)


def _of_parked(one: Parked) -> Wrong:
    oldest = f"the oldest: {one.reason}, {one.error}"
    told = f"{one.count} messages parked at the {one.consumer}, {oldest}: carillon parked"
    return Wrong(told, one.since)


@dataclass
class _Status:
    """All that is told; `unseen` is why what is parked cannot be, if it cannot."""

    by_topic: dict[str, tuple[Pulse, Relations]]
    wrongs: list[Wrong]
    polled: bool
    concerned: list[str]
    parked: list[Parked] = field(default_factory=list)
    unseen: str = ""


async def _status(embedded: Embedded, topics: Sequence[str]) -> _Status:
    settings = load(Settings)
    if settings.database_url is None:
        return await _embedded_status(embedded, topics)
    stores = deployed_stores(settings.database_url.get_secret_value())
    try:
        found = await _read(stores, topics, system_clock())
    finally:
        await stores.close()
    found.parked, found.unseen = await _parked(settings)
    return found


async def _parked(settings: Settings) -> tuple[list[Parked], str]:
    if settings.amqp_url is None:
        return [], ""
    url = settings.amqp_url.get_secret_value()
    try:
        found = [await parked_at(url, queue) for queue in CONSUMERS]
    except Retryable as fault:
        return [], str(fault)
    return [one for one in found if one], ""


async def _read(stores: Stores, topics: Sequence[str], now: datetime) -> _Status:
    found = {
        name: (await take_pulse(stores, name, now), await take_relations(stores, name, now))
        for name in topics
    }
    async with transaction(stores.notifier) as connection:
        readers = await concerned(connection, now)
    return _Status(found, *await take_wrongs(stores, topics, now), readers)


async def _embedded_status(embedded: Embedded, topics: Sequence[str]) -> _Status:
    if not opened_before(embedded.state):
        raise ConfigurationError(
            f"nothing in {embedded.state}/ yet: start with `carillon run` or `carillon poll`, "
            "or set CARILLON_DATABASE_URL for a deployment"
        )
    async with opened(embedded) as line:
        found = await _read(line.stores, topics, line.clock())
        found.parked = await line.bus.parking()
        return found
