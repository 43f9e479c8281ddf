"""The default query against labelled articles: those on the topic inside, cancer outside.

PubMed itself is not asked: the query is read as PubMed reads it, over titles and abstracts, without
MeSH (which the labelled articles do not carry, and fresh ones neither).
"""

import json
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from services.poller.topic import read_topic
from shared.pubmed_query.document import Document
from shared.pubmed_query.matches import Test, compile_query, read_query

ROOT = Path(__file__).parents[3]
GOLD = ROOT.parent / "shared" / "gold" / "dev.jsonl"

pytestmark = pytest.mark.skipif(not GOLD.exists(), reason="../shared/gold is not here")


@cache
def asked() -> Test:
    (query,) = read_topic(ROOT / "topics" / "car-autoimmune.toml").query
    return compile_query(read_query(query.term), date(2026, 9, 7))


def document(record: dict[str, str]) -> Document:
    texts = {"ti": record["title"], "ab": record.get("abstract") or ""}

    def strings(key: str) -> Iterable[str]:
        return (texts[key],) if key in texts else ()

    return Document(strings, {})


def found(scope: str) -> float:
    """The share of the articles of a scope that the query finds."""
    lines = GOLD.read_text(encoding="utf-8").splitlines()
    records = [record for record in map(json.loads, lines) if record["scope"] == scope]
    return sum(asked()(document(record)) for record in records) / len(records)


@pytest.mark.parametrize(("scope", "least"), [("core", 0.98), ("adjacent", 0.8)])
def test_nearly_every_article_on_the_topic_is_inside(scope: str, least: float) -> None:
    assert found(scope) >= least


@pytest.mark.parametrize("scope", ["oncology", "none"])
def test_articles_on_cancer_or_other_therapies_are_mostly_outside(scope: str) -> None:
    assert found(scope) <= 0.05
