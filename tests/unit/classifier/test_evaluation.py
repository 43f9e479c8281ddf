"""The figures of the evaluation, against small cases reckoned by hand and against scikit-learn."""

import random
from collections.abc import Mapping, Sequence

import pytest

from services.classifier.evaluation.bootstrap import Interval, difference, interval, resamples
from services.classifier.evaluation.calibration import bins, brier, expected_error
from services.classifier.evaluation.counts import (
    Sums,
    accuracy,
    confusion,
    macro_f1,
    micro_f1,
    tallies,
)
from services.classifier.evaluation.folds import out_of_fold
from services.classifier.evaluation.gold import Example
from services.classifier.evaluation.measure import measure
from tests.builders import an_article

Answers = Mapping[str, Mapping[str, float]]


def example(number: int, **gold: str) -> Example:
    """Labels are written with blanks between them: `disease="sle ms"`."""
    labels = {facet: frozenset(ids.split()) for facet, ids in gold.items()}
    return Example(str(number), an_article(title=f"Article {number}"), labels)


def answer(confidence: float = 0.9, **given: str) -> Answers:
    return {facet: dict.fromkeys(ids.split(), confidence) for facet, ids in given.items()}


FOUR = (
    example(1, scope="core", disease="sle ms"),
    example(2, scope="core", disease="sle"),
    example(3, scope="none", disease=""),
    example(4, scope="oncology", disease="cancer"),
)
GIVEN = (
    answer(scope="core", disease="sle"),
    answer(scope="none", disease="sle ms"),
    answer(scope="none", disease="sle"),
    answer(scope="oncology", disease="cancer"),
)
EVEN = [1, 1, 1, 1]


def diseases(weights: Sequence[int] = EVEN) -> dict[str, Sums]:
    return {label: one.sums(weights) for label, one in tallies(FOUR, GIVEN, "disease").items()}


def test_labels_are_counted_as_right_wrong_and_missed() -> None:
    assert diseases() == {"sle": Sums(2, 1, 0), "ms": Sums(0, 1, 1), "cancer": Sums(1, 0, 0)}


def test_precision_recall_and_f1_follow_from_the_counts() -> None:
    sle = diseases()["sle"]

    assert (sle.precision, sle.recall, sle.f1) == (2 / 3, 1.0, 0.8)


def test_what_was_never_given_has_no_precision_and_no_f1_above_0() -> None:
    missed = Sums(0, 0, 3)

    assert (missed.precision, missed.recall, missed.f1) == (None, 0.0, 0.0)
    assert Sums(0, 0, 0).f1 is None


def test_micro_f1_is_over_all_labels_and_macro_f1_is_their_mean() -> None:
    sums = list(diseases().values())

    assert micro_f1(sums) == pytest.approx(2 * 3 / (2 * 3 + 2 + 1))
    assert macro_f1(sums) == pytest.approx((0.8 + 0.0 + 1.0) / 3)
    assert (micro_f1([]), macro_f1([])) == (None, None)


def test_an_article_that_was_drawn_twice_counts_twice() -> None:
    assert diseases([2, 0, 0, 2]) == {
        "sle": Sums(2, 0, 0), "ms": Sums(0, 0, 2), "cancer": Sums(2, 0, 0),
    }  # fmt: skip


def test_accuracy_is_over_the_articles_that_were_judged() -> None:
    unjudged = (*FOUR, example(5, disease="sle"))
    given = (*GIVEN, answer(scope="core"))

    by_label = tallies(unjudged, given, "scope")

    assert accuracy(unjudged, by_label, "scope", [1] * 5) == 3 / 4


def test_the_confusion_table_counts_pairs() -> None:
    assert confusion(FOUR, GIVEN, "scope") == {
        ("core", "core"): 1, ("core", "none"): 1, ("none", "none"): 1, ("oncology", "oncology"): 1,
    }  # fmt: skip
    assert confusion(FOUR[:1], [{}], "scope") == {("core", "-"): 1}


