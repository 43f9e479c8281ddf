"""What a worker process took from a file, on its way to the process that applies it.

It goes through a file of its own, a line for each record, so that neither process ever holds the
matches of a whole file. The order is that of NLM's file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from shared.article import Article, Record
from shared.events import Reason


class Taken(Record):
    """A record of the topic, with what it is taken for; with no reason it is only known."""

    kind: Literal["taken"] = "taken"
    article: Article
    reasons: tuple[Reason, ...] = ()


class Gone(Record):
    """PMIDs that NLM has taken out; most are of no topic."""

    kind: Literal["gone"] = "gone"
    pmids: tuple[int, ...]


class Spoiled(Record):
    """A record that was not understood and seems to be the topic's."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    kind: Literal["spoiled"] = "spoiled"
    pmid: int | None = None
    reason: str
    raw: bytes
    reasons: tuple[Reason, ...] = ()


Item = Taken | Gone | Spoiled
_ITEM: TypeAdapter[Item] = TypeAdapter(Annotated[Item, Field(discriminator="kind")])


def line_of(item: Item) -> bytes:
    """An item as one line."""
    return item.model_dump_json(exclude_none=True).encode() + b"\n"


def read_spool(path: Path) -> Iterator[Item]:
    """The items of a spool, one at a time."""
    with path.open("rb") as file:
        for line in file:
            yield _ITEM.validate_json(line)
