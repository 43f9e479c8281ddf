"""Replays as the console prints them. What came from outside can colour no terminal."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.console.archive.recorded import Recorded
from services.console.replay.journal import Standing
from services.console.replay.planning import Plan
from services.console.replay.readers import Touched
from services.console.replay.routes import WORDS
from services.console.replay.sending import MADE
from services.notifier.replays_digests import Promised
from shared.errors import CarillonError

DAYS = 14
"""Days shown one by one."""


def print_plan(console: Console, plan: Plan) -> None:
    """How many are meant, of which type, topic and day, a few of them, and what is left out."""
    if plan.first is None or plan.last is None:
        console.print("nothing of the archive is meant")
    else:
        console.print(
            f"{plan.chosen} events, from {plan.first:%Y-%m-%d %H:%M} to "
            f"{plan.last:%Y-%m-%d %H:%M} UTC",
            highlight=False,
        )
        console.print(_counts("Type", sorted(plan.by_type.items())))
        console.print(_counts("Topic", sorted(plan.by_topic.items())))
        console.print(_counts("Day (UTC)", _days(plan)))
        print_each(console, [f"  {_line(one)}" for one in plan.sample])
    for why, count in plan.left_out.items():
        console.print(f"left out: {count}, {WORDS[why]}", highlight=False)
    print_each(console, [f"  {_line(one)}" for one in plan.unreadable])


def print_way(console: Console, plan: Plan, takes: timedelta, *, limited: bool) -> None:
    """Where the events would go, and how long sending takes."""
    for queue, count in sorted(plan.by_queue.items()):
        console.print(f"to the queue {queue}: {count}", highlight=False)
    about = "" if limited else " (as fast as they are taken)"
    console.print(f"sending takes about {_long(takes)}{about}", highlight=False)


def print_touched(console: Console, found: Touched | CarillonError) -> None:
    """Whose digests are concerned."""
    if isinstance(found, CarillonError):
        console.print(
            f"[yellow]which subscriptions follow these topics cannot be told: "
            f"{escape(str(found))}[/yellow]",
            highlight=False,
        )
        return
    if found.named:
        names = escape(", ".join(found.named))
        console.print(f"[bold]may be sent a digest, marked as a replay: {names}[/bold]",
                      highlight=False)  # fmt: skip
    others = len(found.others)
    console.print(
        f"sent nothing: {'the other ' if found.named else ''}{others} subscription"
        f"{'s' * (others != 1)} of these topics",
        highlight=False,
    )


def print_list(console: Console, found: Sequence[Standing], now: datetime) -> None:
    """A line for each replay."""
    table = Table(header_style="bold")
    for name in ("Replay", "Begun (UTC)", "By", "Target", "Selection", "State", "Sent"):
        table.add_column(name, justify="right" if name == "Sent" else "left",
                         overflow="fold")  # fmt: skip
    for one in found:
        order = one.order
        table.add_row(order.replay_id[:8], f"{order.started_at:%Y-%m-%d %H:%M}", escape(order.by),
                      order.target, escape(str(order.selection)), _state(one, now),
                      f"{one.sent} of {one.chosen}")  # fmt: skip
    console.print(table)


Left = Sequence[tuple[str, str, str]]
"""What an event is (failed or open), its consumer, and its id."""


def print_report(console: Console, found: Standing, left: Left, now: datetime) -> None:
    """What was asked for, what came of it, and some of what is left."""
    order = found.order
    asked = [
        f"replay {order.replay_id}: {_state(found, now)}",
        f"{order.selection}; from {order.source}; to {order.target}"
        f"{', forced' if order.forced else ''}",
        f"by {order.by}, {order.started_at:%Y-%m-%d %H:%M} UTC"
        f"{f': {order.because}' if order.because else ''}",
        *([f"may be sent a digest of it: {', '.join(order.to)}"] if order.to else []),
        f"chosen {found.chosen}, sent {found.sent}",
    ]
    print_each(console, asked)
    if found.repeated:
        console.print(f"{WORDS['repeated']}, and sent once: {found.repeated}", highlight=False)
    if found.missing:
        gone = found.state == "finished"
        words = "gone from the archive since it was chosen" if gone else "not sent yet"
        console.print(f"{words}: {found.missing}", highlight=False)
    if found.outcomes:
        console.print(_outcomes(found))
        print_each(console, [f"  {state}: {name} {event}" for state, name, event in left])


_DIGESTS = {
    "waiting": "goes out a minute after the end of the replay",
    "sent": "sent",
    "empty": "not sent: nothing of the replay passes its filters and comes by no other",
    "failed": "not sent",
}


def print_digests(console: Console, to: Sequence[str], found: Sequence[Promised]) -> None:
    """What became of the digests that a finished replay promised. A reason is never an address."""
    by_id = {one.subscription_id: one for one in found}
    for name in to:
        one = by_id.get(name, Promised(name, "waiting", None))
        reason = f": {one.error}" if one.error else ""
        print_each(console, [f"digest to {name}: {_DIGESTS[one.state]}{reason}"])


_COLUMNS = ("sent", "processed", "deduplicated", "skipped", "failed", "open")


def _outcomes(found: Standing) -> Table:
    table = Table(header_style="bold")
    table.add_column("Consumer")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for consumer, counts in found.outcomes.items():
        if consumer != MADE:
            table.add_row(consumer, *(str(counts.get(name, 0)) for name in _COLUMNS))
    if made := found.outcomes.get(MADE):
        table.add_row("made of these", *(str(made.get(name, 0)) for name in _COLUMNS))
    return table


def _state(found: Standing, now: datetime) -> str:
    if found.state != "running":
        return found.state
    return "running" if found.is_running(now) else "broken off: carillon replay resume goes on"


def print_each(console: Console, lines: Sequence[str]) -> None:
    """Lines as they are, without markup."""
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _line(entry: Recorded) -> str:
    name = entry.event_id or f"entry {entry.position}, no id"
    return f"{entry.published_at:%Y-%m-%d %H:%M}  {entry.routing_key or '?':<20} {name}"


def _days(plan: Plan) -> list[tuple[str, int]]:
    ordered = sorted(plan.by_day.items())
    shown = [(str(day), count) for day, count in ordered[-DAYS:]]
    if earlier := ordered[:-DAYS]:
        total = sum(count for _, count in earlier)
        shown.insert(0, (f"{earlier[0][0]} to {earlier[-1][0]}", total))
    return shown


def _counts(head: str, rows: Sequence[tuple[str, int]]) -> Table:
    table = Table(header_style="bold")
    table.add_column(head)
    table.add_column("Events", justify="right")
    for name, count in rows:
        table.add_row(escape(name), str(count))
    return table


def _long(takes: timedelta) -> str:
    seconds = round(takes.total_seconds())
    if seconds < 120:
        return f"{max(seconds, 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
