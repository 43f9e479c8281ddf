"""Documents that name the test of each promise: it is there."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs"
NAMED = re.compile(r"`((?:[a-z_0-9]+/)*(?:test_\w+\.py|(?<=/)))`")
"""A test file, or a folder of tests with a slash at its end."""


def missing(text: str) -> list[str]:
    """Names in tables that are no test of ours; one without its folder is beside the one before."""
    lost = []
    for line in text.splitlines():
        folder = TESTS
        shown_by = line.rsplit("|", 2)[-2] if line.startswith("|") else ""
        for name in NAMED.findall(shown_by):
            places = [TESTS / name] if "/" in name else [folder / name, TESTS / name]
            found = next(filter(Path.exists, places), None)
            if found is None:
                lost.append(name)
            else:
                folder = found if found.is_dir() else found.parent
    return lost


@pytest.mark.parametrize("name", ["guarantees.md", "security.md"])
def test_every_test_that_a_document_names_is_there(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert len(NAMED.findall(text)) > 40
    assert missing(text) == []


def test_one_that_is_not_there_is_seen() -> None:
    row = "| a | `unit/test_named_tests.py`, `test_dockerfile.py` beside it, `fuzz/` |"
    assert missing(row) == []
    assert missing("| a | `unit/test_no_such.py` |") == ["unit/test_no_such.py"]
    assert missing("| a | `unit/test_named_tests.py`, `test_no_such.py` |") == ["test_no_such.py"]
    assert missing("| a | `nowhere/` |") == ["nowhere/"]
