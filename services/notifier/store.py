"""Articles and polls in the database: SQL only, in the caller's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.history import CHUNK, told_to
from services.notifier.match import OUTSIDE
from services.notifier.project import Known
from services.notifier.standing import GONE, STANDINGS
from services.notifier.subscription import Filters, Subscription, Wish
from services.notifier.tables import articles, inbox, metadata, outbox, polls, received
from services.notifier.tables import versions as version_pairs
from services.notifier.ties import stated_versions
from shared.article import Article
from shared.database import DIALECTS, insert, insert_for
from shared.events import Classified, Poll

__all__ = [
    "articles_between", "background", "healthy_since", "inbox", "keep_first", "keep_known",
    "keep_poll", "key_of", "known", "last_poll", "locked", "metadata", "named", "note_received",
    "outbox", "polls_between", "received_counts", "recent", "versions", "with_standing",
]  # fmt: skip


Key = tuple[str, int]
"""Topic and PMID."""

_OWN = (articles.c.topic == sa.bindparam("of"), articles.c.pmid == sa.bindparam("one"))

# What is written for articles is made once: making it takes longer than running it for one.
_KEEP_FIRST = {
    name: insert_for(name, articles)
    .on_conflict_do_nothing()
    .returning(articles.c.topic, articles.c.pmid)
    for name in DIALECTS
}
_KEEP_KNOWN = articles.update().where(*_OWN)
_NOTE_RECEIVED = {name: insert_for(name, received).on_conflict_do_nothing() for name in DIALECTS}
_FORGET_VERSIONS = version_pairs.delete().where(
    version_pairs.c.topic == sa.bindparam("of"), version_pairs.c.said_by == sa.bindparam("one")
)
_KEEP_VERSIONS = {
    name: insert_for(name, version_pairs).on_conflict_do_nothing() for name in DIALECTS
}


def key_of(entry: Classified) -> Key:
    """Which article of which topic it is."""
    return entry.topic, entry.article.pmid


async def locked(connection: AsyncConnection, keys: Collection[Key]) -> dict[Key, Known]:
    """Those of these articles that are known, their rows locked until the transaction ends.

    In the order of their keys, so that two notifiers wait for each other and neither for ever.
    """
    own = sa.tuple_(articles.c.topic, articles.c.pmid)
    rows = await connection.execute(
        sa.select(articles)
        .where(own.in_(sorted(keys)))
        .order_by(articles.c.topic, articles.c.pmid)
        .with_for_update()
    )
    return {(row.topic, row.pmid): known(row) for row in rows}


async def articles_between(
    connection: AsyncConnection, topic: str, since: datetime, until: datetime
) -> list[Known]:
    """The topic's articles discovered, first seen or relevant after `since`; discovered by `until`.

    Backfill is left out here already: it is most of the table and never news.
    """
    rows = await connection.execute(
        sa.select(articles)
        .where(
            articles.c.topic == topic,
            articles.c.backfill.is_(False),
            sa.or_(
                articles.c.discovered_at > since,
                articles.c.first_seen_at > since,
                articles.c.relevant_since > since,
            ),
            articles.c.discovered_at <= until,
        )
        .order_by(articles.c.pmid)
    )
    return [known(row) for row in rows]


async def recent(
    connection: AsyncConnection, wish: Wish, since: datetime, limit: int
) -> list[Known]:
    """The topic's articles found or relevant after `since` that a wish may want, at most `limit`.

    The most related first; none of the backfill, and none that does not stand any more.
    """
    rows = await connection.execute(
        sa.select(articles)
        .where(
            articles.c.topic == wish.topic,
            articles.c.backfill.is_(False),
            articles.c.status.not_in([status.value for status in GONE]),
            sa.or_(articles.c.discovered_at > since, articles.c.relevant_since > since),
            _may_be_wanted(wish.filters),
        )
        .order_by(articles.c.relatedness.desc(), articles.c.pmid.desc())
        .limit(limit)
    )
    return [known(row) for row in rows]


async def with_standing(connection: AsyncConnection) -> frozenset[int]:
    """PMIDs of the articles that something has become of: corrected, retracted and the like."""
    standing = articles.c.status.in_([status.value for status in STANDINGS])
    return frozenset(await connection.scalars(sa.select(articles.c.pmid).where(standing)))


async def keep_first(connection: AsyncConnection, some: Sequence[Known]) -> set[Key]:
    """Write the rows of articles that were not known; those that another one just has written.

    Two notifiers may meet one for the first time at once, when there is no row to lock yet.
    """
    if not some:
        return set()
    rows = await connection.execute(
        _KEEP_FIRST[connection.dialect.name], [_row(one) for one in some]
    )
    written = {(row.topic, row.pmid) for row in rows}
    own = [one.entry for one in some if key_of(one.entry) in written]
    await _keep_versions(connection, own)
    return {key_of(one.entry) for one in some} - written


async def keep_known(connection: AsyncConnection, some: Sequence[Known]) -> None:
    """Write the rows of articles that are known, and locked (`locked`)."""
    if some:
        rows = [_row(one) | {"of": one.entry.topic, "one": one.pmid} for one in some]
        await connection.execute(_KEEP_KNOWN, rows)
        await _keep_versions(connection, [one.entry for one in some])


def _row(one: Known) -> dict[str, object]:
    entry = one.entry
    return {
        "topic": entry.topic,
        "pmid": one.pmid,
        "revision": entry.revision,
        "status": one.status.value,
        "status_changed_at": one.status_changed_at,
        "scope": entry.classification.scope,
        "backfill": one.backfill,
        "discovered_at": one.discovered_at,
        "first_seen_at": one.first_seen_at,
        "classified_at": one.classified_at,
        "relevant_since": one.relevant_since,
        "relatedness": entry.relatedness,
        "entry": entry.model_dump(mode="json"),
    }


async def _keep_versions(connection: AsyncConnection, entries: Sequence[Classified]) -> None:
    """What records say now of earlier and later versions; what they said before is forgotten."""
    if entries:
        own = [{"of": entry.topic, "one": entry.article.pmid} for entry in entries]
        await connection.execute(_FORGET_VERSIONS, own)
    rows = [
        {"topic": one.topic, "said_by": one.article.pmid, "earlier": earlier, "later": later}
        for one in entries
        for earlier, later in stated_versions(one.article)
    ]
    if rows:
        await connection.execute(_KEEP_VERSIONS[connection.dialect.name], rows)


async def versions(connection: AsyncConnection, topic: str) -> frozenset[tuple[int, int]]:
    """Pairs of an earlier and a later record of the same work, as either of them says."""
    columns = (version_pairs.c.earlier, version_pairs.c.later)
    rows = await connection.execute(
        sa.select(*columns).where(version_pairs.c.topic == topic).distinct()
    )
    return frozenset((row.earlier, row.later) for row in rows)


async def named(
    connection: AsyncConnection, topic: str, pmids: Collection[int]
) -> dict[int, Article]:
    """Those of these articles that are known."""
    wanted = sorted(pmids)
    found: dict[int, Article] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = await connection.execute(
            sa.select(articles).where(
                articles.c.topic == topic, articles.c.pmid.in_(wanted[start : start + CHUNK])
            )
        )
        found |= {row.pmid: known(row).entry.article for row in rows}
    return found


async def background(
    connection: AsyncConnection, subscription: Subscription, until: datetime, page: tuple[int, int]
) -> list[Known]:
    """Backfilled articles that a subscriber was never sent, the most related first.

    `page` is how many to pass over, and how many to give at most.
    """
    rows = await connection.execute(
        sa.select(articles)
        .where(
            articles.c.topic == subscription.topic,
            articles.c.backfill.is_(True),
            _may_be_wanted(subscription.filters),
            articles.c.status.not_in([status.value for status in GONE]),
            articles.c.discovered_at <= until,
            articles.c.pmid.not_in(told_to(subscription.id)),
        )
        .order_by(articles.c.relatedness.desc(), articles.c.pmid.desc())
        .offset(page[0])
        .limit(page[1])
    )
    return [known(row) for row in rows]


def _may_be_wanted(filters: Filters) -> sa.ColumnElement[bool]:
    """What the columns say of the filters; those who follow somebody may want any other paper."""
    if filters.journals or filters.authors:
        return articles.c.scope.not_in(sorted(OUTSIDE - filters.scope))
    return sa.and_(
        articles.c.relatedness >= filters.min_relatedness, articles.c.scope.in_(filters.scope)
    )


async def note_received(connection: AsyncConnection, entries: Sequence[Classified]) -> None:
    """Count articles for the polls that announced them, once."""
    rows = [
        {"topic": one.topic, "poll_id": one.poll_id, "pmid": one.article.pmid} for one in entries
    ]
    await connection.execute(_NOTE_RECEIVED[connection.dialect.name], rows)


async def received_counts(
    connection: AsyncConnection, topic: str, poll_ids: Sequence[str]
) -> dict[str, int]:
    """How many of each poll's articles have arrived; polls with none are absent."""
    rows = await connection.execute(
        sa.select(received.c.poll_id, sa.func.count())
        .where(received.c.topic == topic, received.c.poll_id.in_(poll_ids))
        .group_by(received.c.poll_id)
    )
    return {poll_id: count for poll_id, count in rows}  # noqa: C416  rows are no tuples to mypy


