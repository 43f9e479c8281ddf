from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.classifier.settings import TAXONOMY
from services.console.app import cli
from shared.errors import ConfigurationError

SHIPPED = TAXONOMY.read_text(encoding="utf-8")


def _file(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_built_in_taxonomy_has_nothing_to_correct() -> None:
    result = CliRunner().invoke(cli, ["taxonomy", "check"])

    assert result.exit_code == 0
    assert "0 to correct" in result.stdout
    assert "labelled otherwise" not in result.stdout


def test_a_fault_is_told_with_the_line_of_its_label_and_the_command_fails(tmp_path: Path) -> None:
    label = '\n[[label]]\nfacet = "target"\nid = "cd999"\nname = "x"\ndefinition = "x"\n'
    path = _file(tmp_path, SHIPPED + label + 'examples = ["CD999 CAR-T cells"]\n')

    result = CliRunner().invoke(cli, ["taxonomy", "check", str(path)])

    line = SHIPPED.count("\n") + 2
    assert result.exit_code == 1
    assert f"{path}:{line}: fault: target:cd999 does not get its example" in result.stdout
    assert "1 to correct" in result.stdout


def test_another_taxonomy_shows_which_demo_articles_it_changes(tmp_path: Path) -> None:
    path = _file(tmp_path, SHIPPED.replace('"lupus"', '"wolfsbane"'))

    result = CliRunner().invoke(cli, ["taxonomy", "check", str(path)])

    assert "articles would be labelled otherwise" in result.stdout
    assert "- disease:sle" in result.stdout


def test_a_file_that_cannot_be_read_is_a_fault_of_the_one_who_runs_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["taxonomy", "check", str(_file(tmp_path, "x ="))])

    assert isinstance(result.exception, ConfigurationError)


@pytest.mark.parametrize("word", ["Validate", "examples"])
def test_the_command_says_what_it_does(word: str) -> None:
    assert word in CliRunner().invoke(cli, ["taxonomy", "check", "--help"]).stdout
