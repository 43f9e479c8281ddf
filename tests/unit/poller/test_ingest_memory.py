"""Reading takes no more memory for a larger file, however much of it is the topic's."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.ingest import LIMIT_MB, invented

ROOT = Path(__file__).parents[3]
SIFT = """
import sys
from datetime import date
from pathlib import Path
from services.poller.ingest.sieve import Criteria
from services.poller.ingest.sift import sift
from tests.memory import most_held
everything = (("all", "studied[tiab]"),)
criteria = Criteria(999_999, everything, False, frozenset(), frozenset(), date(2026, 1, 1))
sifted = sift(Path(sys.argv[1]), Path(sys.argv[1] + ".spool"), criteria)
print(sifted.matched, round(most_held()))
"""


def sifted(path: Path) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", SIFT, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    matched, megabytes = done.stdout.split()
    return int(matched), int(megabytes)


@pytest.mark.timeout(300)
def test_twice_the_records_take_the_same_memory(tmp_path: Path) -> None:
    small, large = (invented(tmp_path / f"{n}.xml.gz", n) for n in (4_000, 16_000))

    (few, before), (many, after) = sifted(small), sifted(large)

    assert (few, many) == (4_000, 16_000)
    assert after < LIMIT_MB
    assert after - before < 15, f"{before} MB for {few} records, {after} MB for {many}"


@pytest.mark.timeout(300)
def test_all_processes_of_an_ingest_stay_within_the_limit(tmp_path: Path) -> None:
    path = invented(tmp_path / "invented.xml.gz", 8_000)
    command = [sys.executable, "-m", "tests.bench.ingest", str(path)]

    done = subprocess.run(
        [*command, "--copies", "2", "--processes", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
