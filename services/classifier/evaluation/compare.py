"""One run: the classifier beside its baselines, on the same examples and the same draws."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.classifier.evaluation.bootstrap import resamples
from services.classifier.evaluation.counts import Given
from services.classifier.evaluation.folds import SEED
from services.classifier.evaluation.gold import Example
from services.classifier.evaluation.keywords import by_keywords
from services.classifier.evaluation.learned import Missing, by_embeddings, by_words
from services.classifier.evaluation.measure import Measured, measure
from services.classifier.evaluation.misses import Miss, misses
from shared.events import Classification

DRAWS = 1_000
FEWEST = 30
"""Examples below which nothing is trained: folds of a handful say nothing."""
_LEARNED = (("TF-IDF + regression", by_words), ("MiniLM + regression", by_embeddings))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a run measured; `left_out` says which baselines are not there, and why."""

    examples: tuple[Example, ...]
    ours: Measured
    baselines: tuple[Measured, ...]
    misses: tuple[Miss, ...]
    left_out: tuple[str, ...]


def compare(
    examples: tuple[Example, ...],
    found: Sequence[Classification],
    answers: Sequence[Given],
    *,
    baselines: bool,
    told: Callable[[str], None],
) -> Evaluation:
    """Measure what was `found` for the examples; `answers` has it with the confidences to use.

    `told` hears which step begins.
    """
    weights = resamples(len(examples), DRAWS, SEED)
    told("classifier")
    ours = measure("Carillon", examples, answers, weights)
    beside, left_out = [], []
    if baselines:
        told("keywords")
        beside.append(measure("Keywords", examples, by_keywords(examples), weights))
    for name, learn in _LEARNED if baselines else ():
        told(name)
        try:
            _enough(examples)
            beside.append(measure(f"{name} (out of fold)", examples, learn(examples), weights))
        except Missing as reason:
            left_out.append(f"{name}: {reason}")
    return Evaluation(
        examples, ours, tuple(beside), tuple(misses(examples, found)), tuple(left_out)
    )


def _enough(examples: Sequence[Example]) -> None:
    if len(examples) < FEWEST:
        raise Missing(f"{len(examples)} examples are too few to train on; {FEWEST} are needed")
