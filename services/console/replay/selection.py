"""Which entries of an archive are meant: the filters of record, replay, diff and trace."""

import re
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args

from services.console.archive.recorded import Read, Recorded, key_of
from services.console.replay.facts import facts_of
from shared.article import Status
from shared.errors import ConfigurationError
from shared.events import (
    EVENTS,
    Event,
    Relation,
    Undecodable,
)

Texts = Iterable[str]


@dataclass(frozen=True)
class Selection:
    """What an entry must have; an empty filter asks for nothing, and all that are set must hold.

    `since` is the first instant and `until` the first one after, by `Recorded.published_at`;
    `last` keeps that many of what the others leave. `types` are routing keys
    (`article.discovered`). Of an article event `labels` are those of its classification (so
    only `article.classified` has any), `relations` those of its reasons. `ids`, where
    they are given, are the events' own. Events that a replay marked are meant only by their
    `replay_id`.
    """

    since: datetime | None = None
    until: datetime | None = None
    last: int | None = None
    types: frozenset[str] = frozenset()
    pmids: frozenset[int] = frozenset()
    labels: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    relations: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    replay_id: str | None = None
    ids: frozenset[str] | None = None

    def wants(self, entry: Recorded) -> bool:
        """Whether an entry is meant, `last` aside.

        One that cannot be read, so that it cannot be told, is: whoever reads it then says so.
        """
        if not self._around(entry):
            return False
        if not (self.pmids or self.labels or self.statuses or self.relations or self.topics):
            return True
        try:
            return self._inside(entry.event())
        except Undecodable:
            return True

    def _around(self, entry: Recorded) -> bool:
        marked = entry.marks.replay_id if entry.marks else None
        return (
            (self.since is None or entry.published_at >= self.since)
            and (self.until is None or entry.published_at < self.until)
            and marked == self.replay_id
            and (self.ids is None or entry.event_id in self.ids)
            and (not self.types or not entry.type or key_of(entry.type) in self.types)
        )

    def _inside(self, event: Event) -> bool:
        has = facts_of(event)
        return all(
            not wanted or bool(wanted & found)
            for wanted, found in (
                (self.pmids, has.pmids),
                (self.labels, has.labels),
                (self.statuses, has.statuses),
                (self.relations, has.relations),
                (self.topics, has.topics),
            )
        )

    def __str__(self) -> str:
        """In words, as options are written; "everything" when nothing is asked for."""
        words = [
            f"since {self.since.isoformat()}" if self.since else "",
            f"until {self.until.isoformat()}" if self.until else "",
            *(
                f"{name} {','.join(sorted(map(str, values)))}" if values else ""
                for name, values in (
                    ("type", self.types),
                    ("pmid", self.pmids),
                    ("label", self.labels),
                    ("status", self.statuses),
                    ("relation", self.relations),
                    ("topic", self.topics),
                )
            ),
            f"replay {self.replay_id}" if self.replay_id else "",
            f"{len(self.ids)} events by id" if self.ids is not None else "",
            f"last {self.last}" if self.last is not None else "",
        ]
        return "; ".join(filter(None, words)) or "everything"


async def select(read: Read, selection: Selection) -> AsyncIterator[Recorded]:
    """The entries that are meant, in order; memory does not grow with the archive.

    With `last` the archive is read twice, and of the first reading only positions are kept.
    Raises what reading raises.
    """
    low, high = 0, None
    if selection.last is not None:
        positions: deque[int] = deque(maxlen=selection.last)
        async for position in _positions(read, selection):
            positions.append(position)
        if not positions:
            return
        low, high = positions[0], positions[-1]
    async for entry in read():
        if high is not None and entry.position > high:
            return
        if entry.position >= low and selection.wants(entry):
            yield entry


async def _positions(read: Read, selection: Selection) -> AsyncIterator[int]:
    async for entry in read():
        if selection.wants(entry):
            yield entry.position


@dataclass(frozen=True)
class Asked:
    """A selection as typed: each option's texts, a comma between several values in one."""

    since: str | None = None
    until: str | None = None
    last: int | None = None
    types: Texts | None = None
    pmids: Texts | None = None
    labels: Texts | None = None
    statuses: Texts | None = None
    relations: Texts | None = None
    topics: Texts | None = None
    replay_id: str | None = None


KEYS = frozenset(event.ROUTING_KEY for event in EVENTS)


def parse_selection(asked: Asked, now: datetime) -> Selection:
    """The selection that options ask for; relative times count back from `now`.

    Raises:
        ConfigurationError: naming the option, what was typed and what it may be.
    """
    since, until = (
        instant(text, now, option)
        for text, option in ((asked.since, "--since"), (asked.until, "--until"))
    )
    if since and until and since >= until:
        raise ConfigurationError(f"--since {asked.since} is not before --until {asked.until}")
    if asked.last is not None and asked.last < 1:
        raise ConfigurationError("--last: at least 1")
    return Selection(
        since=since,
        until=until,
        last=asked.last,
        types=_among(map(_key, _values(asked.types)), KEYS, "--type"),
        pmids=frozenset(map(_pmid, _values(asked.pmids))),
        labels=frozenset(_values(asked.labels)),
        statuses=_among(_values(asked.statuses), frozenset(map(str, Status)), "--status"),
        relations=_among(_values(asked.relations), frozenset(get_args(Relation)), "--relation"),
        topics=frozenset(_values(asked.topics)),
        replay_id=asked.replay_id,
    )


def _values(texts: Texts | None) -> list[str]:
    return [one.strip() for text in texts or () for one in text.split(",") if one.strip()]


def _key(text: str) -> str:
    return key_of(text) if text.startswith("carillon.") else text


def _among(values: Iterable[str], known: frozenset[str], option: str) -> frozenset[str]:
    found = frozenset(values)
    if unknown := sorted(found - known):
        raise ConfigurationError(
            f"{option}: there is no {unknown[0]!r}; it may be {', '.join(sorted(known))}"
        )
    return found


def _pmid(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise ConfigurationError(f"--pmid: {text!r} is no PMID (a number, like 39450112)")
    return int(text)


_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def instant(text: str | None, now: datetime, option: str) -> datetime | None:
    """An instant: a day, an ISO 8601 time (in UTC when it has no offset), or back from now.

    "90d" is 90 days before `now`; units are m, h, d and w.

    Raises:
        ConfigurationError: it is none of them.
    """
    if text is None:
        return None
    try:
        if back := re.fullmatch(r"([0-9]{1,6})([mhdw])", text):
            return now - timedelta(**{_UNITS[back[2]]: int(back[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"{option}: {text!r} is no time; write 90d, 12h, 2026-09-07 or 2026-09-07T05:00Z"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
