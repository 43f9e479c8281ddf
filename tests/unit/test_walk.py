"""The steps of docs/deploy.md that `tests/e2e/test_production.py` walks: none is left out."""

from pathlib import Path

import pytest

from tests.e2e.walk import PAGE, Shell, Step, blocks, steps, substituted

A_PAGE = """\
# A page

<!-- walk: type -->

    echo one
      two

Text, and `code`.

<!-- walk: write .env -->

    A=1

    B=2

<!-- walk: add .env -->

    C=3

## Later

    not walked
"""


def test_every_block_of_the_half_hour_is_walked() -> None:
    page = PAGE.read_text(encoding="utf-8")

    walked = [(step.section[0], step.file) for step in steps(page)]

    assert len(list(steps(page))) == len(list(blocks(page)))
    assert walked == [
        ("1", None), ("1", ".env"), ("2", None), ("C", None), ("M", None), ("M", ".env"),
    ]  # fmt: skip


def test_marked_blocks_are_found_with_their_lines() -> None:
    assert list(steps(A_PAGE)) == [
        Step("A page", "echo one\n  two\n"),
        Step("A page", "A=1\n\nB=2\n", ".env"),
        Step("A page", "C=3\n", ".env", is_added=True),
    ]
    assert len(list(blocks(A_PAGE))) == 4


def test_a_step_is_typed_where_the_one_before_ended_and_a_failure_ends_the_walk(
    tmp_path: Path,
) -> None:
    shell = Shell(tmp_path, {"<name>": "x"}, typed="typed\n", more="MORE=1\n")

    assert shell.take(Step("s", "mkdir <name> && cd <name>\ncat > said")) == ""
    assert shell.take(Step("s", "A=1\n", ".env")) == ""
    assert shell.take(Step("s", "B=1\n", ".env", is_added=True)) == ""
    assert shell.take(Step("s", "cat said .env")) == "typed\nA=1\nMORE=1\nB=1\n"
    with pytest.raises(AssertionError, match="the docs say"):
        shell.take(Step("s", "false\necho on"))
    assert substituted("a <name>", {"<name>": "x"}) == "a x"
