"""`carillon ingest` as a user types it: what it prints, and its exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.database import make_engine
from shared.migrate import upgrade
from tests.unit.poller.ingesting import entry, nlm_file
from tests.unit.poller.polling import discovered, taken

ROOT = Path(__file__).parents[3]
TOPIC = 'id = "cars"\ntitle = "Cars"\nseed = 100\n[[query]]\nname = "q"\nterm = "car[tiab]"\n'


class Ingest:
    """Runs `carillon ingest` on a store and a topic of its own."""

    def __init__(self, folder: Path) -> None:
        self.topics = folder / "topics"
        self.topics.mkdir()
        (self.topics / "cars.toml").write_text(TOPIC)
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "COLUMNS": "200",
            "CARILLON_STATE": str(folder / "state"),
            "POLLER_TOPICS_DIR": str(self.topics),
        }

    def __call__(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services.console", "ingest", *map(str, words)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(tmp_path)


def cells(printed: str, name: str) -> list[str]:
    (line,) = [line for line in printed.splitlines() if line.strip().startswith(f"{name} ")]
    return line.split()


def test_it_shows_a_row_for_each_file_and_takes_none_twice(ingest: Ingest, tmp_path: Path) -> None:
    first = nlm_file(tmp_path, 1, entry(1, "A car"), entry(2, "A lorry"))
    second = nlm_file(tmp_path, 2, entry(1, "A fast car"))

    shown = ingest(second, first, "--processes", "1")

    assert shown.returncode == 0, shown.stderr
    assert cells(shown.stdout, first.name)[1:] == ["applied", "2", "1", "1", "0", "0", "0"]
    assert cells(shown.stdout, second.name)[1:] == ["applied", "1", "1", "0", "1", "0", "0"]

    again = ingest(first, second)

    assert again.returncode == 0
    assert again.stdout == "2 of 2 files were taken in before.\n"


def test_what_was_not_taken_in_is_said_and_is_exit_code_1(ingest: Ingest, tmp_path: Path) -> None:
    wrong, after = (nlm_file(tmp_path, number, entry(number)) for number in (1, 2))
    wrong.with_name(f"{wrong.name}.md5").write_text("0" * 32)

    shown = ingest(wrong, after)

    assert shown.returncode == 1
    assert cells(shown.stdout, wrong.name)[1] == "refused"
    assert cells(shown.stdout, after.name)[1] == "skipped"
    assert "its MD5 sum is not the one in pubmed26n0001.xml.gz.md5; download both" in shown.stdout
    assert "Left out, as they come after it: pubmed26n0002.xml.gz" in shown.stdout


def test_records_that_were_not_understood_are_named_and_are_exit_code_1(
    ingest: Ingest, tmp_path: Path
) -> None:
    bare = "<PubmedArticle><MedlineCitation><PMID>{}</PMID></MedlineCitation></PubmedArticle>"
    path = nlm_file(tmp_path, 1, entry(1), *(bare.format(pmid) for pmid in range(2, 9)))

    shown = ingest(path, "--dry-run")

    assert shown.returncode == 1
    assert cells(shown.stdout, path.name)[1:4] == ["read", "1", "1"]
    assert "pubmed26n0001.xml.gz: PMID 2: " in shown.stdout
    assert "2 more records not understood" in shown.stdout


def test_without_sums_it_warns_and_refuses_where_they_are_required(
    ingest: Ingest, tmp_path: Path
) -> None:
    path = nlm_file(tmp_path, 1, entry(1))
    path.with_name(f"{path.name}.md5").unlink()

    assert "there is no pubmed26n0001.xml.gz.md5" in ingest(path, "--require-md5").stdout
    warned = ingest(path)

    assert warned.returncode == 0
    assert "no pubmed26n0001.xml.gz.md5 beside it: taken in as it is" in warned.stdout


def test_a_query_that_needs_pubmed_is_one_clear_line(ingest: Ingest, tmp_path: Path) -> None:
    (ingest.topics / "cars.toml").write_text(TOPIC.replace("car[tiab]", "car[filter]"))

    shown = ingest(nlm_file(tmp_path, 1, entry(1)))

    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr.startswith("carillon: topic cars: q: query: unknown field [filter]")
    assert len(shown.stderr.splitlines()) == 1


@pytest.mark.connected
async def test_with_a_deployments_database_it_fills_that_one(
    ingest: Ingest, tmp_path: Path, postgres_url: str
) -> None:
    engine = make_engine(postgres_url)
    await upgrade(engine, "poller")
    ingest.environment["CARILLON_DATABASE_URL"] = postgres_url

    shown = ingest(nlm_file(tmp_path, 1, entry(1), entry(2, "A lorry")), "--processes", "1")

    assert shown.returncode == 0, shown.stderr
    assert [int(event.subject) for event in discovered(await taken(engine))] == [1]
    assert not (tmp_path / "state").exists()
    await engine.dispose()
