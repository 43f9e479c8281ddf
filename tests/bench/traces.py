"""What it costs to tell traces: the line on RabbitMQ and PostgreSQL, with a collector and without.

    python -m tests.bench.traces [--articles 2000] [--rounds 5] [--ceiling 1.6]

Needs Docker. Two lines as deployed (`tests.bench.line`), turn about on the same engines; one tells
every span to a collector that takes everything. Compared is what poller and classifier need of a
processor for an article, as a machine that does other things meanwhile shows it too. Exit code 1
when the median ratio is above the ceiling, or a span was lost.
"""

import argparse
import asyncio
import statistics
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.request import urlopen

from tests.bench.line import FIRST, WARM, Engines, Round, _round, _say
from tests.bench.line_stage import Line, open_line
from tests.parts import start_postgres, start_rabbit


class _Sink(BaseHTTPRequestHandler):
    """Takes what comes, and does not look at it."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def _sink() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Sink) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def main() -> None:
    """Measure, and say whether the limit is kept."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    words.add_argument("--articles", type=int, default=2_000)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--ceiling", type=float, default=1.6)
    given = words.parse_args()
    with start_rabbit() as rabbit, start_postgres() as postgres, _sink() as sink:
        held = asyncio.run(_measure(Engines(rabbit, postgres), sink, given))
    sys.exit(0 if held else 1)


async def _measure(engines: Engines, sink: str, given: argparse.Namespace) -> bool:
    async with AsyncExitStack() as stack:
        lines = {
            way: await stack.enter_async_context(
                open_line("outbox", engines.rabbit, engines.postgres, collector)
            )
            for way, collector in (("off", ""), ("on", sink))
        }
        for line in lines.values():
            await _round(engines, line, FIRST - WARM, WARM)
        ratios = []
        for number in range(given.rounds):
            first = FIRST + number * given.articles
            both = {w: await _round(engines, x, first, given.articles) for w, x in lines.items()}
            for way, one in both.items():
                _say(one.told(way))
            ratios.append(_services(both["on"]) / _services(both["off"]))
            _say(f"ratio  {ratios[-1]:7.2f}")
        await asyncio.sleep(2)
        lost = _lost(lines["on"])
    ratio = statistics.median(ratios)
    _say(f"ratio min {min(ratios):.2f} median {ratio:.2f} max {max(ratios):.2f}; lost {lost:.0f}")
    return ratio <= given.ceiling and not lost


def _services(one: Round) -> float:
    return (one.cpu["poller"] + one.cpu["classifier"]) / one.articles


def _lost(line: Line) -> float:
    lost = 0.0
    for worker in (line.poller, line.classifier):
        with urlopen(f"http://127.0.0.1:{worker.port}/metrics", timeout=5) as answer:
            for told in answer.read().decode().splitlines():
                if told.startswith("carillon_spans_total") and '"sent"' not in told:
                    lost += float(told.rpartition(" ")[2])
    return lost


if __name__ == "__main__":
    main()
