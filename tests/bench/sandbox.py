"""How long the sandbox takes for a fortnight, and whether twice gives the same bytes.

    python -m tests.bench.sandbox [EVENTS] [FILE]

A fortnight of EVENTS (5,000) of the poller's is invented, with the classifier's answers beside
them, or FILE of `carillon record` is taken. It is replayed twice, each time in a process of its own
with another PYTHONHASHSEED and TZ, which ends at the first use of a socket. Exit code 1 when the
folders differ, an event could not be replayed, or a run takes more than a minute of a processor's
time: it uses one, and what else a machine does is not its own.
"""

import hashlib
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.fortnight import entries, fortnight, write_file

EVENTS = 5_000
SECONDS = 60.0
SURROUNDINGS = (
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8"},
)


class Took(NamedTuple):
    """Seconds that a replay took: by the clock on the wall, and of a processor."""

    wall: float
    processor: float


def replayed(file: Path, out: Path, surroundings: dict[str, str]) -> Took:
    """What a replay of the file took, in a process of its own, from nothing to its end."""
    start, before = time.monotonic(), _used()
    subprocess.run(
        [sys.executable, "-m", "tests.bench.sandbox_alone", str(file), str(out)],
        check=True,
        env=os.environ | surroundings,  # noqa: TID251  a process' whole surroundings
    )
    return Took(time.monotonic() - start, _used() - before)


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tree(folder: Path) -> dict[str, str]:
    """Every file below, and the SHA-256 of its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def main() -> int:
    """Measure, compare, and say so."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with TemporaryDirectory(prefix="carillon-bench-") as scratch:
        file = Path(sys.argv[2]) if len(sys.argv) > 2 else _made(Path(scratch), events)
        outs = [Path(scratch) / f"out-{n}" for n in range(len(SURROUNDINGS))]
        took = [replayed(file, out, env) for out, env in zip(outs, SURROUNDINGS, strict=True)]
        one, other = map(tree, outs)
    different = sorted(name for name in one | other if one.get(name) != other.get(name))
    for run in took:
        say(f"{run.processor:.1f} s of a processor, {run.wall:.1f} s by the clock")
    say(f"{len(one)} files")
    say(f"different: {different[:10]}" if different else "the same bytes")
    return int(bool(different) or max(run.processor for run in took) > SECONDS)


def say(line: str) -> None:
    """A line of the result, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _made(folder: Path, events: int) -> Path:
    found = entries(fortnight(events, recorded=True))
    write_file(folder / "events.jsonl", found)
    size = (folder / "events.jsonl").stat().st_size
    say(f"{len(found)} entries, {size / 1e6:.1f} MB")
    return folder / "events.jsonl"


if __name__ == "__main__":
    sys.exit(main())
