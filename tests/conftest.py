"""Fixtures only; nothing is imported from here."""

import logging
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import make_engine
from tests.parts import Postgres, Rabbit, start_postgres, start_rabbit


def _docker_missing() -> str | None:
    if shutil.which("docker") is None:
        return "no docker command on this machine"
    answer = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    return None if answer.returncode == 0 else "no Docker engine answers `docker info`"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanting = [i for i in items if i.get_closest_marker("connected") or i.get_closest_marker("e2e")]
    if not wanting:
        return
    reason = _docker_missing()
    if reason is None:
        return
    if os.environ.get("CARILLON_REQUIRE_DOCKER"):  # noqa: TID251  set by CI: nothing may be skipped
        pytest.exit(f"CARILLON_REQUIRE_DOCKER is set, but {reason}", returncode=4)
    for item in wanting:
        item.add_marker(pytest.mark.skip(reason=f"needs Docker: {reason}"))


@pytest.fixture(autouse=True)
def _a_command_sets_up_logging_for_its_own_test_only(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """Commands run inside a test would keep what later tests log at the level of the command."""
    configure, root = structlog.configure, logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def uncached(**options: Any) -> None:
        configure(**{**options, "cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", uncached)
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    with start_rabbit() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with start_postgres() as server:
        yield server


@pytest.fixture
def amqp_url(rabbit: Rabbit) -> str:
    """A virtual host of its own for each test."""
    return rabbit.new_vhost(f"t{uuid4().hex[:12]}")


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """A database of its own for each test."""
    return postgres.new_database(f"t{uuid4().hex[:12]}")


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    yield engine
    await engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.connected)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """The same test on both databases; PostgreSQL's schemas exist already."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    else:
        engine = make_engine(request.getfixturevalue("postgres_url"))
        async with engine.begin() as connection:
            for schema in ("poller", "classifier", "notifier", "console"):
                await connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
    yield engine
    await engine.dispose()
