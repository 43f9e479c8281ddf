"""How long the sandbox takes for a fortnight, and whether twice gives the same bytes.

    python -m tests.bench.sandbox [EVENTS] [FILE]

A fortnight of EVENTS (5,000) of the poller's is invented, with the classifier's answers beside
them, or FILE of `carillon record` is taken. It is replayed twice, each time in a process of its own
with another PYTHONHASHSEED and TZ, which ends at the first use of a socket. Exit code 1 when the
folders differ, an event could not be replayed, or a run takes more than a minute.
"""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fortnight import entries, fortnight, write_file

EVENTS = 5_000
SECONDS = 60.0
SURROUNDINGS = (
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8"},
)


def replayed(file: Path, out: Path, surroundings: dict[str, str]) -> float:
    """Seconds of a replay of the file, in a process of its own."""
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "tests.bench.sandbox_alone", str(file), str(out)],
        check=True,
        env=os.environ | surroundings,  # noqa: TID251  a process' whole surroundings
    )
    return time.monotonic() - start


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
    say(f"seconds: {', '.join(f'{seconds:.1f}' for seconds in took)}; files: {len(one)}")
    say(f"different: {different[:10]}" if different else "the same bytes")
    return int(bool(different) or max(took) > SECONDS)


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
