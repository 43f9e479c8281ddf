"""The archive in a backup: every entry as it is, a line each, in gzip; nothing is taken out.

A file of `carillon record` is for others, and has no address in it. This one is ours, and an entry
that is no event at all is kept with the rest.
"""

import gzip
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from pydantic import AwareDatetime, BaseModel

from services.console.archive.recorded import Recorded, envelop, named
from services.console.keeping.manifest import Part, sha256

LEVEL = 6


class Line(BaseModel):
    """An entry. `body` is its text; `raw` its bytes in Base64, where it is no UTF-8."""

    id: str
    type: str
    key: str
    at: AwareDatetime
    body: str | None = None
    raw: str | None = None


async def write(entries: AsyncIterator[Recorded], path: Path) -> Part:
    """Write what an archive has, as it is read. Raises what reading raises."""
    rows = 0
    with gzip.GzipFile(path, "wb", LEVEL, mtime=0) as packed:
        async for entry in entries:
            packed.write(_line(entry).model_dump_json(exclude_none=True).encode() + b"\n")
            rows += 1
    return Part(file=path.name, sha256=sha256(path), rows=rows)


def _line(entry: Recorded) -> Line:
    body = raw = None
    try:
        body = entry.body.decode()
    except UnicodeDecodeError:
        raw = b64encode(entry.body).decode()
    return Line(
        id=entry.event_id,
        type=entry.type,
        key=entry.routing_key,
        at=entry.published_at,
        body=body,
        raw=raw,
    )


def read(path: Path) -> Iterator[Recorded]:
    """The entries, in their order; positions are those in the file."""
    with gzip.open(path, "rb") as packed:
        for position, text in enumerate(packed):
            line = Line.model_validate_json(text)
            body = line.body.encode() if line.body is not None else b64decode(line.raw or "")
            yield named(envelop(position, body, line.key, line.at), line.id, line.type)
