"""`carillon audit` of the embedded mode, as an operator types it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from services.classifier import tables as classifier
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.app import cli
from services.console.bus import queue
from services.console.line import Line, open_line
from services.notifier import tables as notifier
from services.poller import tables as poller
from shared.clock import system_clock
from shared.database import transaction
from shared.outbox import add_all, relay
from tests.builders import NOON, an_article, discovered, poll_completed

NOW = datetime.now(UTC)


def audit(state: Path) -> Result:
    return CliRunner().invoke(cli, ["audit", "--wait", "0", "--state", str(state)])


def on(state: Path, act: Callable[[Line], Awaitable[object]]) -> None:
    async def acted() -> None:
        async with AsyncExitStack() as stack:
            taxonomy = load_taxonomy(TAXONOMY)
            await act(await open_line(state, taxonomy, system_clock, stack))

    asyncio.run(acted())


async def find(line: Line, pmid: int) -> None:
    """As the poller does it: its row and its event together."""
    event = discovered(article=an_article(pmid=pmid))
    data = event.data
    row = {
        "topic": data.topic, "pmid": pmid, "revision": 1, "content_hash": "h",
        "status": "published", "article": {}, "reasons": [], "relatedness": 0.0, "backfill": False,
        "discovered_at": NOON, "announced_at": NOON, "reread_at": NOON, "poll_id": data.poll_id,
    }  # fmt: skip
    async with transaction(line.stores.poller) as connection:
        await connection.execute(poller.articles.insert().values(row))
        await add_all(connection, poller.outbox, [event, poll_completed()][: pmid % 2 + 1], NOW)


async def live(line: Line) -> None:
    """The first has arrived, the second waits at the classifier, the third in the outbox."""
    await find(line, 1)
    await line.carry()
    await find(line, 2)
    await relay(line.stores.poller, poller.outbox, line.bus.publish)
    await find(line, 3)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    on(tmp_path / "state", live)
    return tmp_path / "state"


def test_everything_is_accounted_for(state: Path) -> None:
    found = audit(state)
    assert found.exit_code == 0, found.output
    assert found.output.splitlines() == [
        "3 articles found by the poller:",
        "         1 at the notifier",
        "         1 in the poller's outbox",
        "         1 queued for the classifier",
        "0 papers told, or about to be",
        "Every article is accounted for, and nobody was told twice.",
    ]
    on(state, lambda line: line.carry())
    assert "3 at the notifier" in audit(state).output


def test_a_message_that_vanished_is_found(state: Path) -> None:
    async def vanish(line: Line) -> None:
        async with transaction(line.bus.engine) as connection:
            await connection.execute(queue.delete())

    on(state, vanish)
    found = audit(state)
    assert found.exit_code == 1
    assert "LOST (1):" in found.output
    assert "car-autoimmune 2: told, and not had by the classifier" in found.output


def test_rows_that_vanished_are_found(state: Path) -> None:
    async def vanish(line: Line) -> None:
        tables = (notifier.articles, classifier.classifications)
        for engine, table in zip(
            (line.stores.notifier, line.stores.classifier), tables, strict=True
        ):
            async with transaction(engine) as connection:
                await connection.execute(sa.delete(table))

    on(state, vanish)
    assert "LOST (1):" not in audit(state).output, "one message is queued, two articles are missing"
    assert "LOST (2):" in audit(state).output


def test_what_cannot_be_looked_at_is_no_answer(state: Path) -> None:
    (state / "classifier.db").unlink()
    found = audit(state)
    assert found.exit_code == 2
    assert "the classifier's store" in found.stderr
