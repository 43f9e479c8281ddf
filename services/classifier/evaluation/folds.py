"""Folds: whatever is trained is measured on articles that it was not trained on."""

import random
from collections.abc import Callable, Sequence

from services.classifier.evaluation.counts import Given
from services.classifier.evaluation.gold import Example

FOLDS = 5
SEED = 20260907

Learner = Callable[[Sequence[Example], Sequence[Example]], Sequence[Given]]
"""Trained on the first examples, it answers for the second."""


def out_of_fold(
    examples: Sequence[Example], learn: Learner, folds: int = FOLDS, seed: int = SEED
) -> tuple[Given, ...]:
    """Answers for all examples, each by a model that has not seen it."""
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)  # noqa: S311 (statistics, not secrets)
    answers: dict[int, Given] = {}
    for fold in range(folds):
        held = order[fold::folds]
        rest = [number for number in order if number not in set(held)]
        found = learn([examples[n] for n in rest], [examples[n] for n in held])
        answers.update(zip(held, found, strict=True))
    return tuple(answers[number] for number in range(len(examples)))
