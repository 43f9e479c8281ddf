"""Article lines in, answer lines out, one at a time: `carillon classify --jsonl`."""

import json
from collections.abc import Iterable
from typing import Any, BinaryIO

from pydantic_core import PydanticSerializationError, to_json

from services.classifier.answers import answer
from services.classifier.classify import classify
from services.classifier.lines import Unreadable, read_line
from services.classifier.taxonomy import Taxonomy


def answer_lines(lines: Iterable[bytes], out: BinaryIO, taxonomy: Taxonomy) -> int:
    """Answer each line as it comes; the number of lines that could not be read.

    Such a line is answered too, with its `id` (null where it has none), its number and `error`.
    """
    bad = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            read = read_line(line)
            found: dict[str, Any] = answer(read, classify(read.article, taxonomy))
        except Unreadable as error:
            bad += 1
            found = {"id": error.id, "line": number, "error": str(error)}
        out.write(_written(found) + b"\n")
        out.flush()
    return bad


def _written(found: dict[str, Any]) -> bytes:
    try:
        return to_json(found, inf_nan_mode="null")
    except PydanticSerializationError:
        # Lone surrogates, which a text or an id may have, are no Unicode that can be written.
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", errors="replace")
