"""The stand-in as a process of its own: `python -m tests.bench.year_standin FOLDER`.

It serves the generated catalogue by the clock file, with a share of all answers faulty, and
writes its URL to stdout.
"""

import json
import socket
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import uvicorn

from services.ncbi_sim.app import create_app
from services.ncbi_sim.faults import Kind, Rule
from services.ncbi_sim.generate import Generated, generated
from shared.clock import file_clock
from tests.bench.year_poller import CLOCK

STANDIN = "standin.json"
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class World:
    """What PubMed holds, and how often it fails."""

    seed: int
    articles: int
    days: int
    faults: float

    def pubmed(self) -> Generated:
        return generated(self.seed, self.articles, self.days)

    def rules(self) -> list[Rule]:
        """One rule for each kind of fault, by which all together hit the wanted share."""
        if not self.faults:
            return []
        rate = self.faults / len(KINDS)
        return [
            Rule(endpoint="*", kind=kind, rate=rate, seed=self.seed * 1_000 + number)
            for number, kind in enumerate(KINDS)
        ]


def faults_fired(rules: Iterable[Rule], requests: int) -> Counter[str]:
    """Which faults so many requests met: of several rules that hit, the first counts."""
    each = list(rules)
    fired = (
        next((rule.kind for rule in each if rule.hits(number)), None)
        for number in range(1, requests + 1)
    )
    return Counter(kind for kind in fired if kind)


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
