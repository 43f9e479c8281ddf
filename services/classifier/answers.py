"""A classification as one JSON object, with the place of every word that carries a label.

`start` and `end` count characters in the text as the reader has it: of the title, of the abstract,
or of one entry of a list (`section` is its index). So `text` can be cut out and checked.
"""

from typing import Any

from services.classifier.lines import Line
from shared.article import Article
from shared.events import Classification, Evidence, Label


def answer(line: Line, found: Classification) -> dict[str, Any]:
    """What a line is answered: labels, confidence (0 to 1) and spans by "facet:label"."""
    ids: dict[str, list[str]] = {}
    for label in found.labels:
        ids.setdefault(label.facet, []).append(label.id)
    return {
        "id": line.id,
        "pmid": line.article.pmid or None,
        "scope": found.scope,
        "modality": ids.get("modality", []),
        "disease": ids.get("disease", []),
        "evidence": next(iter(ids.get("evidence", [])), None),
        "confidence": {_key(label): label.confidence for label in found.labels},
        "spans": {_key(label): _spans(label, line) for label in found.labels},
        "targets": ids.get("target", []),
        "products": ids.get("product", []),
        "trials": list(found.trials),
        "taxonomy_version": found.taxonomy_version,
        "classifier_version": found.classifier_version,
    }


def _key(label: Label) -> str:
    return f"{label.facet}:{label.id}"


def _spans(label: Label, line: Line) -> list[dict[str, Any]]:
    return [_span(evidence, line) for evidence in label.evidence]


def _span(evidence: Evidence, line: Line) -> dict[str, Any]:
    first = _offset(evidence, line.article)
    whole = evidence.place == "abstract" and line.whole
    return {
        "place": evidence.place,
        "section": None if whole else evidence.section,
        "start": first + evidence.start,
        "end": first + evidence.end,
        "text": evidence.matched,
        "sentence": evidence.sentence,
        "rule": evidence.rule,
    }


def _offset(evidence: Evidence, article: Article) -> int:
    """Where the sentence begins in its section; elsewhere a text is one sentence, from its start.

    A sentence that is there twice is found at its first place, and reads the same there.
    """
    if evidence.place != "abstract" or evidence.section is None:
        return 0
    return max(0, article.abstract[evidence.section].text.find(evidence.sentence))
