"""`carillon demo --serve`: the demo's pages stay up after the fortnight, and its days go on.

Time passes as it does outside, or a day at once when the reader asks for it. Mails are written
to files, and told on the screen with where they lead, so that their links can be followed.
"""

import asyncio
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

from services.console.demo import MAIL, World
from services.console.scenario import DIGEST_HOUR
from services.notifier.web.app import make_web
from shared.loops import every
from shared.serving import served

TICK = timedelta(seconds=0.5)
_LEADS = re.compile(r"https?://[^\s/]+/(?:confirm|manage|digests)\b[^\s>]*")


class Evening:
    """The time after the fortnight. `tell` is given each line for the screen."""

    def __init__(self, world: World, tell: Callable[[str], None]) -> None:
        self._world = world
        self._tell = tell
        self._seen = set(self._mails())
        self.tomorrow = asyncio.Event()

    async def step(self) -> None:
        """Live through a moment, or until tomorrow's digests where that was asked for."""
        hand = self._world.hand
        if self.tomorrow.is_set():
            self.tomorrow.clear()
            await self._world.live_through(next_noon(hand.now))
            self._tell(f"{hand.now:%A %d %B %Y, %H:%M} UTC")
        else:
            await self._world.live_through(hand.now + TICK)
        self._tell_mails()

    def _mails(self) -> list[Path]:
        return sorted((self._world.demo.out / MAIL).glob("*.eml"))

    def _tell_mails(self) -> None:
        for path in self._mails():
            if path not in self._seen:
                self._seen.add(path)
                self._tell(told(path.read_bytes()))
                self._tell(f"    {path}")


def next_noon(now: datetime) -> datetime:
    """The next instant by which a day's digests are due."""
    noon = datetime.combine(now.date(), DIGEST_HOUR)
    return noon if noon > now else noon + timedelta(days=1)


def told(content: bytes) -> str:
    """A mail in two lines: to whom, its subject, and where on our pages it leads."""
    mail = message_from_bytes(content, policy=policy.default)
    body = mail.get_body(("plain",))
    leads = _LEADS.search(body.get_content()) if body else None
    return f"  mail to {mail['To']}: {mail['Subject']}" + (f"\n    {leads[0]}" if leads else "")


async def serve_evening(world: World, port: int, tell: Callable[[str], None]) -> None:
    """Serve the pages on `port` of this machine until SIGINT or SIGTERM; Enter brings a new day.

    Raises:
        ConfigurationError: the port is taken.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    evening = Evening(world, tell)
    async with served(make_web(world.house), "127.0.0.1", port):
        tell(f"Readers' pages: {world.demo.public_url}")
        tell("Enter: on to the next day. Ctrl-C: the end.")
        with _at_enter(evening.tomorrow.set):
            await every("demo", TICK.total_seconds(), evening.step, stop)


@contextmanager
def _at_enter(do: Callable[[], None]) -> Iterator[None]:
    """Call `do` at each line on standard input, where there is one to wait for."""
    loop, source = asyncio.get_running_loop(), sys.stdin

    def read() -> None:
        if source.readline():
            do()
        else:
            loop.remove_reader(source)

    try:
        loop.add_reader(source, read)
    except (OSError, ValueError):  # a file, /dev/null, or closed: nothing will ever come
        yield
        return
    try:
        yield
    finally:
        loop.remove_reader(source)