async def keep_poll(connection: AsyncConnection, poll: Poll) -> None:
    """Write a poll's row; a poll has one result."""
    await connection.execute(
        insert(connection, polls)
        .values(
            topic=poll.topic,
            poll_id=poll.poll_id,
            finished_at=poll.finished_at,
            healthy=poll.healthy,
            announced=poll.announced,
            poll=poll.model_dump(mode="json"),
        )
        .on_conflict_do_nothing(index_elements=["topic", "poll_id"])
    )


async def polls_between(
    connection: AsyncConnection, topic: str, since: datetime, until: datetime
) -> list[Poll]:
    """Polls that finished after `since` and not after `until`, the oldest first."""
    rows = await connection.execute(
        sa.select(polls.c.poll)
        .where(polls.c.topic == topic, polls.c.finished_at > since, polls.c.finished_at <= until)
        .order_by(polls.c.finished_at, polls.c.poll_id)
    )
    return [Poll.model_validate(row.poll) for row in rows]


async def last_poll(
    connection: AsyncConnection, topic: str, until: datetime, *, healthy: bool = False
) -> Poll | None:
    """The last poll that finished by `until`, or the last `healthy` one."""
    query = sa.select(polls.c.poll).where(polls.c.topic == topic, polls.c.finished_at <= until)
    if healthy:
        query = query.where(polls.c.healthy)
    found = await connection.scalar(query.order_by(polls.c.finished_at.desc()).limit(1))
    return Poll.model_validate(found) if found else None


async def healthy_since(
    connection: AsyncConnection, topic: str, until: datetime
) -> datetime | None:
    """The end of the first of the polls by `until` since which every one was healthy."""
    by_then = (polls.c.topic == topic, polls.c.finished_at <= until)
    trouble = sa.select(sa.func.max(polls.c.finished_at)).where(
        *by_then, polls.c.healthy.is_(False)
    )
    last: datetime | None = await connection.scalar(trouble)
    later = (polls.c.finished_at > last,) if last else ()
    first: datetime | None = await connection.scalar(
        sa.select(sa.func.min(polls.c.finished_at)).where(*by_then, *later)
    )
    return first


def known(row: sa.Row[tuple[object, ...]]) -> Known:
    """An article from its row."""
    return Known(
        entry=Classified.model_validate(row.entry),
        discovered_at=row.discovered_at,
        first_seen_at=row.first_seen_at,
        classified_at=row.classified_at,
        backfill=row.backfill,
        status_changed_at=row.status_changed_at,
        relevant_since=row.relevant_since,
    )
