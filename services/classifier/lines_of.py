"""On which line of a taxonomy file a table begins, for messages: TOML's reader does not keep it."""

import re
from collections.abc import Mapping, Sequence

_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*(\w+)[ \t]*\]\]", re.MULTILINE)
_NAMED = re.compile(r"label (\w+):([a-z0-9][a-z0-9-]*)|cue ([a-z-]+)")


def headers(text: str) -> dict[str, list[int]]:
    """The lines (from 1) of every `[[kind]]`, by kind, in order."""
    found: dict[str, list[int]] = {}
    line, seen = 1, 0
    for header in _HEADER.finditer(text):
        line += text.count("\n", seen, header.start())
        seen = header.start()
        found.setdefault(header.group(1), []).append(line)
    return found


def label_lines(text: str, content: Mapping[str, object]) -> dict[str, int]:
    """The line of each label's table, by "facet:id"; of two with one key the later one."""
    lines = headers(text).get("label", [])
    entries = _entries(content, "label")
    return {
        f"{entry.get('facet')}:{entry.get('id')}": line
        for entry, line in zip(entries, lines, strict=False)
    }


def line_of(
    text: str, content: Mapping[str, object], loc: Sequence[int | str], message: str
) -> int | None:
    """The line of the table that an error speaks of, by its place or by the name in its message."""
    if len(loc) >= 2 and isinstance(loc[1], int):
        return _at(headers(text).get(str(loc[0]), []), loc[1])
    named = _NAMED.search(message)
    if named is None:
        return None
    if named.group(3):
        kinds = [entry.get("kind") for entry in _entries(content, "cue")]
        return _at(headers(text).get("cue", []), kinds.index(named.group(3)))
    return label_lines(text, content).get(f"{named.group(1)}:{named.group(2)}")


def _at(lines: Sequence[int], number: int) -> int | None:
    # A file may write its tables in another form, as TOML allows: then there are no lines.
    return lines[number] if number < len(lines) else None


def _entries(content: Mapping[str, object], kind: str) -> list[Mapping[str, object]]:
    entries = content.get(kind)
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
