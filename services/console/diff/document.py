"""A comparison as one JSON document, written as it is read: for other programs, and for CI."""

from collections.abc import Iterable
from typing import TextIO

from pydantic_core import to_json

from services.console.diff.run import Comparison
from services.console.diff.words import Names
from shared.article import Record

FORMAT = 1
"""Of the document. Later ones may add fields."""


def write_document(out: TextIO, names: Names, found: Comparison) -> None:
    """Write everything that was found; `articles` and `digests` are all of them."""
    tally = found.tally
    head = {
        "carillon": "diff",
        "format": FORMAT,
        "changed": tally.changed,
        "old": names.old,
        "new": names.new,
        "archive": names.archive,
        "selection": names.selection,
        "compared": tally.compared,
        "differing": tally.differing,
        "kinds": tally.kinds,
        "same_for_other_reasons": tally.reworded,
        "without_discovery": tally.adopted,
        "with_second_opinion": tally.opinions,
        "unreadable": [
            {"position": one.position, "event_id": one.event_id, "reason": one.reason}
            for one in tally.faults
        ],
        "subscriptions": tally.subscriptions,
        "subscriptions_differing": sorted(tally.readers),
        "digests_differing": tally.digests,
        "gold": found.gold.model_dump(mode="json") if found.gold else None,
    }
    out.write(to_json(head).decode()[:-1])
    _list(out, "articles", found.articles())
    _list(out, "digests", found.digests())
    out.write("}\n")


def _list(out: TextIO, name: str, found: Iterable[Record]) -> None:
    out.write(f',\n"{name}":[')
    out.writelines(
        f"{',' if number else ''}\n{one.model_dump_json()}" for number, one in enumerate(found)
    )
    out.write("]")
