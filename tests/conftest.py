"""Fixtures only; nothing is imported from here."""

import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from xdist.scheduler import LoadScopeScheduling

from shared.database import make_engine
from tests.machine import browser_missing, docker_missing, kustomize_missing
from tests.parts import Postgres, Rabbit, start_postgres, start_rabbit


@dataclass(frozen=True)
class _Need:
    """What tests with one of the marks need; with `demanded` set, as in CI, none is skipped."""

    name: str
    marks: tuple[str, ...]
    demanded: str
    missing: Callable[[], str | None]


_NEEDS = (
    _Need("Docker", ("connected", "e2e", "chaos"), "CARILLON_REQUIRE_DOCKER", docker_missing),
    _Need("kustomize", ("kubernetes",), "CARILLON_REQUIRE_KUSTOMIZE", kustomize_missing),
    _Need("Chromium", ("browser",), "CARILLON_REQUIRE_BROWSER", browser_missing),
)


ENGINES = {"alerts", "browser", "chaos", "e2e", "integration"}
"""What works Docker hard, or counts seconds: with `-n 2`, one process has all of it to itself."""


class _TwoLanes(LoadScopeScheduling):  # type: ignore[misc]
    """The engines' tests one after the other in one process, the others file by file.

    pytest-xdist's own groups (`--dist loadgroup`) do nothing with pytest 9.2: it sets node ids.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "engines" if file.split("/")[1] in ENGINES else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _TwoLanes(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for need in _NEEDS:
        wanting = [item for item in items if any(map(item.get_closest_marker, need.marks))]
        reason = need.missing() if wanting else None
        if reason is None:
            continue
        if os.environ.get(need.demanded):  # noqa: TID251  set by CI
            pytest.exit(f"{need.demanded} is set, but {reason}", returncode=4)
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason=f"needs {need.name}: {reason}"))


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
