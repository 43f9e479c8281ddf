"""How fast records are read, beside pubmed_parser and beside lxml that extracts nothing.

    python -m tests.bench.parsing [FILE]

FILE is PubMed XML, gzip or not; without it the recorded one is taken, and without that a file is
made of the stand-in's catalogue. Every measurement is a process of its own, on one processor, and
counts CPU seconds without imports; rounds are interleaved, and the median is taken. "Every element"
is no rival: it is what any reader of lxml's tree in Python pays before it makes a field or a model.
Exit code 1 when a floor is missed. Needs the dependency group `bench`.
"""

import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from shared.errors import ConfigurationError

RECORDED = Path(__file__).parents[3] / "shared" / "eutils" / "bench.xml.gz"
ROUNDS = 7
MADE_RECORDS = 3000

FLOORS = {"pubmed_parser": 3.0, "lxml iterparse": 0.6}
"""Our rate must be at least so many times theirs."""


def ours(path: Path) -> int:
    """Everything of a record, as an `Article`."""
    from services.poller.parse import open_records, read_stream  # noqa: PLC0415  not measured

    def read() -> int:
        with open_records(path) as source:
            return sum(1 for _ in read_stream(source))

    return _timed(read)


def pubmed_parser(path: Path) -> int:
    """Its own fields, as dictionaries."""
    from pubmed_parser import parse_medline_xml  # noqa: PLC0415

    return _timed(lambda: sum(1 for _ in parse_medline_xml(str(path))))


def iterparse(path: Path) -> int:
    """Nothing but the end of each record: what any reader built on lxml has to pay."""

    def read() -> int:
        count = 0
        with gzip.open(path) as source:
            for _, record in etree.iterparse(source, tag="PubmedArticle"):
                count += 1
                record.clear()
        return count

    return _timed(read)


def every_element(path: Path) -> int:
    """Our way to the tree, then the name and text of each element, and nothing made of them."""
    from services.poller.eutils.xml import SAFE  # noqa: PLC0415  not measured
    from services.poller.parse import open_records  # noqa: PLC0415
    from services.poller.stretches import Stretches  # noqa: PLC0415

    def read() -> int:
        count = 0
        parser = etree.XMLParser(**SAFE)
        with open_records(path) as source:
            stretches = Stretches(source)
            for stretch in stretches:
                for record in etree.fromstring(stretches.document(stretch), parser):
                    count += 1
                    for element in record.iter():
                        _ = element.tag, element.text
        return count

    return _timed(read)


CONTENDERS: dict[str, Callable[[Path], int]] = {
    "carillon": ours,
    "pubmed_parser": pubmed_parser,
    "lxml iterparse": iterparse,
    "every element": every_element,
}


@dataclass(frozen=True)
class Run:
    """One measurement: how many records, in how many CPU seconds."""

    records: int
    seconds: float


def _timed(read: Callable[[], int]) -> int:
    start = time.process_time()
    records = read()
    seconds = time.process_time() - start
    sys.stdout.write(json.dumps({"records": records, "seconds": seconds}))
    return records


def measured(name: str, path: Path) -> Run:
    """One measurement in a fresh process, on one processor where that can be said."""
    command = [sys.executable, "-m", "tests.bench.parsing", "--one", name, str(path)]
    done = subprocess.run(command, check=False, capture_output=True, preexec_fn=_one_processor)
    if done.returncode:
        fault = done.stderr.decode().strip().splitlines()[-1]
        raise ConfigurationError(f"{name}: {fault}; is the group there (uv sync --group bench)?")
    return Run(**json.loads(done.stdout))


def _one_processor() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def compare(path: Path, rounds: int = ROUNDS) -> dict[str, list[Run]]:
    """All contenders, round after round, the order turned over in every other one."""
    runs: dict[str, list[Run]] = {name: [] for name in CONTENDERS}
    for number in range(rounds):
        for name in list(CONTENDERS)[:: -1 if number % 2 else 1]:
            runs[name].append(measured(name, path))
    return runs


def ratios(runs: dict[str, list[Run]]) -> dict[str, float]:
    """How many times faster than each other contender: the median over the rounds."""
    own = runs["carillon"]
    return {
        name: statistics.median(
            theirs.seconds / mine.seconds for theirs, mine in zip(runs[name], own, strict=True)
        )
        for name in FLOORS
    }


def _table(runs: dict[str, list[Run]]) -> str:
    lines = [f"{'':16}{'records':>9}{'CPU s':>9}{'least':>9}{'records/CPU s':>15}"]
    for name, of_it in runs.items():
        seconds = sorted(run.seconds for run in of_it)
        median = statistics.median(seconds)
        lines.append(
            f"{name:16}{of_it[0].records:9}{median:9.3f}{seconds[0]:9.3f}"
            f"{of_it[0].records / median:15.0f}"
        )
    return "\n".join(lines)


def made_file(folder: Path) -> Path:
    """A large file of the catalogue's records, over and over."""
    from services.ncbi_sim.catalogue import load_catalogue  # noqa: PLC0415  not measured
    from services.ncbi_sim.pubmed_xml import pubmed_article  # noqa: PLC0415
    from services.ncbi_sim.settings import PACKAGED_CATALOGUE  # noqa: PLC0415
    from services.ncbi_sim.timeline import Timeline  # noqa: PLC0415
    from shared.clock import system_clock  # noqa: PLC0415

    view = Timeline(load_catalogue(PACKAGED_CATALOGUE)).at(system_clock())
    records = [etree.tostring(pubmed_article(record)) for record in view.records]
    path = folder / "made.xml.gz"
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(b"<PubmedArticleSet>\n")
        for number in range(MADE_RECORDS):
            out.write(records[number % len(records)] + b"\n")
        out.write(b"</PubmedArticleSet>\n")
    return path


def main(arguments: list[str]) -> int:
    """Measure, print, and say with the exit code whether the floors hold."""
    if arguments[:1] == ["--one"]:
        CONTENDERS[arguments[1]](Path(arguments[2]))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        given = Path(arguments[0]) if arguments else RECORDED
        path = given if arguments or given.exists() else made_file(Path(folder))
        if not path.exists():
            raise ConfigurationError(f"{path}: no such file; give PubMed XML, or nothing")
        runs = compare(path)
    reached = ratios(runs)
    sys.stdout.write(f"{path.name}\n{_table(runs)}\n")
    for name, floor in FLOORS.items():
        sys.stdout.write(f"{reached[name]:.2f} times {name} (floor {floor})\n")
    return 0 if all(reached[name] >= floor for name, floor in FLOORS.items()) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
