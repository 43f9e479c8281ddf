"""A recorded stretch as a file: a header, an event a line, and at the end their number and SHA-256.

The checksum is over every byte before the last line, so that a file can be written and checked as
it streams, and one that was cut off is seen to be.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ValidationError
from pydantic_core import from_json, to_json

from services.console.archive.recorded import LONG_AGO, Recorded, envelop
from services.console.archive.upcast import newest_versions
from shared.errors import ConfigurationError

FORMAT = 1
"""Of the file. Later ones may add fields to its lines."""


class Header(BaseModel):
    """The first line: what kind of file this is, and which version of each type may be in it.

    `events` is their number where it was known before they were written; `selection` says in
    words which were asked for.
    """

    carillon: Literal["events"] = "events"
    format: int = FORMAT
    schemas: dict[str, int]
    selection: str = ""
    events: int | None = None


class Trailer(BaseModel):
    """The last line. `left_out` is how many entries were selected and could not be written."""

    carillon: Literal["end"] = "end"
    events: int
    left_out: int = 0
    sha256: str


class _Line(BaseModel):
    position: int
    routing_key: str
    published_at: AwareDatetime
    event: dict[str, Any]


@dataclass
class Writer:
    """Makes the lines of a file, in order: `header`, `line` for each event, `trailer`."""

    selection: str = ""
    expected: int | None = None

    def __post_init__(self) -> None:
        self._sum, self._events = hashlib.sha256(), 0

    def header(self) -> bytes:
        """The first line."""
        head = Header(
            schemas=newest_versions(), selection=self.selection, events=self.expected
        ).model_dump_json(exclude_none=True)
        return self._summed(head.encode())

    def line(self, entry: Recorded, event: dict[str, Any]) -> bytes:
        """The line of an entry whose (scrubbed) event is given."""
        self._events += 1
        line = _Line(
            position=entry.position,
            routing_key=entry.routing_key,
            published_at=entry.published_at,
            event=event,
        )
        return self._summed(line.model_dump_json().encode())

    def trailer(self, left_out: int = 0) -> bytes:
        """The last line."""
        end = Trailer(events=self._events, left_out=left_out, sha256=self._sum.hexdigest())
        return end.model_dump_json().encode() + b"\n"

    def _summed(self, line: bytes) -> bytes:
        self._sum.update(line + b"\n")
        return line + b"\n"


def verify(path: Path) -> Trailer:
    """Read a file through and compare it with its last line; nothing is kept in memory.

    Raises:
        ConfigurationError: it is no such file, of a newer Carillon, cut off, or was changed.
    """
    found, events, end = hashlib.sha256(), 0, b""
    for number, line in enumerate(_lines(path)):
        if number == 0:
            _header(path, line)
        if end:
            found.update(end)
            events += number > 1
        end = line
    trailer = _trailer(path, end)
    if (events, found.hexdigest()) != (trailer.events, trailer.sha256):
        raise ConfigurationError(
            f"{path} is not as it was recorded: its checksum is another. Record it anew"
        )
    return trailer


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error


def _header(path: Path, line: bytes) -> Header:
    try:
        header = Header.model_validate_json(line)
    except ValidationError as error:
        raise ConfigurationError(
            f"{path} does not begin as a file of `carillon record`: "
            'the first line must be {"carillon":"events",...}'
        ) from error
    known = newest_versions()
    newer = [f"{n}.v{v}" for n, v in header.schemas.items() if n in known and v > known[n]]
    if header.format > FORMAT:
        newer.insert(0, f"format {header.format}")
    if newer:
        raise ConfigurationError(
            f"{path} was recorded by a newer Carillon ({', '.join(newer)}): update this one"
        )
    return header


def _trailer(path: Path, line: bytes) -> Trailer:
    try:
        return Trailer.model_validate_json(line)
    except ValidationError as error:
        raise ConfigurationError(
            f"{path} is cut off: the last line, with the checksum, is missing. Record it anew"
        ) from error


async def read_file(path: Path) -> AsyncIterator[Recorded]:
    """The events of a file, after it was verified whole.

    Raises:
        ConfigurationError: as `verify`.
    """
    trailer, before = verify(path), LONG_AGO
    for number, line in enumerate(_lines(path)):
        if 0 < number <= trailer.events:
            entry = _entry(number, line, before)
            before = entry.published_at
            yield entry


def _entry(number: int, line: bytes, before: Any) -> Recorded:
    try:
        found = _Line.model_validate(from_json(line))
    except ValueError:
        return envelop(number, line, before=before)
    return envelop(found.position, to_json(found.event), found.routing_key, found.published_at)
