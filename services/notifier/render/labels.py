"""The labels of a digest as JSON lines, one article a line, for other programs."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from services.notifier.digest import Digest
from shared.events import Label

_FACETS = ("modality", "disease", "evidence", "target", "product")


def lines(digest: Digest) -> Iterator[str]:
    """One JSON object for each article, without line ends, those without room included.

    `confidence` is keyed "facet:label"; a span's `start` and `end` are offsets in `sentence`.
    """
    for item in digest.everything:
        told = labelled(item.pmid, item.scope, item.labels)
        yield json.dumps(told, ensure_ascii=False)


def labelled(pmid: int, scope: str, labels: Sequence[Label]) -> dict[str, Any]:
    """One article's labels, as a line has them."""
    by_facet = {f: [x.id for x in labels if x.facet == f] for f in _FACETS}
    return {
        "pmid": pmid,
        "scope": scope,
        **by_facet,
        "confidence": {f"{label.facet}:{label.id}": label.confidence for label in labels},
        "spans": [
            {"label": f"{label.facet}:{label.id}", **evidence.model_dump(exclude_none=True)}
            for label in labels
            for evidence in label.evidence
        ],
    }
