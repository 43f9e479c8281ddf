"""Which synchronous standbys PostgreSQL waits for with each commit, and which of them follow it.

Asked for as anybody may: `synchronous_standby_names` is readable, and `pg_stat_replication` shows
to every role who follows under which name. How far each is takes `pg_read_all_stats`, which a
service's role has not; one that catches up counts as following. That there should be a standby at
all says the database's URL: it names the hosts of both.
See https://www.postgresql.org/docs/17/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

_COUNTED = re.compile(r"\s*(?:(?:first|any)\s+)?(\d+)\s*\((.*)\)\s*", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r'"((?:[^"]|"")*)"|([^\s,"]+)')


@dataclass(frozen=True, slots=True)
class Standbys:
    """`wanted`: how many a commit waits for, 0 where none is set up; `following`: how many do.

    `others`: how many servers the URL names beside one.
    """

    wanted: int = 0
    following: int = 0
    others: int = 0

    @property
    def missing(self) -> int:
        """How many are too few: while it is not 0, commits wait."""
        return max(0, self.wanted - self.following)

    @property
    def is_one_disk(self) -> bool:
        """Whether commits wait for nobody, though there is to be another server."""
        return self.others > 0 and self.wanted == 0


def counted(setting: str, followers: Collection[str]) -> Standbys:
    """What `synchronous_standby_names` wants, and how many of the `followers` it names.

    Its forms are `a, b`, `N (a, b)`, `FIRST N (a, b)` and `ANY N (a, b)`; `*` is every name, and
    names are compared without regard to case. See
    https://www.postgresql.org/docs/17/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES
    """
    found = _COUNTED.fullmatch(setting)
    listed = _NAME.findall(found[2] if found else setting)
    named = {(quoted.replace('""', '"') or bare).lower() for quoted, bare in listed}
    if not named:
        return Standbys()
    there = [one for one in followers if "*" in named or one.lower() in named]
    return Standbys(int(found[1]) if found else 1, len(there))


async def read_standbys(connection: AsyncConnection) -> Standbys:
    """What the server says now; none are wanted where the database is SQLite."""
    if connection.dialect.name != "postgresql":
        return Standbys()
    setting = await connection.scalar(_SETTING)
    found = counted(str(setting or ""), (await connection.scalars(_FOLLOWERS)).all())
    hosts = connection.engine.url.query.get("host", ())
    return replace(found, others=0 if isinstance(hosts, str) else max(0, len(hosts) - 1))


_SETTING = sa.text(
    "SELECT CASE WHEN pg_is_in_recovery() THEN '' "  # who follows himself commits nothing
    "ELSE current_setting('synchronous_standby_names') END"
)
_FOLLOWERS = sa.text("SELECT application_name FROM pg_stat_replication")
