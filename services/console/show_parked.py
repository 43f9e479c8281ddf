"""Parked messages as the console prints them. What came from outside can colour no terminal."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.console.parked.choose import Chosen
from services.console.parked.message import Parked, Whole

_SAMPLE = 5


def print_groups(console: Console, found: Sequence[Parked]) -> None:
    """A line for each queue and reason: how many, since when, how often tried, and the error."""
    table = Table(header_style="bold")
    for name in ("Queue", "Reason", "Count", "First failure (UTC)", "Attempts", "Error"):
        table.add_column(name, justify="right" if name in ("Count", "Attempts") else "left")
    ordered = sorted(found, key=lambda one: (one.consumer, one.reason))
    for (consumer, reason), group in groupby(ordered, lambda one: (one.consumer, one.reason)):
        members = list(group)
        table.add_row(f"{consumer}.parked", escape(reason), str(len(members)),
                      _first(members), _attempts(members), _error(members))  # fmt: skip
    console.print(table)
    console.print(f"{len(found)} parked; one by one: carillon parked --each", highlight=False)


def print_each(console: Console, found: Sequence[Parked]) -> None:
    """A line for each message, with the id that it is asked for by."""
    for one in found:
        console.print(_line(one), highlight=False, soft_wrap=True, markup=False)
    console.print(f"{len(found)} parked", highlight=False)


def print_whole(console: Console, whole: Whole) -> None:
    """All of a message: why it is here, its headers, its body, and where it failed."""
    print_each_line(console, [_line(whole.parked), *_headers(whole.headers)])
    exchange, key = whole.origin
    print_each_line(console, [f"from {exchange or '(the default exchange)'}, {key or '(no key)'}"])
    print_each_line(console, ["", *pretty(whole.body).splitlines(), ""])
    print_each_line(console, whole.traceback.splitlines() or ["no traceback"])


def print_plan(console: Console, chosen: Chosen, *, go: bool) -> None:
    """What will go back, a few of it, and what is refused and how it would go."""
    will = "goes back" if go else "would go back"
    console.print(f"{len(chosen.to_go)} {will}, {len(chosen.refused)} refused", highlight=False)
    for one in chosen.to_go[:_SAMPLE]:
        console.print(f"  {_line(one)}", highlight=False, soft_wrap=True, markup=False)
    for reason in sorted({one.reason for one in chosen.refused}):
        count = sum(1 for one in chosen.refused if one.reason == reason)
        console.print(
            f"  {count} refused as {reason}: it fails again unless its cause is mended; then "
            f"--reason {reason} --force", highlight=False, soft_wrap=True, markup=False,
        )  # fmt: skip


def pretty(body: bytes) -> str:
    """The body as JSON to read; as text with its odd bytes spelled out where it is none."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body.decode("utf-8", errors="backslashreplace")


def print_each_line(console: Console, lines: Sequence[str]) -> None:
    """Lines as they are, but for control characters."""
    for line in lines:
        console.print(_plain(line), highlight=False, soft_wrap=True, markup=False)


def _headers(headers: Mapping[str, object]) -> list[str]:
    hidden = ("carillon-traceback",)
    return [f"  {key}: {value}" for key, value in sorted(headers.items()) if key not in hidden]


def _line(one: Parked) -> str:
    since = f"{one.parked_at:%Y-%m-%d %H:%M}" if one.parked_at else "unknown time"
    pmid = f"  PMID {one.pmid}" if one.pmid is not None else ""
    again = f"  put back {one.redriven} times" if one.redriven else ""
    kind = one.type or "(no event)"
    return _plain(f"{one.id}  {one.consumer}  {one.reason}  {kind}{pmid}  since {since}"
                  f"  tried {one.attempts}{again}  {one.error}")  # fmt: skip


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _first(members: Sequence[Parked]) -> str:
    known = [one.first_failed_at for one in members if one.first_failed_at]
    return f"{min(known):%Y-%m-%d %H:%M}" if known else "unknown"


def _attempts(members: Sequence[Parked]) -> str:
    least, most = min(one.attempts for one in members), max(one.attempts for one in members)
    return str(most) if least == most else f"{least} to {most}"


def _error(members: Sequence[Parked]) -> str:
    errors = sorted({one.error for one in members})
    more = f" (and {len(errors) - 1} others)" if len(errors) > 1 else ""
    return escape(_plain(errors[0][:200]) + more)
