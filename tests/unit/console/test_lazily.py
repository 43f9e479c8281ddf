"""Commands that are imported when they are called."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from services.console.app import COMMANDS, cli


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_it_is_said_to_be(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"])

    assert shown.exit_code == 0, shown.output
    assert f"Usage: carillon {name}" in shown.output
    assert "completion" not in shown.output


def test_all_commands_are_listed() -> None:
    shown = CliRunner().invoke(cli, ["--help"])

    assert all(f" {name} " in shown.output for name in COMMANDS)


def test_an_unknown_command_is_refused() -> None:
    assert CliRunner().invoke(cli, ["nothing"]).exit_code == 2


def test_a_pipe_through_classify_imports_no_broker_database_or_web_server() -> None:
    program = (
        "import sys\n"
        "from services.console.app import main\n"
        "sys.argv[1:] = ['classify', '--jsonl']\n"
        "try: main()\n"
        "except SystemExit: print({'sqlalchemy', 'faststream', 'fastapi'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], input="", capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"
