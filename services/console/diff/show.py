"""A comparison on the screen."""

from itertools import islice

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.console.diff import words
from services.console.diff.gold import GoldFigures, Measure
from services.console.diff.run import Comparison
from services.console.diff.words import Names

MOST = 50
"""Articles and digests shown; JSON has all of them."""


def print_comparison(console: Console, names: Names, found: Comparison) -> None:
    """The headline, the articles that differ, the digests, and how right both sides are."""
    tally = found.tally
    _line(console, f"Old: {names.old}\nNew: {names.new}\nOf:  {names.archive}; {names.selection}\n")
    _line(console, words.headline(tally))
    for remark in words.remarks(tally):
        _line(console, remark)
    for fault in islice(words.faults(tally), MOST):
        console.print(f"[red]{escape(fault)}[/red]", highlight=False, soft_wrap=True)
    _more(console, len(tally.faults), "entries that cannot be read")
    if tally.differing:
        console.print(_articles(found))
        _more(console, tally.differing, "articles")
    _line(console, words.readers(tally))
    if tally.digests:
        console.print(_digests(found))
        _more(console, tally.digests, "digests")
    if found.gold:
        _print_gold(console, found.gold)


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _more(console: Console, number: int, what: str) -> None:
    if number > MOST:
        _line(console, f"... and {number - MOST} {what} more: see --json or --html")


def _articles(found: Comparison) -> Table:
    table = Table(header_style="bold", expand=True)
    table.add_column("PMID", no_wrap=True)
    table.add_column("Article", ratio=2)
    table.add_column("What changes", ratio=3)
    for one in islice(found.articles(), MOST):
        title = one.title if one.revision == 1 else f"{one.title} (revision {one.revision})"
        told = "\n".join(words.changes(one))
        table.add_row(str(one.pmid), escape(title), escape(told))
    return table


def _digests(found: Comparison) -> Table:
    table = Table(header_style="bold", expand=True)
    table.add_column("Subscription", no_wrap=True)
    table.add_column("Due (UTC)", no_wrap=True)
    table.add_column("How it differs", ratio=1)
    for one in islice(found.digests(), MOST):
        lines = [words.digest_line(one), *(f"{s.pmid} {words.shift(s)}" for s in one.shifts[:MOST])]
        if len(one.shifts) > MOST:
            lines.append(f"... and {len(one.shifts) - MOST} articles more")
        due = f"{one.due:%Y-%m-%d %H:%M}"
        table.add_row(one.subscription_id, due, escape("\n".join(lines)))
    return table


def _print_gold(console: Console, gold: GoldFigures) -> None:
    _line(console, f"{gold.measured} of {gold.examples} labelled examples measured.")
    table = Table("Facet", "Label", header_style="bold")
    for name in ("Support", "Precision", "was", "Recall", "was"):
        table.add_column(name, justify="right")
    for one in gold.labels:
        if one.differs:
            cells = (*_figures(one.after, one.before),)
            table.add_row(one.facet, one.id, str(one.support), *cells)
    if table.row_count:
        console.print(table)
    else:
        _line(console, "Both sides are equally right on each label.")


def _figures(after: Measure, before: Measure) -> tuple[str, str, str, str]:
    values = (after.precision, before.precision, after.recall, before.recall)
    one, two, three, four = ("-" if v is None else f"{v:.3f}" for v in values)
    return one, two, three, four
