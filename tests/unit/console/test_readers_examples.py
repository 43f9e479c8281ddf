"""Readers' remarks on their way into `carillon eval`."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from services.classifier.evaluation.gold import read_gold
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.app import cli
from services.console.corrections import corrections
from services.console.readers_examples import readers_examples
from services.notifier import tables
from services.notifier.handlers import handler
from shared.database import transaction
from shared.errors import ConfigurationError
from shared.migrate import upgrade
from tests.builders import NOON, a_classification, a_label, an_article, classified

SLE = a_label(facet="disease", id="sle", name="Lupus")


async def _said(engine: AsyncEngine, *said: dict[str, Any]) -> None:
    await upgrade(engine, "notifier")
    event = classified(
        article=an_article(pmid=1), classification=a_classification(labels=(a_label(), SLE))
    )
    await handler(engine, lambda: NOON)(event.encode())
    async with transaction(engine) as connection:
        for number, one in enumerate(said):
            values = {
                "topic": "car-autoimmune",
                "pmid": 1,
                "kind": "wrong-label",
                "at": NOON,
                **one,
            }
            await connection.execute(tables.feedback.insert().values(id=str(number), **values))


async def test_a_corrected_facet_has_the_labels_that_would_be_right(sqlite: AsyncEngine) -> None:
    await _said(
        sqlite,
        {"facet": "modality", "label": "cd19-car-t", "wanted": "car-nk"},
        {"facet": "modality", "label": None, "wanted": "caar-t"},
        {"facet": "scope", "label": "core", "wanted": "adjacent", "remark": "No patient in it."},
    )

    found = await readers_examples(sqlite)

    (line,) = map(json.loads, found.lines)
    assert line["id"] == "car-autoimmune-1"
    assert line["modality"] == ["caar-t", "car-nk"]
    assert line["scope"] == "adjacent"
    assert "disease" not in line
    assert line["corrections"][2]["remark"] == "No patient in it."
    assert found.left_out == 0


async def test_what_cannot_be_measured_is_counted_and_left_out(sqlite: AsyncEngine) -> None:
    await _said(
        sqlite,
        {"facet": "target", "label": "cd19"},
        {"facet": "scope", "label": "core", "wanted": None},
        {"kind": "not-relevant"},
        {"pmid": 99, "facet": "disease", "label": "sle"},
    )

    found = await readers_examples(sqlite)

    assert (found.lines, found.left_out) == ((), 4)


async def test_the_evaluation_reads_them_and_tells_where_the_rules_agree(
    sqlite: AsyncEngine, tmp_path: Path
) -> None:
    await _said(
        sqlite,
        {"facet": "modality", "label": "cd19-car-t", "wanted": None},
        {"facet": "disease", "label": "mg", "wanted": "sle"},
    )
    path = tmp_path / "examples.jsonl"
    path.write_text("\n".join((await readers_examples(sqlite)).lines), encoding="utf-8")
    taxonomy = load_taxonomy(TAXONOMY)

    (example,) = read_gold([path], taxonomy)
    found = corrections(path, taxonomy)

    assert example.gold == {"modality": frozenset(), "disease": frozenset({"sle"})}
    assert [(one.facet, one.agrees) for one in found] == [("modality", False), ("disease", True)]
    shown = CliRunner().invoke(cli, ["eval", "--feedback", str(path)])
    assert shown.exit_code == 0, shown.output
    assert "The rules agree with 1 of 2 corrections" in shown.output


@pytest.mark.parametrize(
    "line",
    ["[]", '{"title": "x"}', '{"title": "x", "corrections": [1]}', "{", '{"corrections": []}'],
)
def test_another_file_is_refused_by_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="line 2"):
        corrections(path, load_taxonomy(TAXONOMY))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="feedback export"):
        corrections(tmp_path / "nothing", load_taxonomy(TAXONOMY))


def test_the_command_writes_lines_and_says_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CARILLON_DATABASE_URL", raising=False)

    result = CliRunner().invoke(cli, ["feedback", "export", "--state", str(tmp_path)])

    assert isinstance(result.exception, ConfigurationError)
    assert "carillon run" in str(result.exception)
