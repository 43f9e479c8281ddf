"""PostgreSQL 17 that keeps its data and its port, and what can happen to it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.chaos.containers import Container, docker, free_port, until

IMAGE = "postgres:17"
DATA = "/var/lib/postgresql/data"
FILL = f"{DATA}/filled-by-chaos"
USER = "carillon"
"""The services' role: no superuser, so that limits hold for it."""
LOCKER = "chaos-lock"


@dataclass(frozen=True)
class PostgresEngine:
    """The database server. Its data lie on a disk of `disk_mb` of its own, which can be filled.

    What returns has had its effect; what starts it returns when it answers.
    """

    container: Container
    holder: Container
    disk_mb: int

    def url(self, database: str, port: int | None = None) -> str:
        """Where a database is; `port` is a proxy's, if one is between."""
        where = f"127.0.0.1:{port or self.container.port}"
        return f"postgresql+asyncpg://{USER}:{USER}@{where}/{database}"

    def new_database(self, name: str) -> None:
        """A database that belongs to the services' role."""
        self.sql(f'CREATE DATABASE "{name}" OWNER {USER}')

    # --- being away ---

    def stop(self) -> None:
        """Stop it in an orderly way: clients are disconnected (SIGINT, a fast shutdown)."""
        self.container.kill("INT")

    def crash(self) -> None:
        """An immediate shutdown: no checkpoint, clients are cut, recovery at the next start."""
        self.container.kill("QUIT")

    def kill(self) -> None:
        """SIGKILL."""
        self.container.kill()

    def start(self) -> None:
        """Start it; returns when it takes connections. One that fails to recover is tried again."""

        def answers() -> bool:
            self.container.begin()
            return self.answers()

        until(answers, 60, "PostgreSQL answers")

    def freeze(self) -> None:
        """Stand still with open connections, as a machine that is swapped out."""
        self.container.freeze()

    def thaw(self) -> None:
        """Go on."""
        self.container.thaw()

    def terminate_all(self) -> None:
        """End every connection of the services (57P01), as an operator or a failover does."""
        self.sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{USER}'"  # noqa: S608  our own word
        )

    # --- answering, but not as usual ---

    def read_only(self) -> None:
        """Refuse every write (25006), as the old primary does after a failover."""
        self.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        self.sql("SELECT pg_reload_conf()")

    def limit_connections(self, database: str, most: int = 1) -> None:
        """Take no more than so many connections to a database (53300); those that are open stay."""
        self.sql(f'ALTER DATABASE "{database}" CONNECTION LIMIT {most}')

    def lock(self, database: str, table: str, most: float = 60) -> None:
        """Hold a table, so that nobody can even read it, until `unlock` or `most` seconds."""
        command = f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({most})"
        named = ("--env", f"PGAPPNAME={LOCKER}")
        docker("exec", "--detach", *named, self.container.name, *_psql(database, command))

    def unlock(self) -> None:
        """Let every table go."""
        self._end(f"application_name = '{LOCKER}'")

    def _end(self, whose: str) -> None:
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {whose}")  # noqa: S608  our own words

    def fill_disk(self) -> None:
        """Leave no byte free where the data and the WAL are: 53100 on growth, a panic on WAL."""
        # cat runs until there is no room; what it says then is no fault of ours.
        self.container.run(
            "sh", "-c", f"cat /dev/zero > {FILL} 2>/dev/null; true", check=False, seconds=120
        )

    def free_disk(self) -> None:
        """Give the room back; by the holder, since the server may have ended meanwhile."""
        self.holder.run("rm", "-f", FILL)

    def heal(self, *databases: str) -> None:
        """Whatever was done to it: running, answering, writable, with room and connections."""
        self.free_disk()
        self.container.thaw()
        self.start()
        self.sql("ALTER SYSTEM RESET default_transaction_read_only")
        self.sql("SELECT pg_reload_conf()")
        for database in databases:
            self.limit_connections(database, -1)

    # --- looking ---

    def answers(self) -> bool:
        """Whether it takes connections over TCP."""
        return self.container.run(*_psql("postgres", "SELECT 1"), check=False).strip() == "1"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement as the superuser; what psql prints, without frames."""
        return self.container.run(*_psql(database, statement)).strip()


def _psql(database: str, statement: str) -> list[str]:
    return [
        "env", "PGPASSWORD=postgres", "PGOPTIONS=-c default_transaction_read_only=off",
        "psql", "--host=127.0.0.1", "--username=postgres", f"--dbname={database}", "--no-psqlrc",
        "--tuples-only",        "--no-align", "--set=ON_ERROR_STOP=1", f"--command={statement}",
    ]  # fmt: skip


@contextmanager
def postgres_engine(
    name: str = "carillon-fire-postgres", disk_mb: int = 1024
) -> Iterator[PostgresEngine]:
    """A server while the block runs; the name gets a few letters of its own.

    Its disk is a tmpfs volume. A second container holds it mounted, or it would be empty after
    each stop. A tmpfs forgets nothing when a process is killed; a power failure is not tried.
    """
    name = f"{name}-{secrets.token_hex(3)}"
    volume, holder = f"{name}-disk", Container(f"{name}-disk", 0)
    engine = PostgresEngine(Container(name, free_port()), holder, disk_mb)
    tmpfs = ("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", f"o=size={disk_mb}m")
    mount = f"{volume}:{DATA}"
    docker("volume", "create", "--driver", "local", *tmpfs, volume)
    try:
        docker(
            "run", "--detach", "--name", holder.name, "--volume", mount,
            "--entrypoint", "sleep", IMAGE, "infinity",
        )  # fmt: skip
        docker(
            "run", "--detach", "--name", name, "--shm-size=128m", "--volume", mount,
            "--publish", f"127.0.0.1:{engine.container.port}:5432",
            "--env", "POSTGRES_PASSWORD=postgres", "--env", f"PGDATA={DATA}/here", IMAGE,
            "-c", "max_connections=200", "-c", "max_wal_size=128MB",
        )  # fmt: skip
        _await_first_start(engine)
        engine.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{USER}'")
        yield engine
    finally:
        engine.container.remove()
        holder.remove()
        docker("volume", "rm", "--force", volume, check=False)


def _await_first_start(engine: PostgresEngine) -> None:
    """While it makes its data folder it answers on its socket only, and then starts again."""
    until(engine.answers, 90, "PostgreSQL answers")
