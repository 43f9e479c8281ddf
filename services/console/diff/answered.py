"""An answer line of `carillon classify --jsonl`, of whatever version, as a classification.

The other way round than `services.classifier.answers`. An answer has no names of labels: they are
given, so that a comparison with it tells of no renamed label; what has none is called by its id.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from services.console.diff.compare import Failed
from shared.article import Article
from shared.events import Classification, Evidence, Label


def read_answer(
    answer: Mapping[str, Any], article: Article, names: Mapping[str, str]
) -> Classification | Failed:
    """The classification in an answer to `article`.

    Raises:
        KeyError, TypeError, ValueError: it is no such answer.
    """
    if "error" in answer:
        return Failed(str(answer["error"]))
    return Classification(
        scope=answer["scope"],
        labels=tuple(_labels(answer, article, names)),
        trials=tuple(answer.get("trials", ())),
        taxonomy_version=answer["taxonomy_version"],
        classifier_version=answer["classifier_version"],
    )


def _labels(
    answer: Mapping[str, Any], article: Article, names: Mapping[str, str]
) -> Iterator[Label]:
    spans = answer.get("spans", {})
    for key, confidence in answer["confidence"].items():
        facet, _, name = key.partition(":")
        yield Label(
            facet=facet,
            id=name,
            name=names.get(key, name),
            confidence=confidence,
            evidence=tuple(_evidence(span, article) for span in spans.get(key, ())),
        )


def _evidence(span: Mapping[str, Any], article: Article) -> Evidence:
    """Its span counts from the start of a section; ours from the start of the sentence."""
    section, sentence = span["section"], span["sentence"]
    first = 0
    if span["place"] == "abstract" and section is not None:
        first = max(0, article.abstract[section].text.find(sentence))
    return Evidence(
        place=span["place"],
        sentence=sentence,
        start=span["start"] - first,
        end=span["end"] - first,
        matched=span["text"],
        rule=span["rule"],
        section=section,
    )
