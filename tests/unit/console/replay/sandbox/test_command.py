"""`carillon replay` in the sandbox, as a user types it, in this process."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.classifier.settings import TAXONOMY
from services.console.app import cli
from services.console.archive.recorded import envelop
from shared.errors import ConfigurationError
from tests.builders import classified, discovered, poll_completed
from tests.fortnight import entries, write_file

READERS = """
[[subscription]]
id = "daily-reader"
topic = "car-autoimmune"
address = "ada@example.org"
confirmed = true
cadence = "daily"
hour = 13
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recorded file, in a folder where nothing else is."""
    monkeypatch.setenv("CARILLON_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    write_file(tmp_path / "events.jsonl", entries([discovered(), classified(), poll_completed()]))
    return tmp_path / "events.jsonl"


def replay(*words: str) -> Result:
    return CliRunner().invoke(cli, ["replay", *words])


def test_only_go_does_it(file: Path) -> None:
    said = replay("--file", str(file))

    assert said.exit_code == 0, said.output
    assert "nothing was replayed" in said.output
    assert sorted(path.name for path in file.parent.iterdir()) == ["events.jsonl"]


def test_a_file_is_replayed_for_its_readers_until_their_digest_is_due(file: Path) -> None:
    (file.parent / "readers.toml").write_text(READERS)
    readers = ("--subscriptions", str(file.parent / "readers.toml"))

    done = replay("--file", str(file), "--go", *readers, "--until", "2026-09-07T13:00Z")

    assert done.exit_code == 0, done.output
    assert "2 events in" in done.output
    report = json.loads((file.parent / "replay" / "report.json").read_text())
    assert [(one["subscription_id"], one["kind"]) for one in report["digests"]] == [
        ("daily-reader", "digest")
    ]
    assert not (file.parent / "state").exists()


def test_what_could_not_be_replayed_is_said_and_is_no_success(file: Path) -> None:
    broken = envelop(2, b'{"id": "odd", "type": "carillon.article.discovered.v1", "data": {}}')
    write_file(file, [*entries([discovered()]), broken])

    done = replay("--file", str(file), "--go", "--out", "elsewhere")

    assert done.exit_code == 1
    assert "could not be replayed: 1" in done.output
    assert "odd" in done.output
    assert (file.parent / "elsewhere" / "report.md").exists()


def test_a_selection_that_is_no_input_says_what_would_be(file: Path) -> None:
    done = replay("--file", str(file), "--go", "--type", "article.classified")

    assert done.exit_code == 1
    assert "--recorded-labels" in done.output


def test_recorded_labels_and_another_taxonomy_are_taken(file: Path) -> None:
    other = file.parent / "other.toml"
    other.write_text(TAXONOMY.read_text().replace('version = "', 'version = "trial-', 1))

    assert replay("--file", str(file), "--go", "--taxonomy", str(other)).exit_code == 0
    line = json.loads((file.parent / "replay" / "labels.jsonl").read_text())
    assert line["taxonomy_version"].startswith("trial-")

    assert replay("--file", str(file), "--go", "--recorded-labels").exit_code == 0
    line = json.loads((file.parent / "replay" / "labels.jsonl").read_text())
    assert line["taxonomy_version"] == "1"


def test_a_foreign_folder_is_refused_before_anything_is_read(file: Path) -> None:
    (file.parent / "mine").mkdir()
    (file.parent / "mine" / "letter.txt").write_text("dear")

    fault = replay("--file", str(file), "--go", "--out", "mine").exception

    assert isinstance(fault, ConfigurationError)
    assert (file.parent / "mine" / "letter.txt").read_text() == "dear"


@pytest.mark.parametrize("option", ["--out", "--taxonomy", "--subscriptions"])
def test_options_of_the_sandbox_are_refused_elsewhere(file: Path, option: str) -> None:
    fault = replay("--file", str(file), "--broker", option, "x").exception

    assert isinstance(fault, ConfigurationError)
    assert "for the sandbox" in str(fault)
