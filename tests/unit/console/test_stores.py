"""Files of the embedded mode: readers' addresses are in them, and others use the machine too."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.console.keeping.at_sqlite import prepared
from services.console.stores import embedded_stores
from services.notifier.vault import keys_from


@pytest.fixture(autouse=True)
def _as_most_machines_are_set_up() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


async def test_a_new_folder_of_state_is_closed_to_others(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state"
    stores = embedded_stores(state)
    await stores.migrate()
    await stores.close()

    assert (state / "notifier.db").exists()
    assert state.stat().st_mode & 0o777 == 0o700


def test_it_is_when_it_begins_with_a_key_or_with_a_restore(tmp_path: Path) -> None:
    keys_from(None, tmp_path / "by key" / "notifier.key")
    with pytest.raises(FileNotFoundError), prepared(tmp_path / "restored", tmp_path, {}):
        pass  # nothing is restored: the folder is what is looked at

    for name in ("by key", "restored"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o700, name


async def test_a_folder_that_is_there_keeps_what_its_owner_chose(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    await embedded_stores(tmp_path).close()

    assert tmp_path.stat().st_mode & 0o777 == 0o750
