"""How much is tried: `pytest tests/chaos --every-fault` tries all kinds of faults one by one."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-fault", action="store_true", help="try each kind of fault in tests/chaos by itself"
    )
