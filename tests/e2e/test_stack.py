"""How the stories begin, tried by itself."""

from pathlib import Path

import pytest

from tests.e2e.stack import Stack, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ONE_PART = """
services:
  keeper:
    image: python:3.13-slim
    init: true
    command: [sleep, "600"]
    volumes: ["kept:/kept"]
volumes:
  kept:
"""


def test_what_an_interrupted_run_has_left_is_not_there_in_the_next(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(ONE_PART, encoding="utf-8")
    env_file = tmp_path / "env"
    env_file.touch()
    stack = Stack("carillon-e2e-interrupted", env_file, "", options=(), folder=tmp_path)
    stack.compose("up", "--detach")
    stack.compose("exec", "-T", "keeper", "touch", "/kept/old")

    with running(stack):
        assert stack.compose("exec", "-T", "keeper", "ls", "/kept") == ""
