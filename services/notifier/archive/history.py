"""An article's history in words: when it was found, and what each event changed. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from services.notifier.archive.index import Told
from services.notifier.archive.store import Step
from services.notifier.item import why_line
from services.notifier.standing import STANDINGS
from shared.article import Status

_FIELDS = {
    "title": "title", "abstract": "abstract", "doi": "DOI", "pmcid": "PMC number",
    "journal": "journal, volume or pages", "published": "date", "authors": "authors",
    "publication_types": "publication types", "mesh": "MeSH headings", "keywords": "keywords",
    "trial_ids": "trial numbers", "corrections": "linked notices and versions",
    "status": "status", "reasons": "reasons for being here",
}  # fmt: skip


@dataclass(frozen=True)
class Happening:
    """Something that happened to an article, the gravest in `title`; `is_grave` if it is gone."""

    at: datetime
    title: str
    lines: tuple[str, ...]
    is_grave: bool = False


def history(steps: Sequence[Step], *, background: bool) -> list[Happening]:
    """What happened, the last first."""
    if not steps:
        return []
    told = [_change(before, after) for before, after in pairwise(steps)]
    return [*reversed(told), _first(steps[0], background=background)]


def _first(step: Step, *, background: bool) -> Happening:
    title = "Found" if step.revision == 1 else f"As on record in revision {step.revision}"
    if step.revision == 1 and background:
        title = "Taken in as background, from before the watch"
    lines = [why_line(step.told.reasons).capitalize(), _labels(step.told), _versions(step.told)]
    if step.status in STANDINGS:
        lines.insert(0, f"Status: {STANDINGS[step.status].name}")
    return Happening(step.at, title, tuple(filter(None, lines)), _is_grave(step.status))


def _change(before: Step, after: Step) -> Happening:
    lines = tuple(_differences(before, after))
    if after.status != before.status:
        name = STANDINGS[after.status].name if after.status in STANDINGS else "As published again"
        return Happening(after.at, name, lines, _is_grave(after.status))
    title = "Labelled anew" if after.revision == before.revision else "Changed in PubMed"
    if set(after.told.changed) <= {"reasons"} and after.told.changed:
        title = "More is known of why it is here"
    return Happening(after.at, title, lines or ("No label changed by it.",))


def _is_grave(status: Status) -> bool:
    return status in STANDINGS and STANDINGS[status].is_gone


def _differences(before: Step, after: Step) -> Iterator[str]:
    fields = [_FIELDS.get(name, name) for name in after.told.changed if name != "status"]
    if fields:
        yield f"Changed: {', '.join(fields)}"
    if after.told.scope != before.told.scope:
        yield f"Scope: {before.told.scope} became {after.told.scope}"
    named = [{one.id: one.name for one in step.told.labels} for step in (before, after)]
    gained = [name for label, name in named[1].items() if label not in named[0]]
    lost = [name for label, name in named[0].items() if label not in named[1]]
    if gained:
        yield f"Labels gained: {', '.join(gained)}"
    if lost:
        yield f"Labels lost: {', '.join(lost)}"
    if why_line(after.told.reasons) != why_line(before.told.reasons):
        yield f"Why it is here: {why_line(after.told.reasons)}"
    if _versions(after.told) != _versions(before.told):
        yield _versions(after.told)


def _labels(told: Told) -> str:
    names = ", ".join(one.name for one in told.labels if one.facet != "scope")
    return f"Labels: {names}" if names else "No label"


def _versions(told: Told) -> str:
    return f"Labelled with taxonomy {told.taxonomy_version}, classifier {told.classifier_version}"
