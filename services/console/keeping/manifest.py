"""What a backup says of itself: its parts, what is in them, and their checksums."""

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.errors import ConfigurationError
from shared.migrate import is_known

FORMAT = 1
"""Of the folder. A change that an older Carillon would restore wrongly is another number."""

NAME = "manifest.json"
CHUNK = 1 << 20

Kind = Literal["postgresql", "sqlite"]


class Part(BaseModel):
    """A file of the folder. `rows` are those of the table, or the events, that are in it."""

    model_config = ConfigDict(frozen=True)

    file: str
    sha256: str
    rows: int


class TableDump(Part):
    """A table by PostgreSQL's COPY, as text in gzip; `columns` in their order."""

    columns: tuple[str, ...]


class StoreDump(BaseModel):
    """One service's store: `revision` is that of its tables.

    On PostgreSQL a file for each table, by name; of SQLite the whole as one, and `counts` by table.
    """

    model_config = ConfigDict(frozen=True)

    revision: str
    tables: dict[str, TableDump] = {}
    whole: Part | None = None
    counts: dict[str, int] = {}

    @property
    def parts(self) -> tuple[Part, ...]:
        """The files of the store."""
        return (*self.tables.values(), *((self.whole,) if self.whole else ()))


class Manifest(BaseModel):
    """`taken_at` is just before the one instant at which all stores are; `version` is Carillon's.

    `archive` are the archive's events, read after that instant; an embedded store has its own.
    """

    model_config = ConfigDict(frozen=True)

    carillon: Literal["backup"] = "backup"
    format: int = FORMAT
    version: str
    kind: Kind
    taken_at: AwareDatetime
    stores: dict[str, StoreDump]
    archive: Part | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """All files but the manifest itself."""
        stores = [part for store in self.stores.values() for part in store.parts]
        return (*stores, *((self.archive,) if self.archive else ()))


def read(folder: Path) -> Manifest:
    """The manifest of a backup that this version can restore, all its files whole.

    Raises:
        ConfigurationError: it is none, of a newer Carillon, or not as it was written.
    """
    try:
        text = (folder / NAME).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{folder} is no backup: {NAME} cannot be read ({error.strerror})"
        ) from error
    try:
        found = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(f"{folder / NAME} is not that of a backup") from error
    if found.format != FORMAT:
        raise ConfigurationError(
            f"{folder} has format {found.format}, and this Carillon knows format {FORMAT}: "
            f"restore it with version {found.version}"
        )
    _check_revisions(found)
    for part in found.parts:
        _check(folder, part)
    return found


def _check_revisions(found: Manifest) -> None:
    newer = [
        f"{service} {store.revision}"
        for service, store in found.stores.items()
        if not is_known(service, store.revision)
    ]
    if newer:
        raise ConfigurationError(
            f"the backup is of a newer Carillon ({found.version}: tables of {', '.join(newer)}): "
            "update this one first"
        )


def _check(folder: Path, part: Part) -> None:
    path = folder / part.file
    if path.parent != folder or not path.is_file():
        raise ConfigurationError(f"{path} is missing: the backup is not whole")
    if sha256(path) != part.sha256:
        raise ConfigurationError(f"{path} is not as it was written: its checksum is another")


def sha256(path: Path) -> str:
    """The checksum of a file, in hex."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            total.update(chunk)
    return total.hexdigest()


def write(folder: Path, manifest: Manifest) -> None:
    """Write it, at the end: a folder without one is no backup."""
    (folder / NAME).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
