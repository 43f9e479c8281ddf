import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.classifier.confidence import load_weights
from services.console.app import cli
from shared.errors import ConfigurationError

LINES = [
    {"id": f"{label}{n}", "title": f"CAR-T cells for {name}", "scope": "core", "disease": [label]}
    for n in range(12)
    for name, label in (("lupus", "sle"), ("myasthenia gravis", "mg"))
]


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)), encoding="utf-8")
    return path


def carillon(*arguments: object) -> str:
    return CliRunner().invoke(cli, ["train", *map(str, arguments)], catch_exceptions=False).output


def test_weights_are_trained_on_labelled_articles_and_the_figures_are_shown(
    gold: Path, tmp_path: Path
) -> None:
    out = tmp_path / "weights" / "mine.json"

    shown = carillon("--gold", gold, "--out", out)

    assert "disease, fitted" in shown
    assert load_weights(out).facets["disease"].examples == 24
    assert "evidence" not in load_weights(out).facets


def test_several_files_are_learnt_from_together(gold: Path, tmp_path: Path) -> None:
    out, more = tmp_path / "mine.json", tmp_path / "more.jsonl"
    more.write_text(gold.read_text(encoding="utf-8").replace('"id": "', '"id": "more '))

    carillon("--gold", gold, "--gold", more, "--out", out)

    assert load_weights(out).facets["scope"].examples == 48


def test_a_dry_run_writes_nothing(gold: Path, tmp_path: Path) -> None:
    carillon("--gold", gold, "--out", tmp_path / "mine.json", "--dry-run")

    assert not (tmp_path / "mine.json").exists()


def test_nothing_to_learn_from_is_said(tmp_path: Path) -> None:
    thin = tmp_path / "thin.jsonl"
    thin.write_text('{"title": "CAR: a new way", "scope": "core"}')

    with pytest.raises(ConfigurationError, match="nothing to learn from"):
        carillon("--gold", thin)


def test_weights_that_cannot_be_written_are_said_to_be_so(gold: Path) -> None:
    with pytest.raises(ConfigurationError, match="another --out"):
        carillon("--gold", gold, "--out", gold / "mine.json")


def test_without_labelled_articles_it_says_what_they_look_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigurationError, match="one JSON object a line"):
        carillon()
