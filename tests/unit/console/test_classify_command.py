"""`carillon classify` on files and texts; PMIDs need the stores, and lines have their own tests."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.console.app import cli
from services.console.sources import read_articles
from shared.errors import ConfigurationError

TEXT = "CAR-T cells in lupus\nUnlike CAR-NK cells, CD19 CAR-T cells were given to four patients.\n"


def test_a_text_is_labelled_with_its_versions(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT)

    shown = CliRunner().invoke(cli, ["classify", str(file)])

    assert shown.exit_code == 0, shown.output
    assert "cd19-car-t" in shown.output
    assert "taxonomy" in shown.output
    assert "Unlike" not in shown.output


def test_explained_it_shows_the_sentences_for_a_label_and_those_against(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT)

    shown = CliRunner().invoke(cli, ["classify", "--explain", str(file)])

    lines = shown.output.replace("\n", " ")
    assert "title: CAR-T cells in lupus" in lines
    assert "car-nk" in lines
    assert "not given" in lines
    assert "against, comparison" in lines


def test_a_file_of_lines_is_answered_like_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(json.dumps({"id": 1, "title": "CD19 CAR-T cells in lupus"}))

    shown = CliRunner().invoke(cli, ["classify", "--jsonl", str(file)])

    assert json.loads(shown.stdout)["scope"] == "core"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["classify"], "nothing to classify"),
        (["classify", "nothing.txt"], "nothing.txt: No such file"),
        (["classify", "--jsonl", "nothing.jsonl"], "nothing.jsonl: No such file"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(arguments: list[str], said: str) -> None:
    shown = CliRunner().invoke(cli, arguments)

    assert isinstance(shown.exception, ConfigurationError)
    assert said in str(shown.exception)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"  \n ", "empty; give a title"),
        (b"<html></html>", "not PubMed XML"),
        (b"<PubmedArticleSet></PubmedArticleSet>", "not PubMed XML"),
    ],
)
def test_content_without_an_article_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"here: {said}"):
        read_articles(content, "here")
