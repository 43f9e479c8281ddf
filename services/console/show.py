"""What the console prints: tables and lines for a person."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.console.pulse import Pulse
from services.console.relations import Relations, Standing
from services.notifier.digest import Digest
from services.notifier.health import reason
from services.notifier.item import Item
from services.notifier.render.coverage import drift_line
from services.notifier.render.ties import tie_lines
from services.notifier.render.words import BACKGROUND, UNCLEAR
from services.notifier.subject import subject
from services.notifier.wrong import Verdict
from shared.events import Leg, Poll


def print_digest(console: Console, digest: Digest) -> None:
    """One digest: its notices, then a table of its articles by modality."""
    console.print(f"\n[bold]{escape(subject(digest))}[/bold]", soft_wrap=True)
    for notice in digest.notices:
        console.print(
            f"  [bold red]{notice.kind}[/bold red]: {escape(notice.title)} (PMID {notice.pmid}), "
            f"sent to you on {notice.sent_on}"
        )
    table = Table(show_lines=False, expand=True, header_style="bold")
    for name, ratio in (("PMID", None), ("Article", 5), ("Labels", 3), ("Why", 3)):
        table.add_column(name, ratio=ratio, no_wrap=ratio is None, overflow="fold")
    for group in digest.groups:
        table.add_section()
        table.add_row("", f"[bold]{escape(group.name)}[/bold] ({group.count})", "", "")
        for item in group.items:
            table.add_row(*_row(item))
    for name, items in ((UNCLEAR, digest.other), (BACKGROUND, digest.background)):
        if items:
            table.add_section()
            table.add_row("", f"[bold]{name}[/bold]", "", "")
        for item in items:
            table.add_row(*_row(item))
    console.print(table)


def _row(item: Item) -> tuple[str, str, str, str]:
    shown = [label.id for label in item.labels if label.facet in ("modality", "disease")]
    ties = [f"{line.lead} {line.link.text}{line.tail}" for line in tie_lines(item)]
    return (
        str(item.pmid),
        escape(" ".join((item.title, item.journal_line, *ties))),
        escape(", ".join(shown)),
        escape(item.why),
    )


def print_poll(console: Console, poll: Poll) -> None:
    """The ledger of one poll: what PubMed counted, and what became of each id."""
    table = Table(title=f"Poll of {poll.topic}", title_justify="left", header_style="bold")
    numbers = ("PubMed counts", "Received", "Fetched", "Understood", "New", "Published")
    for name in ("Relation", "State", *numbers):
        table.add_column(name, justify="left" if name in ("Relation", "State") else "right")
    for leg in poll.legs:
        table.add_row(*_leg(leg))
    console.print(table)
    for error in sorted({leg.error for leg in poll.legs if leg.error}):
        console.print(f"[yellow]{escape(error)}[/yellow]", highlight=False)


def _leg(leg: Leg) -> tuple[str, ...]:
    counted = "?" if leg.counted is None else str(leg.counted)
    numbers = (leg.received, leg.fetched, leg.understood, leg.new, leg.published)
    return (_leg_name(leg), leg.state, counted, *map(str, numbers))


def _leg_name(leg: Leg) -> str:
    return f"{leg.relation} {leg.name}" if leg.name else leg.relation


def print_verdict(console: Console, judged: Verdict) -> None:
    """Whether all is well on the first line, and below what is not, and since when."""
    colour = "red" if judged.wrongs else "green" if judged.polled else "yellow"
    console.print(f"[bold {colour}]{judged.line}[/bold {colour}]", highlight=False)
    for one in judged.wrongs:
        since = f"{one.since:%Y-%m-%d %H:%M}  " if one.since else " " * 18
        console.print(f"[red]  {since}{escape(one.what)}[/red]", highlight=False, soft_wrap=True)


def print_concerned(console: Console, readers: Sequence[str]) -> None:
    """Which subscriptions did not get what they should have, each with the reason."""
    for one in readers:
        console.print(f"[red]{'':20}{escape(one)}[/red]", highlight=False, soft_wrap=True)


def print_pulse(console: Console, topic: str, pulse: Pulse) -> None:
    """Where the line stands, one fact a line."""
    waiting = ", ".join(f"{name} {count}" for name, count in pulse.outboxes.items() if count)
    digests = ", ".join(f"{count} {state}" for state, count in pulse.digests.items())
    facts = [
        ("topic", topic),
        ("last poll", _last_poll(pulse)),
        ("articles known", str(pulse.articles)),
        ("on their way", str(pulse.on_the_way)),
        ("events to be published", waiting or "none"),
        ("records not understood", str(pulse.parked_records)),
        ("active subscriptions", str(pulse.subscriptions)),
        ("digests", digests or "none yet"),
    ]
    for name, value in facts:
        console.print(f"{name:<24}{escape(value)}")


def print_relations(console: Console, relations: Relations) -> None:
    """Each relation on a line, and below what is wrong with it; alarms in red."""
    if not relations.standings:
        return
    table = Table(header_style="bold")
    for name in ("Relation", "State", "Complete up to (UTC)", "Open since (UTC)"):
        table.add_column(name)
    for one in relations.standings:
        table.add_row(*_standing(one), style="red" if one.leg.alarm else None)
    console.print(table)
    told = [
        *(("red", f"ALARM {_leg_name(leg)}: {reason(leg)}") for leg in relations.alarms),
        *(("yellow", drift_line(change)) for change in relations.changes),
        *(("yellow", f"PubMed remarks on {remark}") for remark in relations.remarks),
    ]
    for colour, text in told:
        console.print(f"[{colour}]{escape(text)}[/{colour}]", highlight=False, soft_wrap=True)


def _standing(one: Standing) -> tuple[str, str, str, str]:
    state = "ALARM" if one.leg.alarm else one.leg.state
    complete_to, since = one.complete_to, one.leg.open_since
    return (
        escape(_leg_name(one.leg)),
        state,
        f"{complete_to:%Y-%m-%d %H:%M}" if complete_to else "never",
        f"{since:%Y-%m-%d %H:%M}" if since else "",
    )


def _last_poll(pulse: Pulse) -> str:
    if pulse.last_poll is None:
        return "none yet"
    poll = pulse.last_poll
    if pulse.overdue_since:
        return f"OVERDUE since {pulse.overdue_since:%Y-%m-%d %H:%M} UTC: is the poller running?"
    if poll.healthy:
        return f"{poll.finished_at:%Y-%m-%d %H:%M} UTC, all that PubMed counted is here"
    faults = "; ".join(sorted({leg.error for leg in poll.legs if leg.error}))
    since = f"{pulse.last_healthy_at:%Y-%m-%d %H:%M} UTC" if pulse.last_healthy_at else "never"
    return f"{poll.finished_at:%Y-%m-%d %H:%M} UTC, NOT complete (last complete: {since}): {faults}"
