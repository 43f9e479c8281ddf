"""Who can act outside says what it does under replay; and consumers do as they say.

A handler, loop, sender or client that is added without saying so fails here.
"""

import ast
import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.classifier.app import build as build_classifier
from services.classifier.handlers import handler as classifying
from services.classifier.settings import Settings as ClassifierSettings
from services.notifier import tables as notifier
from services.notifier.app import build as build_notifier
from services.notifier.handlers import handler as notifying
from services.notifier.settings import Settings as NotifierSettings
from shared.events import CloudEvent
from shared.placing import Handle
from shared.process import Loop, Service
from shared.topology import CLASSIFIER, CONSUMERS, NOTIFIER, ConsumerQueue
from shared.under_replay import UnderReplay
from tests.builders import (
    NOON,
    classified,
    discovered,
    poll_completed,
    replay_finished,
    replayed,
    revised,
)
from tests.fakes import FakeClock
from tests.unit.classifier.reading import SHIPPED

ROOT = Path(__file__).parents[1]
OUTSIDE = {"aiohttp", "aiosmtplib", "apprise", "httpcore", "httpx", "requests", "smtplib", "socket"}
"""What opens connections to others."""
COMPOSES = {"app.py"}
"""Composition roots wire what has declared."""
BUILT: tuple[CloudEvent, ...] = (
    discovered(),
    revised(),
    classified(),
    poll_completed(),
    replay_finished(to=("reader",)),
)
BY_KEY = {event.ROUTING_KEY: event for event in BUILT}
HANDLED: dict[ConsumerQueue, tuple[sa.MetaData, Callable[[AsyncEngine], Handle]]] = {
    CLASSIFIER: (classifier.metadata, lambda e: classifying(e, SHIPPED, FakeClock(NOON))),
    NOTIFIER: (notifier.metadata, lambda e: notifying(e, FakeClock(NOON))),
}
"""Each consumer's tables and handler."""


def _modules() -> Iterator[Path]:
    for service in ("poller", "classifier", "notifier"):
        yield from sorted((ROOT / "services" / service).rglob("*.py"))


def _reaches_out(module: Path) -> bool:
    """It imports what opens connections, or hands something over to be sent."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if OUTSIDE & {name.partition(".")[0] for name in names}:
            return True
        if isinstance(node, ast.AsyncFunctionDef) and _sends(node):
            return True
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr == "send":
            return True
    return False


def _sends(function: ast.AsyncFunctionDef) -> bool:
    """It is a sender's, and not a web server's."""
    return function.name == "send" and any(one.arg == "package" for one in function.args.args)


def _declared(module: Path) -> object:
    """What a module, or the package that it belongs to, declares."""
    name = ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    own = getattr(importlib.import_module(name), "UNDER_REPLAY", None)
    package = importlib.import_module(name.rpartition(".")[0])
    return own or getattr(package, "UNDER_REPLAY", None)


REACHING = [one for one in _modules() if one.name not in COMPOSES and _reaches_out(one)]


@pytest.mark.parametrize("module", REACHING, ids=lambda one: str(one.relative_to(ROOT)))
def test_every_module_that_reaches_out_says_what_it_does_under_replay(module: Path) -> None:
    assert isinstance(_declared(module), UnderReplay), f"{module}: declare UNDER_REPLAY"


def test_what_reaches_out_is_found() -> None:
    found = {str(one.relative_to(ROOT / "services")) for one in REACHING}

    assert {
        "poller/eutils/client.py",
        "poller/ping.py",
        "classifier/opinion_client.py",
        "notifier/senders/smtp.py",
        "notifier/senders/webhook.py",
        "notifier/delivery.py",
        "notifier/letters_delivery.py",
        "notifier/replays_delivery.py",
    } <= found


def test_only_one_part_sends_anything_for_a_replay() -> None:
    listed = [one.name for one in REACHING if _declared(one) is UnderReplay.LISTED_ONLY]

    assert listed == ["replays_delivery.py"]


@pytest.mark.parametrize("queue", CONSUMERS, ids=lambda queue: queue.name)
def test_every_consumer_says_that_it_handles_replays_apart(queue: ConsumerQueue) -> None:
    module = importlib.import_module(f"services.{queue.name}.handlers")

    assert module.UNDER_REPLAY is UnderReplay.APART


def test_no_loop_can_be_wired_without_saying_what_it_does_under_replay() -> None:
    (own,) = (field for field in fields(Loop) if field.name == "under_replay")

    assert own.default is own.default_factory  # both are missing: it has to be given


def test_the_loops_of_the_services_have_said_it(tmp_path: Path) -> None:
    url: dict[str, object] = {
        "database_url": SecretStr("sqlite+aiosqlite://"),
        "amqp_url": SecretStr("amqp://nobody/"),
    }
    key: dict[str, object] = {
        "secret_file": tmp_path / "key",
        "capture_dir": tmp_path,
        "web_port": 0,
    }
    services: Sequence[Service] = (
        build_classifier(ClassifierSettings.model_validate(url), SHIPPED),
        build_notifier(NotifierSettings.model_validate({**url, **key}), None),
    )
    loops = {loop.name: loop.under_replay for service in services for loop in service.loops}

    assert [name for name, said in loops.items() if said is UnderReplay.LISTED_ONLY] == ["replays"]
    assert loops["deliver"] is loops["letters"] is UnderReplay.LIVE_ONLY


@pytest.mark.parametrize("queue", CONSUMERS, ids=lambda queue: queue.name)
async def test_a_live_event_costs_nothing_for_there_being_replays(
    sqlite: AsyncEngine, queue: ConsumerQueue
) -> None:
    metadata, make = HANDLED[queue]
    async with sqlite.begin() as connection:
        await connection.run_sync(metadata.create_all)
    statements: list[str] = []
    sa.event.listen(
        sqlite.sync_engine,
        "before_cursor_execute",
        lambda *said: statements.append(said[2]),
    )
    live = [BY_KEY[key] for key in queue.bindings if key != "replay.finished"]

    for event in live:
        await make(sqlite)(event.encode())

    assert statements
    assert not [one for one in statements if "replay" in one]


CASES = [(queue, key) for queue in CONSUMERS for key in queue.bindings]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(("queue", "key"), CASES, ids=lambda one: getattr(one, "name", one))
async def test_a_consumer_writes_nothing_live_for_a_replayed_event(
    sqlite: AsyncEngine, queue: ConsumerQueue, key: str, force: bool
) -> None:
    metadata, make = HANDLED[queue]
    async with sqlite.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await make(sqlite)(replayed(BY_KEY[key], force=force, to=("reader",)).encode())

    async with sqlite.begin() as connection:
        written = [
            table.name
            for table in metadata.sorted_tables
            if await connection.scalar(sa.select(sa.func.count()).select_from(table))
        ]
    marked = {"outbox"} if queue is CLASSIFIER else {"replay_entries"}
    assert set(written) <= {"replay_outcomes"} | marked
