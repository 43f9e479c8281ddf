"""What `carillon trace` prints: a timeline for a person, or JSON for a program."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from services.console.trace.events import Moment
from services.console.trace.timeline import Trace, Untold
from services.notifier.trace.delivery import named

_COLOURS = {"poller": "cyan", "classifier": "magenta", "notifier": "green", "operator": "yellow"}


def print_trace(console: Console, trace: Trace) -> None:
    """The whole of it: gaps first, as they bear on all below."""
    for gap in trace.gaps:
        _line(console, f"[red]NOT LOOKED AT: {escape(gap.place)}: {escape(gap.why)}[/red]")
    for doubt in trace.doubts:
        _line(console, f"[yellow]{escape(doubt)}[/yellow]")
    if not trace.is_known:
        _line(console, escape(f"PMID {trace.pmid} is not known here. Looked at:"))
        for place in trace.looked_at:
            _line(console, f"  {escape(place)}")
        return
    topics = ", ".join(trace.topics)
    _line(console, f"[bold]PMID {trace.pmid}[/bold]  {escape(topics)}  [dim](times in UTC)[/dim]")
    if trace.title:
        _line(console, escape(trace.title))
    console.print()
    for moment in trace.moments:
        _print_moment(console, moment)
    _print_rest(console, trace)


def _print_moment(console: Console, moment: Moment) -> None:
    colour = "red" if moment.is_grave else _COLOURS.get(moment.by, "white")
    at = f"{moment.at:%Y-%m-%d %H:%M:%S}"
    title = escape(moment.title)
    _line(console, f"{at}  [{colour}]{moment.by:<10}[/{colour}]  [bold]{title}[/bold]")
    for line in moment.lines:
        _line(console, f"{'':33}[dim]{escape(line)}[/dim]")


def _print_rest(console: Console, trace: Trace) -> None:
    if trace.now:
        console.print("\n[bold]Not done yet[/bold]")
    for line in trace.now:
        _line(console, f"  [yellow]{escape(line)}[/yellow]")
    if trace.untold:
        console.print("\n[bold]Not told[/bold]")
    for one in trace.untold:
        _line(console, f"  {escape(_untold(one, several=len(trace.topics) > 1))}")


def _untold(one: Untold, *, several: bool) -> str:
    group = one.group
    when = f", {group.next_at:%Y-%m-%d %H:%M} UTC" if group.next_at else ""
    where = f"{one.topic}, " if several else ""
    ids = named(group.ids)
    return f"{len(group.ids):>4}  {where}{group.cadence}: {group.why}{when} ({ids})"


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)


def as_json(trace: Trace) -> str:
    """The same as one JSON object, with every id; instants in ISO 8601."""
    told = {
        "pmid": trace.pmid,
        "known": trace.is_known,
        "title": trace.title,
        "topics": trace.topics,
        "moments": [vars(one) for one in trace.moments],
        "now": trace.now,
        "deliveries": [vars(one) for one in trace.deliveries],
        "untold": list(_all_untold(trace)),
        "looked_at": trace.looked_at,
        "gaps": [vars(one) for one in trace.gaps],
        "doubts": trace.doubts,
    }
    return json.dumps(told, indent=2, ensure_ascii=False, default=_instant)


def _all_untold(trace: Trace) -> Iterator[dict[str, Any]]:
    for one in trace.untold:
        yield {"topic": one.topic, **vars(one.group)}


def _instant(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
