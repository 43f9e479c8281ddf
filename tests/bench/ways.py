"""Ways to label, measured beside each other: `python -m tests.bench.ways [--gold FILE]`.

Rules alone; rules with a model that may overrule them; words alone; both together. Whatever is
trained answers out of fold. Each way's difference to the rules alone has a paired interval (the
same resampled articles for both). Needs scikit-learn (`uv sync --group eval`) and labelled
articles; takes some minutes.

Decision 0015 rests on this.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from services.classifier.classify import classify
from services.classifier.evaluation.bootstrap import Interval, resamples
from services.classifier.evaluation.compare import DRAWS
from services.classifier.evaluation.counts import Given
from services.classifier.evaluation.folds import SEED, Learner, out_of_fold
from services.classifier.evaluation.gold import FACETS, Example, read_gold
from services.classifier.evaluation.learned import by_words
from services.classifier.evaluation.measure import MANY, Measured, measure
from services.classifier.evaluation.ours import given, refitted
from services.classifier.evaluation.text import text_of
from services.classifier.mentions import read
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import Taxonomy, load_taxonomy

GOLD = Path(__file__).parents[3] / "shared" / "gold" / "dev.jsonl"
FIGURES = (
    "modality micro-F1",
    "modality macro-F1",
    "scope accuracy",
    "disease micro-F1",
    "evidence accuracy",
)
PLACES = ("title", "rest", "publication-type")
Numbers = dict[str, float]
Model = Any


@dataclass(frozen=True)
class Ground:
    """An example with what the rules make of it, as numbers."""

    rules: Given
    numbers: Numbers


def numbers_of(example: Example, rules: Given, taxonomy: Taxonomy) -> Numbers:
    """What the rules give, how sure, and how strongly each label is named and where."""
    reading = read(example.article, taxonomy)
    found: Numbers = {"bare": float(not example.article.abstract)}
    for facet, labels in rules.items():
        for label, sure in labels.items():
            found[f"given {facet}:{label}"] = 1.0
            found[f"sure {facet}:{label}"] = sure
    for mention in reading.mentions:
        place = mention.sentence.place
        where = place if place in ("title", "publication-type") else "rest"
        key = f"{where} {mention.label.key} {mention.kind}"
        found[key] = min(2.0, found.get(key, 0.0) + mention.weight)
    return found


class Ways:
    """The ways to label, on one set of examples."""

    def __init__(self, examples: Sequence[Example], taxonomy: Taxonomy) -> None:
        self.examples = examples
        found = [classify(example.article, taxonomy) for example in examples]
        self.rules = [given(one) for one in found]
        self.sure = refitted(examples, found, taxonomy)
        self.words = by_words(examples)
        self.grounds = {
            example.id: Ground(rules, numbers_of(example, rules, taxonomy))
            for example, rules in zip(examples, self.rules, strict=True)
        }

    def all(self) -> Iterator[tuple[str, Sequence[Given]]]:
        """Each way's answers."""
        yield "rules alone", self.rules
        yield "rules, unsure labels dropped", [_dropped(one) for one in self.sure]
        yield "rules overruled label by label", out_of_fold(self.examples, self._overrule)
        for c in (1.0, 10.0):
            yield f"model on the rules' features, C={c:g}", self._trained(c, words=False)
        yield "words alone (TF-IDF)", self.words
        yield "model on words and the rules' features, C=10", self._trained(10.0, words=True)
        pairs = list(zip(self.sure, self.words, strict=True))
        yield "rules or words", [_either(rules, words) for rules, words in pairs]
        yield "rules and words", [_both(rules, words) for rules, words in pairs]
        yield "words where the rules are unsure", [_surer(rules, words) for rules, words in pairs]

    def _overrule(self, train: Sequence[Example], test: Sequence[Example]) -> Sequence[Given]:
        """One small model a facet says of each label that is named or given whether it holds."""
        found: list[dict[str, dict[str, float]]] = [{} for _ in test]
        for facet in FACETS:
            rows = [(one, row) for one in train for row in self._named(one, facet)]
            model = LogisticRegression(C=1.0, max_iter=3_000)
            truth = [label in one.gold[facet] for one, (label, _) in rows]
            model.fit([numbers for _, (_, numbers) in rows], truth)
            for answer, one in zip(found, test, strict=True):
                answer[facet] = _held(facet, model, self._named(one, facet))
        return found

    def _named(self, example: Example, facet: str) -> list[tuple[str, list[float]]]:
        ground = self.grounds[example.id]
        labels: dict[str, list[float]] = {}
        for label in ground.rules[facet]:
            labels[label] = [1.0, *[0.0] * len(PLACES)]
        for key, weight in ground.numbers.items():
            place, _, rest = key.partition(" ")
            if place in PLACES and rest.startswith(f"{facet}:"):
                label = rest.split()[0].partition(":")[2]
                row = labels.setdefault(label, [0.0] * (1 + len(PLACES)))
                row[1 + PLACES.index(place)] += weight
        bare = ground.numbers["bare"]
        return [
            (label, [*row, bare, float(len(labels)), row[0] * row[1], row[0] * bare])
            for label, row in labels.items()
        ]

    def _trained(self, c: float, *, words: bool) -> Sequence[Given]:
        return out_of_fold(self.examples, self._learner(c, words=words))

    def _learner(self, c: float, *, words: bool) -> Learner:
        def learn(train: Sequence[Example], test: Sequence[Example]) -> Sequence[Given]:
            x, wanted = self._matrices(train, test, words=words)
            columns = {facet: _answers(c, facet, train, x, wanted) for facet in FACETS}
            return [{facet: columns[facet][n] for facet in FACETS} for n in range(len(test))]

        return learn

    def _matrices(
        self, train: Sequence[Example], test: Sequence[Example], *, words: bool
    ) -> tuple[Any, Any]:
        table = DictVectorizer(sparse=False)
        x = table.fit_transform([self.grounds[one.id].numbers for one in train])
        wanted = table.transform([self.grounds[one.id].numbers for one in test])
        if not words:
            return x, wanted
        from numpy import hstack  # noqa: PLC0415 (scikit-learn's own)

        terms = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
        more = terms.fit_transform([text_of(one.article) for one in train]).toarray()
        rest = terms.transform([text_of(one.article) for one in test]).toarray()
        return hstack([x, more]), hstack([wanted, rest])


