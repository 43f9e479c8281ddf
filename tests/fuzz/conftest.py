"""How many damaged answers are tried: `pytest tests/fuzz --mutations 10000`."""

import pytest

NORMAL = 400


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mutations", type=int, default=NORMAL, help="damaged answers to try in tests/fuzz"
    )


@pytest.fixture(scope="session")
def mutations(pytestconfig: pytest.Config) -> int:
    """As many as asked for; pytest knows the option only when tests/fuzz is named."""
    return int(pytestconfig.getoption("--mutations", default=NORMAL))
