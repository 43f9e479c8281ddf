"""The sandbox in a process of its own, which ends when anything asks for the network.

python -m tests.bench.sandbox_alone FILE OUT
"""

import asyncio
import resource
import sys
from functools import partial
from pathlib import Path

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.archive.lines import read_file
from services.console.replay.sandbox.run import Options, run_sandbox
from services.console.replay.selection import Selection
from shared.logs import configure_logging

FORBIDDEN = frozenset(
    {
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
    }
)


def refuse(event: str, _arguments: object) -> None:
    """An audit hook (https://docs.python.org/3/library/audit_events.html)."""
    if event in FORBIDDEN:
        sys.stderr.write(f"a sandbox asked for the network: {event}\n")
        sys.stderr.flush()
        raise SystemExit(3)


async def main(file: Path, out: Path) -> int:
    """Replay a file without a network; 1 when something could not be replayed."""
    options = Options(load_taxonomy(TAXONOMY))
    report = await run_sandbox(partial(read_file, file), Selection(), out, options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    fed = sum(report.fed.values())
    sys.stdout.write(f"{fed} fed, {len(report.digests)} digests, {peak:.0f} MB at most\n")
    return int(not report.is_whole)


if __name__ == "__main__":
    configure_logging("sandbox", as_json=False, level=30)
    sys.addaudithook(refuse)
    sys.exit(asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]))))
