"""PostgreSQL: whether each account comes in, finds its tables, and may use them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.console.doctor.codes import Code
from services.console.doctor.finding import Finding, Told, Unchecked
from shared.standbys import Standbys

Fault = Literal["url", "unreachable", "login", "name", "tls"]

_CODES: Mapping[Fault, Code] = {
    "url": Code.DATABASE_URL,
    "unreachable": Code.DATABASE_UNREACHABLE,
    "login": Code.DATABASE_LOGIN,
    "name": Code.DATABASE_NAME,
    "tls": Code.DATABASE_TLS,
}


@dataclass(frozen=True, slots=True)
class Database:
    """What those with one URL found; `fault` and `words` where they did not come in.

    `versions` is the migration of each schema, None without one; `lacks` what the account may
    not do in it, `standbys` whom the server waits for with each commit.
    """

    who: tuple[str, ...]
    fault: Fault | None = None
    words: str = ""
    is_read_only: bool = False
    versions: Mapping[str, str | None] = field(default_factory=dict)
    lacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    standbys: Standbys = field(default_factory=Standbys)


def judge(facts: Database, known: Mapping[str, Sequence[str]]) -> Told:
    """`known` are the migrations of each schema that the code has, the newest first."""
    about = ", ".join(facts.who)
    if facts.fault:
        return [
            Finding(_CODES[facts.fault], about, facts.words),
            Unchecked(f"tables and rights of {about}", "the database did not let it in"),
        ]
    found = list(_versions(facts, known))
    if facts.is_read_only:
        found.append(Finding(Code.DATABASE_READ_ONLY, about, "the server takes no writes"))
    if facts.standbys.missing:
        seen = f"it waits for {facts.standbys.wanted}, and {facts.standbys.following} follow"
        found.append(Finding(Code.DATABASE_STANDBY_AWAY, "PostgreSQL", seen))
    if facts.standbys.is_one_disk:
        seen = "the URL names another server, and commits wait for none"
        found.append(Finding(Code.DATABASE_ONE_DISK, "PostgreSQL", seen))
    for schema, rights in facts.lacks.items():
        if rights:
            told = f"schema {schema}: {', '.join(rights[:3])}{' ...' if rights[3:] else ''}"
            found.append(Finding(Code.DATABASE_RIGHTS, about, f"its account lacks, in {told}"))
    return found


def _versions(facts: Database, known: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    for schema, version in facts.versions.items():
        newest = known[schema][0]
        if version is None:
            yield Finding(Code.MIGRATION_BEHIND, schema, "it has no tables yet")
        elif version not in known[schema]:
            told = f"the tables are at {version}, of a later version: this one ends at {newest}"
            yield Finding(Code.MIGRATION_AHEAD, schema, told)
        elif version != newest:
            told = f"the tables are at {version}, this version needs {newest}"
            yield Finding(Code.MIGRATION_BEHIND, schema, told)


@dataclass(frozen=True, slots=True)
class Line:
    """What stands still: `stuck` is an outbox with what its carrier said; `overdue` a topic.

    `held`: since when and why nothing is sent. `unopened`: how many sealed targets the notifier's
    key does not open.
    """

    stuck: tuple[tuple[str, str], ...] = ()
    overdue: tuple[tuple[str, str], ...] = ()
    unopened: int = 0
    held: str | None = None


def judge_line(facts: Line) -> Told:
    """What does not move."""
    found = [Finding(Code.OUTBOX_STUCK, service, told) for service, told in facts.stuck]
    found += [
        Finding(Code.POLL_OVERDUE, topic, f"its next poll was due at {since}")
        for topic, since in facts.overdue
    ]
    if facts.held:
        found.append(Finding(Code.SENDING_HELD, "notifier", f"nothing is sent {facts.held}"))
    if facts.unopened:
        told = f"{facts.unopened} sealed targets of readers were sealed with another key"
        found.append(Finding(Code.KEY_OTHER, "NOTIFIER_SECRET_KEY", told))
    return found
