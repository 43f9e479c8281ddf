"""Where a setting may come from; what is wrong is named, and never shown."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import ConfigurationError
from shared.settings import load


class Bell(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="BELL_", frozen=True, extra="ignore")

    key: SecretStr
    spare: SecretStr | None = None
    clock_file: Path | None = None
    tone: str = "c"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("hush-from-file\n", encoding="utf-8")
    return path


def _key(settings: Bell) -> str:
    return settings.key.get_secret_value()


def test_a_secret_is_read_from_the_file_that_its_variable_names(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setenv("BELL_KEY_FILE", str(secret))
    monkeypatch.setenv("BELL_SPARE_FILE", str(secret))

    found = load(Bell, folders=())

    assert (_key(found), found.spare) == ("hush-from-file", SecretStr("hush-from-file"))
    assert "hush" not in repr(found)


def test_an_empty_variable_beside_the_file_is_none(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setenv("BELL_KEY_FILE", str(secret))
    monkeypatch.setenv("BELL_KEY", "")
    monkeypatch.setenv("BELL_SPARE_FILE", "")

    assert _key(load(Bell, folders=())) == "hush-from-file"


def test_a_value_and_a_file_at_once_are_refused(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setenv("BELL_KEY_FILE", str(secret))
    monkeypatch.setenv("BELL_KEY", "hush-from-value")

    with pytest.raises(ConfigurationError, match="BELL_KEY and BELL_KEY_FILE are both set") as said:
        load(Bell, folders=())
    assert "hush" not in str(said.value)


def test_what_the_program_gives_needs_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELL_KEY_FILE", "/nowhere/key")

    assert _key(load(Bell, {"key": "given"}, folders=())) == "given"


@pytest.mark.parametrize("content", [None, b"hush\xff"])
def test_a_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("BELL_KEY_FILE", str(path))

    with pytest.raises(
        ConfigurationError, match=r"BELL_KEY_FILE: the file .* cannot be read"
    ) as fault:
        load(Bell, folders=())
    assert "hush" not in str(fault.value)


def test_an_empty_file_is_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    monkeypatch.setenv("BELL_KEY_FILE", str(tmp_path / "empty"))
    monkeypatch.setenv("BELL_SPARE_FILE", str(tmp_path / "empty"))

    assert load(Bell, {"key": "given"}, folders=()).spare is None
    with pytest.raises(ConfigurationError, match="BELL_KEY: Field required"):
        load(Bell, folders=())


def test_only_secrets_are_read_so_and_a_setting_that_is_a_file_itself_stays_one(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setenv("BELL_KEY", "k")
    monkeypatch.setenv("BELL_CLOCK_FILE", str(secret))
    monkeypatch.setenv("BELL_TONE_FILE", str(secret))

    found = load(Bell, folders=())

    assert (found.clock_file, found.tone) == (secret, "c")


def test_a_file_in_dockers_folder_is_read_where_no_variable_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bell_key").write_text("docker's", encoding="utf-8")

    assert _key(load(Bell, folders=(tmp_path,))) == "docker's"
    monkeypatch.setenv("BELL_KEY", "set")
    assert _key(load(Bell, folders=(tmp_path,))) == "set"
