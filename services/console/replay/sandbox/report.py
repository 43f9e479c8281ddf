"""The report of a sandbox as files: `report.json` for programs, `report.md` to read.

Nothing in it is of the machine or the hour at which it was made: the same input, the same bytes.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from services.console.replay.sandbox.folder import FORMAT, REPORT
from services.console.replay.sandbox.result import Fault, Report, Told


def write_report(folder: Path, report: Report) -> None:
    """Write it in both forms."""
    told = json.dumps(_as_json(report), indent=2, ensure_ascii=False, default=_instant)
    (folder / REPORT).write_text(f"{told}\n", encoding="utf-8")
    (folder / "report.md").write_text("\n".join([*lines(report), ""]), encoding="utf-8")


def _as_json(report: Report) -> dict[str, Any]:
    told = asdict(replace(report, labels={})) | {"labels": len(report.labels)}
    return {"format": FORMAT, "version": 1, "is_whole": report.is_whole, **told}


def _instant(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not for a report")


def lines(report: Report) -> Iterator[str]:
    """The report in Markdown, what went wrong first."""
    yield "# Replay in the sandbox"
    yield ""
    yield f"Chosen: {report.selection}."
    yield f"Labels from the {report.labels_from}. Taxonomy {report.taxonomy}."
    if report.first and report.last and report.ended:
        span = f"{_day(report.first)} to {_day(report.last)}"
        yield f"Events from {span}; the clock stopped at {_day(report.ended)}."
    yield ""
    yield from _wrong(report)
    yield from _counts(report)
    yield from _digests(report)


def _wrong(report: Report) -> Iterator[str]:
    if not report.fed:
        yield "**Nothing was replayed: nothing of what was chosen is an input of the services.**"
        yield ""
    if report.faults:
        yield f"## Could not be replayed: {len(report.faults)}"
        yield ""
        yield from map(_fault, report.faults)
        yield ""
    if report.notes:
        yield from (f"- Note: {note}" for note in report.notes)
        yield ""


def _fault(fault: Fault) -> str:
    entry = "" if fault.position is None else f"entry {fault.position}, "
    kind = fault.type or "no type"
    return f"- {fault.where}: {entry}`{fault.event_id or 'no id'}` ({kind}): {fault.error}"


def _counts(report: Report) -> Iterator[str]:
    yield "## Events"
    yield ""
    yield "| Event | Chosen | Fed | Left out |"
    yield "|---|--:|--:|--:|"
    for key in sorted({*report.chosen, *report.fed}):
        counts = (source.get(key, 0) for source in (report.chosen, report.fed, report.skipped))
        yield f"| {key} | {' | '.join(map(str, counts))} |"
    yield ""
    yield f"Labelled: {len(report.labels)} revisions (`labels.jsonl`)."
    if report.twice:
        yield f"There twice, and fed once: {report.twice}."
    if report.polls_beside:
        yield f"Polls added, for what was checked: {report.polls_beside}."
    yield ""


def _digests(report: Report) -> Iterator[str]:
    yield f"## Digests: {len(report.digests)}"
    yield ""
    if report.digests:
        yield "| Due | Subscription | Cadence | New | Notices | |"
        yield "|---|---|---|--:|--:|---|"
    yield from map(_digest, report.digests)
    silent = sorted({*report.subscriptions} - {one.subscription_id for one in report.digests})
    if silent:
        yield ""
        yield f"Nothing to tell to: {', '.join(silent)}."


def _digest(one: Told) -> str:
    due = "next" if one.kind == "next" else _day(one.at)
    cells = (
        due,
        one.subscription_id,
        "at once" if one.kind == "notice" else one.cadence,
        str(len(one.pmids)),
        str(len(one.notices)),
        f"[{one.channel}]({one.folder}/digest.html)",
    )
    return f"| {' | '.join(cells)} |"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
