"""How fast a past is compared with today's classifier, and what memory that takes.

    python -m tests.bench.diffing [--articles N ...] [--subscriptions N]

The articles are the real records beside a checkout that has them, with the labelled examples; else
the demo's. For more than there are, the same come again under other PMIDs. Each is an
`article.discovered` and an `article.classified` in a file of `carillon record`, a minute after the
one before; each size is a process of its own. Exit code 1 when an unchanged taxonomy differs in
anything, or one in which a label lost its words in nothing.
"""

import argparse
import asyncio
import gzip
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from pydantic import SecretStr
from pydantic_core import from_json

from services.classifier.classify import classify
from services.classifier.handlers import classified
from services.classifier.lines import read_line
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import Taxonomy, load_taxonomy
from services.console.archive.lines import Writer, read_file
from services.console.archive.recorded import envelop
from services.console.demo_articles import demo_articles
from services.console.diff.run import Asked, run
from services.console.diff.sides import by_rules
from services.console.diff.spool import open_spool
from services.console.replay.selection import Selection
from services.notifier.subscription import Filters, Subscription
from services.poller.parse import parse_records
from shared.article import Article
from shared.events import ArticleDiscovered, CloudEvent
from tests.builders import NOON, discovered

SHARED = Path(__file__).parents[3] / "shared"
SILENT = "sle"
"""The label that loses its words."""


def articles() -> list[Article]:
    """The distinct articles that are at hand."""
    found: dict[int, Article] = {}
    for path in sorted(SHARED.glob("eutils/**/*.xml*")):
        content = path.read_bytes()
        whole = gzip.decompress(content) if path.suffix == ".gz" else content
        if b"<PubmedArticleSet" in whole:
            found |= {one.pmid: one for one in parse_records(whole).articles}
    gold = SHARED / "gold" / "dev.jsonl"
    lines = gold.read_bytes().splitlines() if gold.exists() else []
    examples = [read_line(line).article for line in lines]
    return [*found.values(), *examples] or list(demo_articles())


def _events(kept: Sequence[Article], number: int) -> Iterator[CloudEvent]:
    taxonomy = load_taxonomy(TAXONOMY)
    for n in range(number):
        article = kept[n % len(kept)].model_copy(update={"pmid": 60000000 + n})
        at = NOON + timedelta(minutes=n)
        found = discovered(article=article, discovered_at=at, relatedness=n % 100 / 100)
        cause = ArticleDiscovered.model_validate(found.model_copy(update={"time": at}).model_dump())
        yield cause
        yield classified(cause, classify(article, taxonomy), at)


def _write(path: Path, events: Iterator[CloudEvent]) -> None:
    writer = Writer()
    with path.open("wb") as file:
        file.write(writer.header())
        for position, event in enumerate(events, 1):
            entry = envelop(position, event.encode())
            file.write(writer.line(entry, from_json(entry.body)))
        file.write(writer.trailer())


def _planted() -> Taxonomy:
    silent: dict[str, tuple[str, ...]] = {"strong": (), "patterns": (), "weak": (), "mesh": ()}
    whole = load_taxonomy(TAXONOMY)
    labels = [one.model_copy(update=silent) if one.id == SILENT else one for one in whole.labels]
    return whole.model_copy(update={"labels": tuple(labels)})


def _readers(number: int) -> list[Subscription]:
    wishes = (Filters(), Filters(disease=frozenset({SILENT})), Filters(scope=frozenset({"core"})))
    return [
        Subscription(
            id=f"reader-{n}", topic="car-autoimmune", address=SecretStr("a@example.org"),
            cadence=("daily", "weekly", "monthly")[n % 3], filters=wishes[n // 3 % 3],
            created_at=NOON, confirmed_at=NOON,
        )
        for n in range(number)
    ]  # fmt: skip


async def _compare(path: Path, taxonomy: Taxonomy, readers: list[Subscription]) -> tuple[str, bool]:
    start, spent = time.monotonic(), time.process_time()
    with open_spool() as spool:
        asked = Asked(Selection(), None, by_rules(taxonomy), lambda _: readers)
        tally = (await run(partial(read_file, path), asked, spool)).tally
    seconds, spent = time.monotonic() - start, time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = (
        f"{tally.compared} articles, {tally.differing} differ, {tally.digests} digests of "
        f"{len(tally.readers)} of {len(readers)} readers: {tally.compared / spent:.0f} articles a "
        f"CPU second ({spent:.1f} s; {seconds:.1f} s by the clock), {peak:.0f} MB at most"
    )
    return told, tally.changed


def main(words: Sequence[str]) -> int:
    """Measure each size in a process of its own, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--articles", type=int, nargs="*", default=[])
    parser.add_argument("--subscriptions", type=int, default=30)
    parser.add_argument("--one", nargs=2)
    asked = parser.parse_args(words)
    readers = _readers(asked.subscriptions)
    if asked.one:
        is_planted = asked.one[1] == "planted"
        taxonomy = _planted() if is_planted else load_taxonomy(TAXONOMY)
        told, changed = asyncio.run(_compare(Path(asked.one[0]), taxonomy, readers))
        sys.stdout.write(told)
        return 0 if changed is is_planted else 1
    kept, missed = articles(), 0
    sys.stdout.write(f"{len(kept)} distinct articles\n")
    with tempfile.TemporaryDirectory(prefix="carillon-bench-") as folder:
        path = Path(folder) / "events.jsonl"
        for number in asked.articles or [len(kept)]:
            _write(path, _events(kept, number))
            for name in ("unchanged", "planted"):
                here = [sys.executable, "-m", "tests.bench.diffing", "--one", str(path), name]
                here += ["--subscriptions", str(asked.subscriptions)]
                done = subprocess.run(here, stdout=subprocess.PIPE, text=True, check=False)
                missed |= done.returncode
                sys.stdout.write(f"{name:10} {done.stdout}{'   MISSED' * done.returncode}\n")
                sys.stdout.flush()
    return missed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
