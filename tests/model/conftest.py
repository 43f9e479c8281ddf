"""How long the machines run: `pytest tests/model --lives 400` (`make model`)."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.model.ground import Ground, prepared

NORMAL = 24


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--lives", type=int, default=NORMAL, help="lives of each state machine in tests/model"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each has many steps: that the computer is busy is no failure."""
    seconds = 10 * 60 if config.getoption("--lives", default=NORMAL) == NORMAL else 3 * 60 * 60
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(seconds))


@pytest.fixture(scope="session")
def lives(pytestconfig: pytest.Config) -> int:
    """As many as asked for; pytest knows the option only when tests/model is named."""
    return int(pytestconfig.getoption("--lives", default=NORMAL))


@pytest.fixture(scope="session")
def profile(lives: int) -> settings:
    """The short run is the same each time; a long one looks elsewhere each time."""
    return settings(
        max_examples=lives,
        stateful_step_count=50,
        deadline=None,
        derandomize=lives == NORMAL,
        database=None,
        print_blob=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Migrated stores, to be copied for each life."""
    folder: Path = tmp_path_factory.mktemp("model")
    asyncio.run(prepared(folder))
    found = Ground(folder)
    yield found
    found.clear()
