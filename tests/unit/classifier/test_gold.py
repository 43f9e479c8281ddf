"""How well the rules agree with the annotators, on the part of the gold standard that is open.

Nothing is trained, so the figures need no folds. The floors are a little below what is reached;
raise them with the rules.
"""

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from services.classifier.classify import classify
from shared.article import AbstractSection, Article, Journal, PartialDate
from shared.events import Classification
from tests.unit.classifier.reading import SHIPPED, ids

GOLD = Path(__file__).parents[4] / "shared" / "gold" / "dev.jsonl"
SUPPORT = 5
"""Examples that a label must have to count in the macro average."""

pytestmark = pytest.mark.skipif(
    not GOLD.is_file(), reason="optional material: ../shared/gold/dev.jsonl is not there"
)


@dataclass(frozen=True)
class Judged:
    record: dict[str, Any]
    found: Classification


def to_article(record: dict[str, Any]) -> Article:
    abstract = record.get("abstract")
    return Article(
        pmid=int(record["pmid"] or 1),
        title=record["title"],
        abstract=(AbstractSection(text=abstract),) if abstract else (),
        publication_types=tuple(record["pub_types"]),
        journal=Journal(title=record["journal"] or ""),
        published=PartialDate(year=record["year"]),
    )


@cache
def judged() -> tuple[Judged, ...]:
    with GOLD.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return tuple(Judged(record, classify(to_article(record), SHIPPED)) for record in records)


def f1(right: int, wrong: int, missed: int) -> float:
    return 2 * right / (2 * right + wrong + missed)


def f1_scores(facet: str) -> tuple[float, float]:
    """Micro F1 over all labels, macro F1 over those with enough examples."""
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for case in judged():
        gold, given = set(case.record[facet]), ids(case.found, facet)
        right.update(gold & given)
        wrong.update(given - gold)
        missed.update(gold - given)
    enough = [name for name in right | missed if right[name] + missed[name] >= SUPPORT]
    each = [f1(right[name], wrong[name], missed[name]) for name in enough]
    return f1(right.total(), wrong.total(), missed.total()), sum(each) / len(each)


def accuracy(facet: str) -> float:
    agreed = [ids(case.found, facet) == {case.record[facet]} for case in judged()]
    return sum(agreed) / len(agreed)


def test_modalities_agree_with_the_annotators() -> None:
    micro, macro = f1_scores("modality")

    assert micro >= 0.94
    assert macro >= 0.92


def test_scopes_agree_with_the_annotators() -> None:
    assert accuracy("scope") >= 0.96


def test_diseases_agree_with_the_annotators() -> None:
    assert f1_scores("disease")[0] >= 0.945


def test_kinds_of_evidence_agree_with_the_annotators() -> None:
    assert accuracy("evidence") >= 0.89


def test_modality_is_empty_exactly_where_the_scope_is_none() -> None:
    assert all(
        bool(ids(case.found, "modality")) == (case.found.scope not in {"none", "unclear"})
        for case in judged()
    )
