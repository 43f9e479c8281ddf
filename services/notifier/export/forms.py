"""The forms in which articles can be taken along, by the ending of their addresses."""

from collections.abc import Callable
from dataclasses import dataclass

from services.notifier.export import bibtex, nbib, ris, table
from services.notifier.project import Known


@dataclass(frozen=True)
class Form:
    """A file format: `head` comes once, `record` for each article."""

    name: str
    media_type: str
    record: Callable[[Known], str]
    head: Callable[[], str] = str


def json_line(known: Known) -> str:
    """The article with labels and reasons as in our events, as `carillon classify` reads them."""
    return known.entry.model_dump_json(exclude={"poll_id"}) + "\n"


FORMS = {
    "ris": Form("RIS", "application/x-research-info-systems", lambda one: ris.record(one.entry)),
    "nbib": Form("NBIB", "application/nbib", lambda one: nbib.record(one.entry)),
    "bib": Form("BibTeX", "application/x-bibtex", lambda one: bibtex.record(one.entry)),
    "csv": Form("CSV", "text/csv", table.record, table.head),
    "jsonl": Form("JSON Lines", "application/jsonl", json_line),
}
