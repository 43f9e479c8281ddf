"""The stand-in as a process of its own: `python -m tests.bench.year_standin FOLDER`.

It serves the generated catalogue by the clock file, with a share of all answers faulty, and
writes its URL to stdout.
"""

import json
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from services.ncbi_sim.app import create_app
from services.ncbi_sim.faults import Rule
from services.ncbi_sim.generate import Generated, generated
from shared.clock import file_clock
from tests.bench.year_poller import CLOCK

STANDIN = "standin.json"
SLOW_SECONDS = 2.0
"""A slow answer comes after the poller has hung up."""


@dataclass(frozen=True)
class World:
    """What PubMed holds, and how often it fails."""

    seed: int
    articles: int
    days: int
    faults: float
    late_matches: int = 0

    def pubmed(self) -> Generated:
        return generated(self.seed, self.articles, self.days, self.late_matches)

    def rules(self) -> list[Rule]:
        """A share of all requests fails, each time in another of all the ways that fit it."""
        if not self.faults:
            return []
        return [
            Rule(endpoint="*", kind="any", rate=self.faults, seed=self.seed, seconds=SLOW_SECONDS)
        ]


def main() -> None:
    folder = Path(sys.argv[1])
    world = World(**json.loads((folder / STANDIN).read_text(encoding="utf-8")))
    app = create_app(
        world.pubmed().catalogue,
        now=file_clock(folder / CLOCK),
        faults=world.rules(),
        rate_limit=False,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        sys.stdout.write(f"http://127.0.0.1:{port}/entrez/eutils/\n")
        sys.stdout.flush()
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        server.run(sockets=[listener])


if __name__ == "__main__":
    main()
