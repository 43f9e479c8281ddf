"""A result is whole or not there, and takes no other's place."""

import json
from pathlib import Path

import pytest

from services.console.replay.sandbox.folder import FORMAT, REPORT, whole_folder
from shared.errors import ConfigurationError


def _write(out: Path, text: str) -> None:
    with whole_folder(out) as folder:
        (folder / REPORT).write_text(json.dumps({"format": FORMAT, "text": text}))


def _text(out: Path) -> str:
    return str(json.loads((out / REPORT).read_text())["text"])


def test_a_new_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    _write(tmp_path / "a" / "b", "one")

    assert _text(tmp_path / "a" / "b") == "one"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_an_earlier_result_is_replaced_whole(tmp_path: Path) -> None:
    _write(tmp_path / "out", "one")
    (tmp_path / "out" / "digests").mkdir()

    _write(tmp_path / "out", "two")

    assert _text(tmp_path / "out") == "two"
    assert not (tmp_path / "out" / "digests").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    _write(tmp_path / "out", "one")

    with pytest.raises(RuntimeError), whole_folder(tmp_path / "out") as folder:
        (folder / REPORT).write_text("half")
        raise RuntimeError

    assert _text(tmp_path / "out") == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["letters.txt", REPORT])
def test_what_no_sandbox_wrote_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text('{"format": "something else"}')

    with pytest.raises(ConfigurationError, match="no sandbox wrote"):
        _write(tmp_path / "out", "one")

    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def test_a_file_or_a_link_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    for name in ("file", "link"):
        with pytest.raises(ConfigurationError, match="not a folder"):
            _write(tmp_path / name, "one")
