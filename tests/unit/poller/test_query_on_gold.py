"""The default query against labelled articles: those on the topic inside, cancer outside.

PubMed itself is not asked: its words are matched here as it matches them, in titles and
abstracts, without MeSH (which the labelled articles do not carry, and fresh ones neither).
"""

import json
import re
import unicodedata
from pathlib import Path

import pytest

from services.poller.topic import read_topic

ROOT = Path(__file__).parents[3]
GOLD = ROOT.parent / "shared" / "gold" / "dev.jsonl"
TERM = re.compile(r'("[^"]+"|[^\s()\[\]"]+)\[(tiab|ti|mh)\]')

pytestmark = pytest.mark.skipif(not GOLD.exists(), reason="../shared/gold is not here")


def words(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return f" {' '.join(re.findall(r'[a-z0-9]+', plain))} "


def holds(part: str, title: str, text: str) -> bool:
    for term, field in TERM.findall(part):
        wanted = words(term).rstrip() + ("" if term.endswith("*") else " ")
        if field != "mh" and wanted in (title if field == "ti" else text):
            return True
    return False


def found(scope: str) -> float:
    """The share of the articles of a scope that the query finds."""
    halves = read_topic(ROOT / "topics" / "car-autoimmune.toml").query[0].term.split(")\nAND\n(")
    assert len(halves) == 2
    inside = []
    for line in GOLD.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        title = words(record["title"])
        text = title + words(record.get("abstract") or "")
        if record["scope"] == scope:
            inside.append(all(holds(half, title, text) for half in halves))
    return sum(inside) / len(inside)


def test_nearly_every_article_on_the_topic_is_inside() -> None:
    assert found("core") >= 0.97


@pytest.mark.parametrize("scope", ["oncology", "none"])
def test_articles_on_cancer_or_other_therapies_are_mostly_outside(scope: str) -> None:
    assert found(scope) <= 0.05
