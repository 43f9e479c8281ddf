"""`carillon parse`: what it prints, and what it says about what it refuses."""

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.console.app import cli
from shared.article import Article
from shared.errors import ConfigurationError
from tests.unit.poller.fakes import article_set, record

GOOD = article_set(record(1, "One"), record(2, "T" * 90))
BROKEN = "<PubmedArticle><MedlineCitation><PMID>5</PMID></MedlineCitation></PubmedArticle>"
DELETED = "<DeleteCitation><PMID>8</PMID><PMID>9</PMID></DeleteCitation>"


def carillon(*words: str | Path, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(cli, ["parse", *map(str, words)], input=stdin)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.xml"
    path.write_bytes(GOOD)
    return path


def test_a_line_of_json_is_an_article(good: Path) -> None:
    done = carillon(good, "--jsonl")

    articles = [Article.model_validate_json(line) for line in done.stdout.splitlines()]
    assert [(article.pmid, article.title) for article in articles] == [(1, "One"), (2, "T" * 90)]
    assert f"{good}: 2 records, 0 refused, 0 deleted" in done.stderr
    assert done.exit_code == 0


def test_what_is_at_its_default_is_left_out(good: Path) -> None:
    first = json.loads(carillon(good, "--jsonl").stdout.splitlines()[0])

    assert sorted(first) == ["entered_at", "history", "journal", "pmid", "title"]


def test_a_reader_gets_a_line_that_fits(good: Path) -> None:
    lines = carillon(good).stdout.splitlines()

    assert lines[0].split() == ["1", "published", "One"]
    assert lines[1].endswith("T…")
    assert len(lines[1]) < 100


def test_deleted_records_are_named(tmp_path: Path) -> None:
    path = tmp_path / "deleted.xml"
    path.write_bytes(article_set(record(1), DELETED))

    assert carillon(path, "--jsonl").stdout.splitlines()[-1] == '{"deleted": [8, 9]}'
    assert carillon(path).stdout.count("deleted") == 2
    assert "1 records, 0 refused, 2 deleted" in carillon(path).stderr


def test_a_refusal_is_told_with_its_reason_and_the_exit_code(tmp_path: Path, good: Path) -> None:
    path = tmp_path / "bad.xml"
    path.write_bytes(article_set(record(1), BROKEN, record(2)))

    done = carillon(path, good, "--jsonl")

    assert len(done.stdout.splitlines()) == 4
    assert f"{path}: 2 records, 1 refused" in done.stderr
    assert "refused: PMID 5: no Article in the record" in done.stderr
    assert done.exit_code == 1


@pytest.mark.parametrize("packed", [True, False])
def test_a_dash_is_stdin_packed_or_not(packed: bool) -> None:
    done = carillon("-", "--jsonl", stdin=gzip.compress(GOOD) if packed else GOOD)

    assert len(done.stdout.splitlines()) == 2
    assert done.exit_code == 0


def test_what_is_no_xml_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "junk"
    path.write_bytes(b"PMID- 7")

    done = carillon(path)

    assert "no PMID: no PubMed XML: Start tag expected" in done.stderr
    assert (done.stdout, done.exit_code) == ("", 1)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = carillon(tmp_path / "none.xml")

    assert isinstance(done.exception, ConfigurationError)
    assert "none.xml: No such file or directory; give PubMed XML, or -" in str(done.exception)
