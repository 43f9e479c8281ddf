"""What an installation needs, and where the design ends: a model anyone can run again.

    python -m tests.bench.capacity [--set NAME=NUMBER ...]

prints the tables of docs/scale.md. Inputs, with their sources: `tests.bench.capacity_inputs`. A
pure calculation: averages, and the busiest hour for digests; no queueing, no safety.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import ceil

from tests.bench.capacity_inputs import Inputs, named
from tests.bench.capacity_scenarios import SCENARIOS, Scenario
from tests.bench.capacity_walls import processes, walls

YEAR = 365.0
DAY = 86_400.0
GB = 1e9


@dataclass(frozen=True)
class Need:
    """What a scenario takes; cores are of the busiest hour."""

    events_a_day: float
    first_fill_core_hours: float
    first_fill_hours_of_ncbi: float
    service_cores: float
    database_cores: float
    broker_cores: float
    database_gb: float
    database_gb_a_year: float
    broker_disk_gb: float
    broker_memory_mb: float
    ncbi_a_day: float
    ncbi_share: float
    mails_an_hour: float
    smtp_connections: int
    looking: float
    processes: int


def need(one: Scenario, given: Inputs) -> Need:
    """The needs of a scenario."""
    articles, readers = one.topics * one.known, float(one.readers)
    new_a_day, events = one.topics * one.news / YEAR, one.events_a_day
    digests, hourly = one.digests_a_day, one.digests_an_hour
    line = given.poller_ms + given.classifier_ms + given.notifier_ms
    # A look begins a second after the one before has ended; two notifiers look.
    look = readers * given.look_us / 1e6
    looking = look / (1 + look)
    grows = (
        new_a_day * (given.article_bytes + one.revisions * given.revision_bytes)
        + digests * given.digest_bytes
    ) * YEAR
    held = articles * given.article_bytes + readers * given.reader_bytes
    archived = events * given.event_bytes + digests * given.delivered_bytes
    asked = ncbi_requests(one, given)
    return Need(
        events_a_day=events,
        first_fill_core_hours=articles * (line + given.broker_ms + given.database_ms) / 3.6e6,
        first_fill_hours_of_ncbi=articles / given.fetch_chunk / given.ncbi_keyed / 3600,
        service_cores=events * line / 1000 / DAY
        + hourly * (given.cut_ms + given.send_ms) / 3.6e6
        + 2 * looking,
        database_cores=events * given.database_ms / 1000 / DAY
        + hourly * (given.cut_database_ms + given.send_database_ms) / 3.6e6
        + 2 * looking * given.look_database_us / given.look_us,
        broker_cores=events * given.broker_ms / 1000 / DAY,
        database_gb=(held + grows) / GB,
        database_gb_a_year=grows / GB,
        broker_disk_gb=archived * given.archive_overhead * given.archive_days / GB,
        broker_memory_mb=given.broker_memory_mb,
        ncbi_a_day=asked,
        ncbi_share=asked / (given.ncbi_keyed * DAY),
        mails_an_hour=hourly,
        smtp_connections=ceil(hourly * given.mail_seconds / 3600),
        looking=looking,
        processes=processes(one, given),
    )


def ncbi_requests(one: Scenario, given: Inputs) -> float:
    """Requests a day: each poll's questions, and the records of what is new or read again."""
    fresh = min(one.news / YEAR * given.fresh_days, given.reread_most)
    # Those of a year daily, older ones weekly; each poll takes its share, within its budget.
    turns = (one.news + (one.known - one.news) / 7) / one.polls
    again = min(fresh + turns, given.reread_most)
    records = one.news / YEAR / one.polls + again
    return one.topics * one.polls * (given.poll_requests + ceil(records / given.fetch_chunk))


ROWS = (
    ("Articles known", lambda one, _: f"{one.topics * one.known:,.0f}"),
    ("Events a day", lambda _, it: f"{it.events_a_day:,.0f}"),
    ("First fill, core-hours", lambda _, it: f"{it.first_fill_core_hours:,.1f}"),
    ("... hours of NCBI's limit, with a key", lambda _, it: f"{it.first_fill_hours_of_ncbi:,.1f}"),
    ("Processes", lambda _, it: f"{it.processes}"),
    ("Cores, services", lambda _, it: f"{it.service_cores:,.2f}"),
    ("Cores, database", lambda _, it: f"{it.database_cores:,.2f}"),
    ("Cores, broker", lambda _, it: f"{it.broker_cores:,.3f}"),
    ("Database after a year, GB", lambda _, it: f"{it.database_gb:,.1f}"),
    ("... of which it grew, GB", lambda _, it: f"{it.database_gb_a_year:,.1f}"),
    ("Broker's disk a node, GB", lambda _, it: f"{it.broker_disk_gb:,.1f}"),
    ("Broker's memory a node, MB", lambda _, it: f"{it.broker_memory_mb:,.0f}"),
    ("Requests of NCBI a day", lambda _, it: f"{it.ncbi_a_day:,.0f}"),
    ("... of what a key allows", lambda _, it: f"{it.ncbi_share:.1%}"),
    ("Mails in the busiest hour", lambda _, it: f"{it.mails_an_hour:,.0f}"),
    ("SMTP connections for them", lambda _, it: f"{it.smtp_connections:,}"),
    ("A notifier's time spent looking who is due", lambda _, it: f"{it.looking:.0%}"),
)


def needs_table(given: Inputs) -> list[str]:
    """What each scenario needs, as Markdown."""
    found = [(one, need(one, given)) for one in SCENARIOS]
    cells = [[name, *(told(one, it) for one, it in found)] for name, told in ROWS]
    return _table(["", *(one.name for one, _ in found)], cells)


def walls_table(given: Inputs) -> list[str]:
    """Where the design ends, and who stands beyond it."""
    rows = []
    for wall in walls(given):
        beyond = ", ".join(one.name for one in SCENARIOS if wall.is_beyond(one))
        rows.append([wall.what, wall.number, beyond or "nobody here", wall.change])
    return _table(["Wall", "At", "Beyond it", "The change"], rows)


def inputs_table(given: Inputs) -> list[str]:
    """Every input, as Markdown."""
    rows = [[f"`{n}`", f"{v:,g}", s.unit, s.source, s.day] for n, v, s in named(given)]
    return _table(["Input", "Value", "Unit", "Source", "Of"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def tables(given: Inputs) -> dict[str, list[str]]:
    """The tables of docs/scale.md, by the names of their marks there."""
    return {
        "needs": needs_table(given),
        "walls": walls_table(given),
        "inputs": inputs_table(given),
    }


def changed(words: Sequence[str]) -> Inputs:
    """The inputs with NAME=NUMBER in place of theirs.

    Raises:
        ValueError: there is no such input, or that is no number.
    """
    known = {one.name for one in fields(Inputs)}
    given = Inputs()
    for word in words:
        name, _, value = word.partition("=")
        if name not in known:
            raise ValueError(f"no input is called {name!r}: {', '.join(sorted(known))}")
        given = replace(given, **{name: float(value)})
    return given


def main() -> None:
    """Print the tables."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    words.add_argument("--set", nargs="*", default=[], metavar="NAME=NUMBER")
    given = changed(words.parse_args().set)
    for lines in tables(given).values():
        sys.stdout.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    main()
