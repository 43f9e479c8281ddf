"""How fast NLM's files are taken in, by how many processes, and in how much memory.

    python -m tests.bench.ingest [FILE ...] [--copies N]

Without a file it takes ../shared/eutils/bench.xml.gz where that is at hand, and else a file of
invented records. Each file is taken in N times under other names (4), into an empty store.
"""

import argparse
import asyncio
import gzip
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from services.poller.eutils import BASE_URL
from services.poller.ingest.plan import Wishes
from services.poller.ingest.readers import Readers
from services.poller.ingest.report import Report
from services.poller.ingest.run import ingest
from services.poller.ingest.take import Intake
from services.poller.topic import read_topic
from shared.clock import system_clock
from shared.database import make_engine
from shared.logs import configure_logging
from shared.migrate import upgrade
from tests.memory import most_held

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "eutils" / "bench.xml.gz"
TOPIC = ROOT / "topics" / "car-autoimmune.toml"
LIMIT_MB = 150


def main() -> None:
    """Take in the same files with one and with two processes; exit code 1 above the limit."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("files", nargs="*", type=Path)
    words.add_argument("--copies", type=int, default=4)
    words.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    given = words.parse_args()
    configure_logging("bench", as_json=False, level=50)
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = list(copies(given.files or [_source(folder)], folder, given.copies))
        _say(f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB")
        _say("processes  records  seconds  records/s  matched")
        for processes in given.processes:
            asyncio.run(_measure(folder, files, processes))
    sys.exit(_memory())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _source(folder: Path) -> Path:
    return REAL if REAL.exists() else invented(folder / "invented.xml.gz", 5_000)


def invented(path: Path, records: int) -> Path:
    """A file of records with some text, one in fifty of them on the topic."""
    with gzip.open(path, "wb", compresslevel=6) as file:
        file.write(b"<PubmedArticleSet>")
        for pmid in range(1, records + 1):
            about = "CAR T cells in lupus" if pmid % 50 == 0 else "Wheat in dry fields"
            text = " ".join(f"{about} were studied in field {pmid} plot {n}." for n in range(30))
            file.write(
                f'<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><DateRevised>'
                "<Year>2026</Year><Month>01</Month><Day>05</Day></DateRevised><Article><Journal>"
                f"<Title>J</Title></Journal><ArticleTitle>{about}</ArticleTitle><Abstract>"
                f"<AbstractText>{text}</AbstractText></Abstract></Article></MedlineCitation>"
                "</PubmedArticle>".encode()
            )
        file.write(b"</PubmedArticleSet>")
    return path


def copies(files: Sequence[Path], folder: Path, times: int) -> list[Path]:
    """The files under NLM's names, no two of them the same bytes."""
    made = []
    for number in range(1, times * len(files) + 1):
        source = files[(number - 1) % len(files)]
        path = folder / f"pubmed26n{number:04}.xml.gz"
        path.write_bytes(source.read_bytes() + gzip.compress(b"\n" * number))
        made.append(path)
    return made


async def _measure(folder: Path, files: Sequence[Path], processes: int) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{folder}/with{processes}.db")
    await upgrade(engine, "poller")
    started = time.perf_counter()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as executor:
        readers = Readers(executor, processes, folder)
        intake = Intake(engine, system_clock, BASE_URL, readers, lambda _doing: None)
        found = ingest(intake, read_topic(TOPIC), files, Wishes())
        reports: list[Report] = [report async for report in found]
    await engine.dispose()
    seconds = time.perf_counter() - started
    records, matched = (sum(one.counts[of] for one in reports) for of in ("records", "matched"))
    _say(f"{processes:9}{records:9}{seconds:9.1f}{records / seconds:11.0f}{matched:9}")


def _memory() -> int:
    here = most_held()
    reading = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    _say(f"most memory: {here:.0f} MB applying, {reading:.0f} MB in a reading process")
    return int(max(here, reading) > LIMIT_MB)


if __name__ == "__main__":
    main()
