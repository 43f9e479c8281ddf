"""The three services' stores, as the console opens them: files of its own, or one PostgreSQL."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import STATEMENT_SECONDS, make_engine
from shared.migrate import upgrade


@dataclass(frozen=True)
class Stores:
    """One engine per service; on PostgreSQL it is the same one, with a schema for each."""

    poller: AsyncEngine
    classifier: AsyncEngine
    notifier: AsyncEngine

    async def migrate(self) -> None:
        """Bring every store to the newest tables."""
        for service in ("poller", "classifier", "notifier"):
            await upgrade(getattr(self, service), service)

    async def close(self) -> None:
        """Close all connections."""
        for engine in {self.poller, self.classifier, self.notifier}:
            await engine.dispose()


def embedded_url(state: Path, name: str) -> str:
    """The SQLite file of one service under `state`."""
    return f"sqlite+aiosqlite:///{state}/{name}.db"


def embedded_stores(state: Path) -> Stores:
    """SQLite files under `state`; a new folder is closed to others, for readers' addresses."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Stores(
        *(make_engine(embedded_url(state, name)) for name in ("poller", "classifier", "notifier"))
    )


def opened_before(state: Path) -> bool:
    """Whether the embedded mode has ever run on this folder."""
    return (state / "poller.db").exists()


def deployed_stores(url: str, statement_seconds: float | None = STATEMENT_SECONDS) -> Stores:
    """The stores of a deployment, all in one PostgreSQL database; see `make_engine`."""
    engine = make_engine(url, statement_seconds)
    return Stores(engine, engine, engine)
