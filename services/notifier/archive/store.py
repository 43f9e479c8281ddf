"""What the archive keeps, in the database: SQL only, in the caller's transaction."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.archive.index import (
    INDEX_VERSION,
    Card,
    Told,
    card,
    stamp,
    told,
    words,
)
from services.notifier.project import Known
from services.notifier.standing import GONE
from services.notifier.store import known
from services.notifier.tables import articles, cards, labels, polls, revisions, texts
from shared import tracing
from shared.article import Status
from shared.database import DIALECTS, insert_for
from shared.events import ArticleClassified, Classified, Poll, event_id

LONGEST_LABEL, LONGEST_NAME = 64, 120
"""Characters of a label's id and name that are kept."""

CHUNK = 500
"""PMIDs in one query: databases take only so many parameters."""


def _keep_newer(dialect: str) -> sa.Insert:
    statement = insert_for(dialect, cards)
    return statement.on_conflict_do_update(
        index_elements=["topic", "pmid"],
        set_={one.name: statement.excluded[one.name] for one in cards.c if not one.primary_key},
        where=cards.c.revision <= statement.excluded.revision,
    )


def _keep_text(dialect: str) -> sa.Insert:
    statement = insert_for(dialect, texts)
    return statement.on_conflict_do_update(
        index_elements=["topic", "pmid"], set_={"words": statement.excluded.words}
    )


# What is written for articles is made once: making it takes longer than running it for one.
_KEEP_CARD = {name: _keep_newer(name).returning(cards.c.topic, cards.c.pmid) for name in DIALECTS}
_KEEP_TEXT = {name: _keep_text(name) for name in DIALECTS}
_KEEP_LABELS = {name: insert_for(name, labels).on_conflict_do_nothing() for name in DIALECTS}
_KEEP_STEP = {
    name: insert_for(name, revisions).on_conflict_do_nothing(index_elements=["event_id"])
    for name in DIALECTS
}
_FORGET_LABELS = labels.delete().where(
    labels.c.topic == sa.bindparam("of"), labels.c.pmid == sa.bindparam("one")
)
_NOTE_INDEXED = (
    articles.update()
    .where(articles.c.topic == sa.bindparam("of"), articles.c.pmid == sa.bindparam("one"))
    .where(articles.c.indexed != INDEX_VERSION)  # a row that says so already is not written again
    .values(indexed=INDEX_VERSION)
)


@dataclass(frozen=True)
class Step:
    """One event in an article's history, at its own time."""

    revision: int
    at: datetime
    status: Status
    told: Told


async def index(connection: AsyncConnection, some: Sequence[Known]) -> None:
    """Write what articles are found by, each once; what a newer revision has written stays."""
    kept = await _keep_cards(connection, some)
    if not kept:
        return
    dialect = connection.dialect.name
    own = [{"of": one.entry.topic, "one": one.pmid} for one in kept]
    text = [
        {"topic": one.entry.topic, "pmid": one.pmid, "words": words(one.entry.article)}
        for one in kept
    ]
    await connection.execute(_KEEP_TEXT[dialect], text)
    await connection.execute(_FORGET_LABELS, own)
    if rows := [row for one in kept for row in _label_rows(one.entry)]:
        await connection.execute(_KEEP_LABELS[dialect], rows)
    await connection.execute(_NOTE_INDEXED, own)


async def _keep_cards(connection: AsyncConnection, some: Sequence[Known]) -> list[Known]:
    """Those whose card was not of a newer revision."""
    if not some:
        return []
    rows = await connection.execute(
        _KEEP_CARD[connection.dialect.name], [_card_row(one) for one in some]
    )
    kept = {(row.topic, row.pmid) for row in rows}
    return [one for one in some if (one.entry.topic, one.pmid) in kept]


def _card_row(one: Known) -> dict[str, object]:
    made = card(one)
    stamped = {"stamp": stamp(made, one.entry.classification.labels)}
    return {"topic": one.entry.topic} | asdict(made) | stamped


