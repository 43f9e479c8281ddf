"""Faults of the database itself."""

from collections.abc import Callable, Iterator

from tests.chaos.engine_postgres import PostgresEngine
from tests.chaos.field import Field
from tests.chaos.kinds import Detail, Kind, nothing, rng
from tests.chaos.schedule import Fault, Sort

LANE = "database"

TABLES = (
    "poller.outbox",
    "classifier.inbox",
    "classifier.outbox",
    "classifier.classifications",
    "notifier.inbox",
    "notifier.articles",
    "notifier.ledger",
    "notifier.digests",
)
"""What others wait for while it is locked; a table that is not there is nobody's."""


def _away(name: str) -> Sort:
    return Sort(name, LANE, least=1.0, most=6.0, heavy=True, rest=3.0)


def _of(act: Callable[[PostgresEngine], None]) -> Callable[[Field, Fault], Detail]:
    def begin(where: Field, fault: Fault) -> Detail:
        act(where.postgres)
        return {}

    return begin


def _start(where: Field) -> None:
    where.postgres.start()


def _heal(where: Field) -> None:
    where.postgres.heal(where.database)


def _limited(where: Field, fault: Fault) -> Detail:
    most = rng(fault).randrange(0, 3)
    where.postgres.limit_connections(where.database, most)
    where.postgres.terminate_all()
    return {"most": most}


def _locked(where: Field, fault: Fault) -> Detail:
    table = rng(fault).choice(TABLES)
    where.postgres.lock(where.database, table)
    return {"table": table}


def database() -> Iterator[Kind]:
    """Stopped, crashed, killed, frozen, read-only, full, locked, or rid of its clients."""
    yield Kind(_away("database-stopped"), _of(PostgresEngine.stop), _start)
    yield Kind(_away("database-crashed"), _of(PostgresEngine.crash), _start)
    yield Kind(_away("database-killed"), _of(PostgresEngine.kill), _start)
    yield Kind(
        _away("database-frozen"),
        _of(PostgresEngine.freeze),
        lambda where: where.postgres.thaw(),
    )
    yield Kind(
        _away("database-disk-full"),
        _of(PostgresEngine.fill_disk),
        _heal,
    )
    yield Kind(
        Sort("database-clients-ended", LANE, 0.1, 0.5, 3),
        _of(PostgresEngine.terminate_all),
        nothing,
    )
    yield Kind(Sort("database-read-only", LANE, 2, 6, 2), _of(PostgresEngine.read_only), _heal)
    yield Kind(Sort("database-connections-limited", LANE, 2, 6), _limited, _heal)
    yield Kind(
        Sort("database-locked", LANE, 1, 5, 2), _locked, lambda where: where.postgres.unlock()
    )