def test_calibration_error_is_the_distance_of_confidence_and_truth_weighed_by_labels() -> None:
    # Four labels at 0.75, of which three are right, and two at 0.95, of which one is.
    examples = [example(n, disease="sle") for n in range(6)]
    given = [answer(0.75, disease="sle" if n else "ms") for n in range(4)]
    given += [answer(0.95, disease="sle"), answer(0.95, disease="ms")]

    table = bins(examples, given)

    assert [len(one.labels) for one in table] == [0, 0, 0, 0, 0, 0, 0, 4, 0, 2]
    assert expected_error(table, [1] * 6) == pytest.approx((4 * 0.0 + 2 * 0.45) / 6)
    squares = 3 * 0.25**2 + 0.75**2 + 0.05**2 + 0.95**2
    assert brier(table) == pytest.approx(squares / 6)


def test_full_confidence_falls_into_the_last_bin_and_nothing_given_has_no_error() -> None:
    assert len(bins(FOUR[:1], [answer(1.0, scope="core")])[-1].labels) == 1
    assert expected_error(bins(FOUR[:1], [{}]), [1]) is None
    assert brier(bins(FOUR[:1], [{}])) is None


def test_resamples_draw_as_many_articles_as_there_are_and_the_same_for_a_seed() -> None:
    first = resamples(50, 20, seed=7)

    assert all(sum(weights) == 50 for weights in first)
    assert first == resamples(50, 20, seed=7)
    assert first != resamples(50, 20, seed=8)


def test_an_interval_holds_the_middle_95_of_100_draws() -> None:
    assert interval(0.5, [n / 1000 for n in range(1001)]) == Interval(0.5, 0.025, 0.975)
    assert interval(0.5, [None, 0.5, None]) == Interval(0.5, 0.5, 0.5)
    assert interval(None, [0.5]) == Interval(None)


def test_a_difference_is_taken_draw_by_draw() -> None:
    draws = [(n / 10, n / 10 - 0.1) for n in range(1, 10)]

    found = difference(Interval(0.9), Interval(0.8), draws)

    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert difference(Interval(None), Interval(0.8), draws) == Interval(None)


def test_folds_answer_each_example_by_a_model_that_has_not_seen_it() -> None:
    examples = [example(n, disease="sle") for n in range(23)]

    def learn(train: Sequence[Example], test: Sequence[Example]) -> list[Answers]:
        assert not {one.id for one in train} & {one.id for one in test}
        assert len(train) + len(test) == 23
        return [answer(disease=one.id) for one in test]

    found = out_of_fold(examples, learn)

    assert found == tuple(answer(disease=one.id) for one in examples)


def test_a_system_is_measured_with_intervals_and_labels_below_five_are_out_of_the_macro() -> None:
    examples = [example(n, disease="sle", scope="core") for n in range(6)] + [FOUR[3]]
    given = [answer(disease="sle", scope="core")] * 6 + [answer(disease="", scope="oncology")]

    found = measure("ours", examples, given, resamples(7, 100, seed=1))

    assert found.headline["disease macro-F1"].value == 1.0
    assert found.headline["disease micro-F1"].value == pytest.approx(12 / 13)
    assert found.headline["scope accuracy"] == Interval(1.0, 1.0, 1.0)
    assert found.headline["evidence accuracy"].value is None
    assert found.ahead_of(found, "disease micro-F1").value == 0.0
    low = found.headline["disease micro-F1"].low
    assert low is not None
    assert low < 12 / 13


def test_the_figures_are_those_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="optional: make development")
    chance = random.Random(5)  # noqa: S311 (not for secrets)
    names = ["a", "b", "c", "d"]
    gold = [{n for n in names if chance.random() < 0.4} for _ in range(200)]
    ours = [{n for n in names if chance.random() < 0.4} for _ in range(200)]
    examples = [example(i, disease=" ".join(sorted(one))) for i, one in enumerate(gold)]
    given = [answer(disease=" ".join(sorted(one))) for one in ours]
    table = [[[n in one for n in names] for one in side] for side in (gold, ours)]

    sums = [one.sums([1] * 200) for one in tallies(examples, given, "disease").values()]

    assert micro_f1(sums) == pytest.approx(metrics.f1_score(*table, average="micro"))
    assert macro_f1(sums) == pytest.approx(metrics.f1_score(*table, average="macro"))