def _label_rows(entry: Classified) -> list[dict[str, object]]:
    return [
        {
            "topic": entry.topic,
            "pmid": entry.article.pmid,
            "facet": one.facet,
            # A taxonomy is a file that anybody may write: no name is too long for us.
            "label": one.id[:LONGEST_LABEL],
            "name": one.name[:LONGEST_NAME],
            "confidence": one.confidence,
        }
        for one in entry.classification.labels
    ]


async def note(connection: AsyncConnection, events: Sequence[ArticleClassified]) -> None:
    """Add events to the history of their articles, once; with the trace, where somebody listens."""
    is_traced = tracing.tracer() is not None
    steps = [
        _step(event.id, event.data, event.time, event.traceparent if is_traced else None)
        for event in events
    ]
    await connection.execute(_KEEP_STEP[connection.dialect.name], steps)


def _step(
    identity: str, entry: Classified, at: datetime, trace: str | None = None
) -> dict[str, object]:
    return {
        "event_id": identity,
        "topic": entry.topic,
        "pmid": entry.article.pmid,
        "revision": entry.revision,
        "at": at,
        "status": entry.article.status.value,
        "told": told(entry).model_dump(mode="json") | ({"trace": trace} if trace else {}),
    }


async def index_some(connection: AsyncConnection, most: int) -> int:
    """Index up to so many articles that no index, or an earlier one, knows; how many there were.

    One whose history has nothing gets the event that made it what it is.
    """
    rows = (
        await connection.execute(
            sa.select(articles)
            .where(articles.c.indexed < INDEX_VERSION)
            .order_by(articles.c.topic, articles.c.pmid)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
    ).all()
    some = [known(row) for row in rows]
    await index(connection, some)
    for one in some:
        if not await steps(connection, one.entry.topic, one.pmid):
            identity = event_id("archive", one.entry.topic, one.pmid, one.entry.revision)
            first = _step(identity, one.entry, one.classified_at)
            await connection.execute(_KEEP_STEP[connection.dialect.name], first)
    return len(rows)


async def steps(connection: AsyncConnection, topic: str, pmid: int) -> list[Step]:
    """The history of an article, the first revision first; of one revision by time."""
    rows = await connection.execute(
        sa.select(revisions)
        .where(revisions.c.topic == topic, revisions.c.pmid == pmid)
        .order_by(revisions.c.revision, revisions.c.at, revisions.c.event_id)
    )
    return [
        Step(row.revision, row.at, Status(row.status), Told.model_validate(row.told))
        for row in rows
    ]


async def checksum(connection: AsyncConnection, topic: str) -> tuple[int, int]:
    """How many cards a topic has, and the sum of their stamps: the same while they are."""
    row = (
        await connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(cards.c.stamp), 0)).where(
                cards.c.topic == topic
            )
        )
    ).one()
    return int(row[0]), int(row[1])


async def stamps(connection: AsyncConnection, topic: str) -> dict[int, int]:
    """The checksum of each card, by PMID."""
    rows = await connection.execute(
        sa.select(cards.c.pmid, cards.c.stamp).where(cards.c.topic == topic)
    )
    return {row[0]: row[1] for row in rows}


async def some_cards(
    connection: AsyncConnection, topic: str, pmids: Collection[int] | None = None
) -> list[Card]:
    """The cards of a topic, or of some of its articles, in any order."""
    columns = [cards.c[name] for name in Card.__dataclass_fields__]
    rows = await connection.execute(sa.select(*columns).where(*_of(cards, topic, pmids)))
    return [Card(*row) for row in rows]