def _held(facet: str, model: Model, named: Sequence[tuple[str, list[float]]]) -> dict[str, float]:
    if not named:
        return {}
    sure = [float(row[1]) for row in model.predict_proba([numbers for _, numbers in named])]
    labels = [label for label, _ in named]
    if facet in MANY:
        return {label: one for label, one in zip(labels, sure, strict=True) if one >= 0.5}
    return {labels[sure.index(max(sure))]: max(sure)}


def _answers(
    c: float, facet: str, train: Sequence[Example], x: Any, wanted: Any
) -> list[dict[str, float]]:
    gold = [one.gold[facet] for one in train]
    model = LogisticRegression(C=c, max_iter=3_000)
    if facet not in MANY:
        model.fit(x, [next(iter(one)) for one in gold])
        return [{str(label): 1.0} for label in model.predict(wanted)]
    found: list[dict[str, float]] = [{} for _ in range(wanted.shape[0])]
    for label in sorted(frozenset().union(*gold)):
        truth = [label in one for one in gold]
        if sum(truth) < 2:
            continue
        for answer, sure in zip(found, model.fit(x, truth).predict_proba(wanted), strict=True):
            if sure[1] >= 0.5:
                answer[label] = float(sure[1])
    return found


def _dropped(rules: Given) -> Given:
    return {
        facet: {label: sure for label, sure in labels.items() if facet not in MANY or sure >= 0.5}
        for facet, labels in rules.items()
    }


def _either(rules: Given, words: Given) -> Given:
    return {f: {**words[f], **rules[f]} if f in MANY else rules[f] for f in FACETS}


def _both(rules: Given, words: Given) -> Given:
    return {
        f: {k: v for k, v in rules[f].items() if k in words[f]} if f in MANY else rules[f]
        for f in FACETS
    }


def _surer(rules: Given, words: Given) -> Given:
    """Of one label, the surer one; of several, the rules' where they are sure of any."""
    return {
        f: words[f] if _most(rules[f]) < min(0.8, _most(words[f])) else rules[f] for f in FACETS
    }


def _most(labels: "dict[str, float] | Any") -> float:
    return max(labels.values(), default=0.0)


def _line(name: str, found: Measured, rules: Measured) -> str:
    cells = [f"{name:44}"]
    for figure in FIGURES:
        apart = found.ahead_of(rules, figure)
        own = "" if found is rules else _apart(apart)
        cells.append(f"{found.headline[figure].value or 0:.3f} {own:18}")
    return " ".join(cells)


def _apart(apart: Interval) -> str:
    return f"({apart.low or 0:+.3f}..{apart.high or 0:+.3f})"


def main() -> int:
    """Print one line a way; 2 without labelled articles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gold", type=Path, default=GOLD)
    gold = parser.parse_args().gold
    if not gold.is_file():
        sys.stderr.write(f"{gold} is not there: give --gold a file of labelled articles\n")
        return 2
    taxonomy = load_taxonomy(TAXONOMY)
    examples = read_gold([gold], taxonomy)
    draws = resamples(len(examples), DRAWS, SEED)
    rules: Measured | None = None
    sys.stdout.write(f"{'':44} " + " ".join(f"{name:24}" for name in FIGURES) + "\n")
    for name, answers in Ways(examples, taxonomy).all():
        found = measure(name, examples, answers, draws)
        rules = rules or found
        sys.stdout.write(_line(name, found, rules) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
