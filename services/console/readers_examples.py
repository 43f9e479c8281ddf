"""Readers' remarks as labelled examples, in the form that `carillon eval` reads.

The notifier has the remarks and the articles, the classifier the form: they are joined here. A
remark speaks of one label; the other labels of its facet are taken as they are, since the reader
saw them and let them stand.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.evaluation.gold import FACETS
from services.notifier.archive import remarks, store
from shared.database import transaction
from shared.events import Classified

MANY = ("modality", "disease")
"""Facets of which an article may have several labels."""


@dataclass(frozen=True)
class Examples:
    """The lines, one for each article, and how many remarks say nothing that can be measured."""

    lines: tuple[str, ...]
    left_out: int


async def readers_examples(engine: AsyncEngine) -> Examples:
    """All remarks of a notifier's store, by topic and article.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        rows = await remarks.remarks(connection)
    said: dict[tuple[str, int], list[sa.Row[Any]]] = {}
    for row in rows:
        said.setdefault((row.topic, row.pmid), []).append(row)
    lines: list[str] = []
    told = 0
    for (topic, pmid), about in sorted(said.items()):
        async with transaction(engine) as connection:
            known = await store.entries(connection, topic, [pmid])
        line, used = example(known[0].entry, about) if known else (None, 0)
        told += used
        lines += [line] if line else []
    return Examples(tuple(lines), len(rows) - told)


def example(entry: Classified, said: Sequence[sa.Row[Any]]) -> tuple[str | None, int]:
    """One article as an example, and how many of the remarks are in it; of two the later counts."""
    usable = [one for one in said if _is_usable(one)]
    if not usable:
        return None, 0
    gold: dict[str, object] = {}
    for facet in FACETS:
        of_facet = [one for one in usable if one.facet == facet]
        if of_facet:
            gold[facet] = _right(entry, facet, of_facet)
    line = {
        "id": f"{entry.topic}-{entry.article.pmid}",
        **gold,
        "corrections": [_correction(one) for one in usable],
        "article": entry.article.model_dump(mode="json", exclude_defaults=True),
    }
    return json.dumps(line, ensure_ascii=False), len(usable)


def _is_usable(one: sa.Row[Any]) -> bool:
    """Of a facet with one label it has to say which: what is not right is not yet what is."""
    return one.facet in FACETS and (one.facet in MANY or one.wanted is not None)


def _right(entry: Classified, facet: str, said: Iterable[sa.Row[Any]]) -> object:
    labels = {label.id for label in entry.classification.labels if label.facet == facet}
    last = None
    for one in said:
        labels.discard(one.label)
        labels |= {one.wanted} if one.wanted else set()
        last = one.wanted
    return sorted(labels) if facet in MANY else last


def _correction(one: sa.Row[Any]) -> dict[str, object]:
    told = {
        "facet": one.facet,
        "label": one.label,
        "wanted": one.wanted,
        "remark": one.remark,
        "at": one.at.isoformat(),
    }
    return {name: value for name, value in told.items() if value is not None}
