import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from services.classifier.calibrate import (
    DOUBT,
    Observation,
    Versions,
    fit,
    fold_of,
    out_of_fold,
)
from services.classifier.calibrate_figures import figures
from services.classifier.calibrate_gold import observations
from services.classifier.classify import CLASSIFIER_VERSION
from services.classifier.confidence import (
    LEAST,
    MOST,
    Confidence,
    load_weights,
    read_weights,
    written,
)
from services.classifier.evaluation.gold import Example, read_gold
from services.classifier.features import NAMES, RISING
from shared.errors import ConfigurationError
from tests.builders import an_article
from tests.unit.classifier.reading import SHIPPED

GOLD = Path(__file__).parents[4] / "shared" / "gold" / "dev.jsonl"
VERSIONS = Versions("rules-0", "1")
PLAIN = tuple(0.0 for _ in NAMES)


def seen(article: str, *, right: bool, label: str = "sle", **given: float) -> Observation:
    return Observation(article, "disease", label, numbers(given), 0.5, right)


def numbers(given: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(given.get(name, 0.0) for name in NAMES)


def test_a_facet_that_is_right_four_times_of_five_is_given_about_that() -> None:
    cases = [seen(str(n), right=n % 5 > 0) for n in range(200)]

    sure = Confidence(fit(cases, VERSIONS))("disease", "sle", PLAIN, 0.5)

    assert sure == pytest.approx(0.8 * (1 - DOUBT), abs=0.01)


def test_what_a_feature_tells_is_learnt() -> None:
    cases = [seen(str(n), right=n % 2 == 0, assumed=n % 2) for n in range(60)]
    sure = Confidence(fit(cases, VERSIONS))

    assumed = tuple(1.0 if name == "assumed" else 0.0 for name in NAMES)

    assert sure("disease", "sle", assumed, 0.5) < 0.3
    assert sure("disease", "sle", PLAIN, 0.5) > 0.7


@pytest.mark.parametrize("name", sorted(RISING))
def test_more_support_never_makes_less_sure_whatever_the_examples_say(name: str) -> None:
    cases = [seen(str(n), right=n % 2 == 0) for n in range(60)]
    perverse = [replace(one, features=numbers({name: not one.right})) for one in cases]

    assert fit(perverse, VERSIONS).facets["disease"].weights[name] == 0.0


def test_a_label_that_is_often_wrong_is_given_less_and_an_unknown_one_what_its_facet_is() -> None:
    cases = [seen(str(n), right=n % 10 > 0) for n in range(100)]
    cases += [seen(str(n), right=n % 2 == 0, label="other") for n in range(100)]
    sure = Confidence(fit(cases, VERSIONS))

    often, unknown, seldom = (
        sure("disease", name, PLAIN, 0.5) for name in ("sle", "a-curators-own", "other")
    )

    assert seldom < unknown < often


def test_a_facet_without_examples_keeps_what_the_rules_make_of_it() -> None:
    sure = Confidence(fit([seen("1", right=True)], VERSIONS))

    assert sure("evidence", "trial", PLAIN, 0.71) == 0.71


def test_an_article_that_is_unclear_keeps_what_the_rules_make_of_it() -> None:
    cases = [replace(seen(str(n), right=n % 4 > 0), facet="scope") for n in range(80)]

    assert Confidence(fit(cases, VERSIONS))("scope", "unclear", PLAIN, 0.6) == 0.6


def test_an_article_that_the_rules_leave_unclear_teaches_nothing_of_scopes() -> None:
    assert observations([example("CAR: a new way", scope={"core"})], SHIPPED) == []


def test_targets_and_products_which_nobody_labelled_are_reckoned_as_modalities() -> None:
    cases = [replace(seen(str(n), right=n % 4 > 0), facet="modality") for n in range(80)]
    sure = Confidence(fit(cases, VERSIONS))

    modality = sure("modality", "unheard-of", PLAIN, 0.1)

    assert sure("target", "cd19", PLAIN, 0.1) == modality
    assert sure("product", "descartes-08", PLAIN, 0.1) == modality


def test_nothing_is_certain_and_nothing_is_impossible() -> None:
    cases = [seen(str(n), right=n >= 400, judged=9.0 if n >= 400 else -9.0) for n in range(800)]
    sure = Confidence(fit(cases, VERSIONS))
    high, low = ((sign * 99.0, *PLAIN[1:]) for sign in (1, -1))

    assert sure("disease", "sle", high, 0.5) == MOST
    assert sure("disease", "sle", low, 0.5) == LEAST
    assert sure("evidence", "trial", PLAIN, 1.0) == MOST


def test_a_label_is_judged_by_a_model_that_has_not_seen_its_article() -> None:
    others = [seen(str(n), right=True) for n in range(100) if fold_of(str(n)) != fold_of("odd")]
    odd = [seen("odd", right=False) for _ in range(100)]

    assert all(sure > 0.9 for sure in out_of_fold([*others, *odd], VERSIONS)[-100:])


def test_articles_all_in_one_fold_are_given_what_the_rules_make_of_them() -> None:
    assert out_of_fold([seen("1", right=True), seen("1", right=False)], VERSIONS) == [0.5, 0.5]


def test_the_same_examples_give_the_same_file() -> None:
    cases = [seen(str(n), right=n % 3 > 0, title=n % 2) for n in range(50)]

    assert written(fit(cases, VERSIONS)) == written(fit(cases, VERSIONS))


def test_a_file_of_weights_reads_as_it_was_written() -> None:
    weights = fit([seen(str(n), right=n % 3 > 0) for n in range(50)], VERSIONS)

    assert read_weights(written(weights), "here") == weights


def test_figures_are_those_worked_out_by_hand() -> None:
    # 0.95, 0.95: one of two right, gap 0.45. 0.65: right, gap 0.35.
    found = figures([0.95, 0.95, 0.65], [True, False, True])

    assert [len(one.labels) for one in found.bins] == [1, 2]
    assert found.error == pytest.approx((2 * 0.45 + 0.35) / 3)
    assert found.brier == pytest.approx((0.05**2 + 0.95**2 + 0.35**2) / 3)
    assert found.loss == pytest.approx((0.051293 + 2.995732 + 0.430783) / 3, abs=1e-5)


def test_no_labels_have_no_error() -> None:
    assert (figures([], []).count, figures([], []).error) == (0, 0.0)


def test_the_weights_that_come_with_the_service_are_those_of_its_rules() -> None:
    weights = load_weights()
    named = {f"{f}:{name}" for f, model in weights.facets.items() for name in model.labels}

    assert weights.classifier_version == CLASSIFIER_VERSION, "run: carillon train"
    assert set(weights.facets) == {"scope", "modality", "disease", "evidence"}
    assert named <= set(SHIPPED.by_key)
    assert all(m.weights[name] >= 0 for m in weights.facets.values() for name in RISING)


def test_weights_for_other_features_are_refused_with_what_to_do() -> None:
    content = json.loads(written(load_weights()))
    content["facets"]["scope"]["weights"].pop("title")

    with pytest.raises(ConfigurationError, match=r"scope.*differ in title: run carillon train"):
        read_weights(json.dumps(content), "mine.json")


@pytest.mark.parametrize("text", ["", "[]", '{"facets": {}}'])
def test_what_is_no_file_of_weights_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"weights mine\.json"):
        read_weights(text, "mine.json")


def test_a_file_of_weights_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_weights(tmp_path / "nowhere.json")


def example(title: str, **gold: set[str]) -> Example:
    judged = {facet: frozenset(ids) for facet, ids in gold.items()}
    return Example("a", an_article(title=title, abstract=(), publication_types=()), judged)


def test_labels_that_annotators_gave_too_are_right_and_facets_they_left_out_teach_nothing() -> None:
    given = example("CAR-T cells for lupus", scope={"core"}, disease={"sle", "ra"})

    found = observations([given], SHIPPED)

    assert {(o.article, o.facet, o.label, o.right) for o in found} == {
        ("a", "scope", "core", True),
        ("a", "disease", "sle", True),
    }


@pytest.mark.skipif(
    not GOLD.is_file(), reason="optional material: ../shared/gold/dev.jsonl is not there"
)
def test_confidences_out_of_fold_mean_what_they_say() -> None:
    cases = observations(read_gold([GOLD], SHIPPED), SHIPPED)

    found = figures(out_of_fold(cases, VERSIONS), [one.right for one in cases])

    assert found.error <= 0.05
