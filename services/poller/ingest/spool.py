"""What a worker process took from a file, on its way to the process that applies it.

It goes through a file of its own, a line for each record, so that neither process ever holds the
matches of a whole file. The order is that of NLM's file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Base64Bytes, Field, TypeAdapter

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

    kind: Literal["spoiled"] = "spoiled"
    pmid: int | None
    reason: str
    raw: Base64Bytes
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