async def labelled(
    connection: AsyncConnection, topic: str, pmids: Collection[int] | None = None
) -> list[tuple[str, str, str, tuple[int, ...]]]:
    """For each label of a topic, or of some of its articles: facet, id, name, and whose it is."""
    owners = sa.func.aggregate_strings(sa.cast(labels.c.pmid, sa.String), ",")
    rows = await connection.execute(
        sa.select(labels.c.facet, labels.c.label, sa.func.max(labels.c.name), owners)
        .where(*_of(labels, topic, pmids))
        .group_by(labels.c.facet, labels.c.label)
        .order_by(labels.c.facet, labels.c.label)
    )
    return [(row[0], row[1], row[2], tuple(map(int, row[3].split(",")))) for row in rows]


def _of(table: sa.Table, topic: str, pmids: Collection[int] | None) -> list[sa.ColumnElement[bool]]:
    own = [table.c.topic == topic]
    return own if pmids is None else [*own, table.c.pmid.in_(sorted(pmids))]


async def with_words(connection: AsyncConnection, topic: str, wanted: Sequence[str]) -> list[int]:
    """The PMIDs of the articles in whose text all of these occur (`archive.fold.terms`)."""
    rows = await connection.scalars(
        sa.select(texts.c.pmid).where(
            texts.c.topic == topic,
            *(_position(connection, term) > 0 for term in wanted),
        )
    )
    return list(rows)


def _position(connection: AsyncConnection, term: str) -> sa.ColumnElement[int]:
    # Not LIKE: it folds case once more on SQLite, and there is nothing to escape here.
    name = "strpos" if connection.dialect.name == "postgresql" else "instr"
    return sa.func.__getattr__(name)(texts.c.words, term, type_=sa.Integer)


async def entries(connection: AsyncConnection, topic: str, pmids: Sequence[int]) -> list[Known]:
    """These articles in this order, as far as they are known."""
    found: dict[int, Known] = {}
    for start in range(0, len(pmids), CHUNK):
        rows = await connection.execute(
            sa.select(articles).where(
                articles.c.topic == topic, articles.c.pmid.in_(pmids[start : start + CHUNK])
            )
        )
        found |= {row.pmid: known(row) for row in rows}
    return [found[pmid] for pmid in pmids if pmid in found]


async def entry(connection: AsyncConnection, topic: str, pmid: str) -> Known | None:
    """The article of a number as an address has it."""
    if not (pmid.isascii() and pmid.isdigit() and len(pmid) < 16):
        return None
    found = await entries(connection, topic, [int(pmid)])
    return found[0] if found else None


async def latest(
    connection: AsyncConnection, topic: str, scopes: Collection[str], most: int
) -> list[Known]:
    """The articles that the watch found last, as news in these scopes; what fell is none."""
    rows = await connection.execute(
        sa.select(articles)
        .where(
            articles.c.topic == topic,
            articles.c.backfill.is_(False),
            articles.c.scope.in_(scopes),
            articles.c.status.not_in([status.value for status in GONE]),
        )
        .order_by(articles.c.discovered_at.desc(), articles.c.pmid.desc())
        .limit(most)
    )
    return [known(row) for row in rows]


async def lately_changed(
    connection: AsyncConnection, topic: str, kinds: Collection[Status], most: int
) -> list[Known]:
    """The articles whose status became one of these last, the latest change first."""
    rows = await connection.execute(
        sa.select(articles)
        .where(
            articles.c.topic == topic,
            articles.c.status.in_([kind.value for kind in kinds]),
            articles.c.status_changed_at.is_not(None),
        )
        .order_by(articles.c.status_changed_at.desc(), articles.c.pmid.desc())
        .limit(most)
    )
    return [known(row) for row in rows]


async def last_poll(
    connection: AsyncConnection, topic: str, *, healthy: bool = False
) -> Poll | None:
    """The last poll of a topic, or the last `healthy` one, whatever the clock says now."""
    query = sa.select(polls.c.poll).where(polls.c.topic == topic)
    if healthy:
        query = query.where(polls.c.healthy)
    found = await connection.scalar(query.order_by(polls.c.finished_at.desc()).limit(1))
    return Poll.model_validate(found) if found else None
