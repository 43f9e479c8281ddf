"""Where one article is looked for: the stores of an installation, its archive and its parkings."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.settings import Settings
from services.console.stores import (
    Stores,
    deployed_stores,
    opened_before,
)
from services.console.trace.facts import Gap
from shared.database import make_engine
from shared.errors import CarillonError, ConfigurationError
from shared.migrate import upgrade

Found = TypeVar("Found")


@dataclass(frozen=True)
class Asked:
    """Which article, in which topic (all where none is named), and of which installation.

    `state` is the folder of an embedded one; without it the deployment's, where the settings name
    one.
    """

    pmid: int
    topic: str | None
    state: Path | None
    now: datetime


@dataclass(frozen=True)
class Places:
    """The opened stores; `bus` is the file of the embedded mode's, a deployment has none.

    What could not be looked at gathers in `gaps`, with the reason.
    """

    stores: Stores
    bus: AsyncEngine | None
    gaps: list[Gap] = field(default_factory=list)

    async def look(self, place: str, there: Callable[[], Awaitable[Found]]) -> Found | None:
        """What is there; of a place that cannot be looked at None, and a gap."""
        try:
            return await there()
        except CarillonError as fault:
            self.gaps.append(Gap(place, str(fault)))
        except Exception as fault:  # noqa: BLE001  whatever it is, the other places are told
            self.gaps.append(Gap(place, f"it cannot be read ({type(fault).__name__})"))
        return None

    @property
    def told_gaps(self) -> tuple[Gap, ...]:
        """The gaps; places that cannot be looked at for one reason are one."""
        whys: dict[str, list[str]] = {}
        for gap in self.gaps:
            whys.setdefault(gap.why, []).append(gap.place)
        return tuple(Gap(", ".join(places), why) for why, places in whys.items())


@asynccontextmanager
async def opened_places(settings: Settings, asked: Asked) -> AsyncIterator[Places]:
    """The stores of the deployment that the settings name, unless a folder is asked for.

    Raises:
        ConfigurationError: there is neither.
    """
    async with AsyncExitStack() as stack:
        if asked.state is None and (settings.database_url or settings.amqp_url):
            stores = deployed_stores(_database(settings))
            stack.push_async_callback(stores.close)
            yield Places(stores, None)
            return
        folder = asked.state or settings.state
        if not opened_before(folder):
            raise ConfigurationError(
                f"nothing in {folder}/ yet: name the folder with --state, or set "
                "CARILLON_DATABASE_URL and CARILLON_AMQP_URL for a deployment"
            )
        engines = {name: await _existing(folder, name, stack) for name in FILES}
        bus = engines.pop("bus")
        yield Places(Stores(**engines), bus)


def _database(settings: Settings) -> str:
    """Never half of a deployment and half of what is in a folder here."""
    if settings.database_url is None:
        raise ConfigurationError(
            "CARILLON_AMQP_URL is set, and CARILLON_DATABASE_URL is not: set it too, or name the "
            "folder of an embedded installation with --state"
        )
    return settings.database_url.get_secret_value()


FILES = ("poller", "classifier", "notifier", "bus")


async def _existing(folder: Path, name: str, stack: AsyncExitStack) -> AsyncEngine:
    """A file of the embedded mode, brought up to date; one that is missing is not made.

    An empty one in its place would tell that there is nothing. So each look at it is a gap.
    """
    file = folder / f"{name}.db"
    engine = make_engine(f"sqlite+aiosqlite:///file:{quote(str(file))}?mode=rw&uri=true")
    stack.push_async_callback(engine.dispose)
    if file.exists():
        with suppress(Exception):  # one that is damaged is a gap wherever it is looked at
            await upgrade(engine, "console" if name == "bus" else name)
    return engine
