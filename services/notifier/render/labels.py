"""The labels of a digest as JSON lines, one article a line, for other programs."""

import json
from collections.abc import Iterator
from typing import Any

from services.notifier.digest import Digest, Item

_FACETS = ("modality", "disease", "evidence", "target", "product")


def lines(digest: Digest) -> Iterator[str]:
    """One JSON object for each article, without line ends, those without room included.

    `confidence` is keyed "facet:label"; a span's `start` and `end` are offsets in `sentence`.
    """
    for item in digest.everything:
        yield json.dumps(_labelled(item), ensure_ascii=False)


def _labelled(item: Item) -> dict[str, Any]:
    by_facet = {f: [x.id for x in item.labels if x.facet == f] for f in _FACETS}
    return {
        "pmid": item.pmid,
        "scope": item.scope,
        **by_facet,
        "confidence": {f"{label.facet}:{label.id}": label.confidence for label in item.labels},
        "spans": [
            {"label": f"{label.facet}:{label.id}", **evidence.model_dump(exclude_none=True)}
            for label in item.labels
            for evidence in label.evidence
        ],
    }
