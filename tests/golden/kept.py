"""What the classifier says of the demo's articles, in the form in which it is kept.

One table an article, one line a label: the words that carry it most.

    [27365313]
    title = "Reengineering chimeric antigen receptor T cells for ..."
    modality.caar-t = "'chimeric autoantibody receptor' in the abstract"
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.classifier.classify import classify
from services.classifier.taxonomy import Taxonomy
from shared.article import Article
from shared.events import Classification, Evidence, Label, Place

KEPT = Path(__file__).parent / "labels.toml"
LONGEST = 60
"""Characters of the words that are kept: where a label rests on a whole title, its beginning."""
UNSURE = 0.65
"""Confidences move a little with every training; kept is only which labels are far from sure."""
PLACES: Mapping[Place, str] = {
    "title": "in the title",
    "abstract": "in the abstract",
    "mesh": "in MeSH",
    "keyword": "in the keywords",
    "publication-type": "as publication type",
}
HEAD = """\
# What the classifier says of the demo's articles, and by which words. The words are our own: the
# demo's abstracts were written for it. Made by `make golden`, which shows first what changes.
"""


@dataclass(frozen=True)
class Kept:
    """One article: `grounds` by label ("modality.caar-t"), and its numbers of trials."""

    title: str
    grounds: Mapping[str, str] = field(default_factory=dict)
    trials: tuple[str, ...] = ()


def label_all(articles: Iterable[Article], taxonomy: Taxonomy) -> dict[int, Kept]:
    """What the classifier says today, by PMID."""
    return {article.pmid: kept(article.title, classify(article, taxonomy)) for article in articles}


def kept(title: str, found: Classification) -> Kept:
    """What is kept of one classification."""
    grounds = {f"{label.facet}.{label.id}": _ground(label) for label in found.labels}
    return Kept(title, grounds, found.trials)


def _ground(label: Label) -> str:
    unsure = " (unsure)" if label.confidence < UNSURE else ""
    return f"{_quoted(label.evidence[0])}{unsure}"


def _quoted(evidence: Evidence) -> str:
    words = evidence.matched
    if len(words) > LONGEST:
        words = words[:LONGEST].rpartition(" ")[0] + " ..."
    assumed = "assumed from " if " assumed: " in evidence.rule else ""
    return f"{assumed}'{words}' {PLACES[evidence.place]}"


def to_text(results: Mapping[int, Kept]) -> str:
    """The results as TOML."""
    return "\n".join([HEAD, *(_table(pmid, one) for pmid, one in sorted(results.items()))])


def _table(pmid: int, one: Kept) -> str:
    lines = [f"[{pmid}]", f"title = {_string(one.title)}"]
    lines += [f"{label} = {_string(ground)}" for label, ground in one.grounds.items()]
    if one.trials:
        lines.append(f"trials = [{', '.join(map(_string, one.trials))}]")
    return "\n".join(lines) + "\n"


def _string(text: str) -> str:
    # Strings of JSON are strings of TOML, where no control character is in them.
    return json.dumps(text, ensure_ascii=False)


def from_text(text: str) -> dict[int, Kept]:
    """The results in a TOML text; the other way round."""
    return {int(pmid): _read(table) for pmid, table in tomllib.loads(text).items()}


def _read(table: dict[str, object]) -> Kept:
    grounds = {
        f"{facet}.{name}": str(ground)
        for facet, labels in table.items()
        if isinstance(labels, dict)
        for name, ground in labels.items()
    }
    trials = table.get("trials", ())
    assert isinstance(trials, list | tuple)
    return Kept(str(table["title"]), grounds, tuple(trials))
