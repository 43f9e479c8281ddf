"""What a subscriber was told, and by which digests: SQL only, in the caller's transaction.

A person is told once: what counts is what any subscription of the same recipient told, whatever
its topic. Periods are those of digests; a notice sent at once has none.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.digest import Coverage
from services.notifier.suppression import may_be_mailed
from services.notifier.tables import digests, ledger, subscriptions
from shared.database import UtcDateTime

ARTICLE = "article"
"""The kind of a ledger row that says that an article was told, not a notice about it."""

NOTICE = "notice:"
"""How the kind of a ledger row begins that says that a notice was told."""

_WAS_TOLD = sa.or_(digests.c.state.in_(("sent", "intent")), digests.c.maybe_sent)

_LAST_FEW = 20
"""More than that many in a row that were given up, and may have arrived, are not looked through."""

CHUNK = 500
"""PMIDs in one query: databases take only so many parameters."""

APART = timedelta(days=1)
"""A digest cut so soon after another was given up may not have known that: clocks differ."""

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


Named = str | sa.BindParameter[str]
"""A subscription's id, or the place for it in a statement that is made once."""


@dataclass(frozen=True)
class Last:
    """The latest due instant by now that has a digest, whatever became of it; and the last `end`.

    `end` is that of the last digest that was not given up: the next one begins there. What lies
    later was cut by a clock that was ahead; it must not silence its reader until then.
    """

    slot: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class Before:
    """The coverage of an earlier digest, and whether that digest was sent or is about to be."""

    coverage: Coverage
    was_sent: bool


@dataclass(frozen=True)
class Left:
    """What the digests before leave to the next one.

    `before` is the last one that was not given up, or may have arrived all the same. `carried` is
    from when news is looked for again: as the last one that was not given up did, if it had to
    leave some, and as those did that were given up when later ones had been cut already.
    """

    before: Before | None = None
    carried: datetime | None = None


async def last(connection: AsyncConnection, subscription_id: str, now: datetime) -> Last:
    """How far the digests of a subscription have come."""
    row = (await connection.execute(_LAST, {"me": subscription_id, "at": now})).one()
    return Last(row.slot, row.end)


def last_slot(now: datetime) -> sa.ScalarSelect[Any]:
    """`Last.slot` of the row of `subscriptions` that is looked at."""
    return (
        sa.select(sa.func.max(digests.c.period_to))
        .where(_digests_of(subscriptions.c.id), digests.c.period_to <= now)
        .correlate(subscriptions)
        .scalar_subquery()
    )


async def left(connection: AsyncConnection, subscription_id: str, until: datetime) -> Left:
    """What the digests that were due by `until` leave to the next one."""
    found = (await connection.execute(_LEFT, {"me": subscription_id, "at": until})).all()
    kept = next((row for row in found if row.state != "failed"), None)
    carried = [datetime.fromisoformat(kept.news_from)] if kept and kept.waiting else []
    carried += await _owed(connection, subscription_id, until)
    return Left(_before(found[0]) if found else None, min(carried, default=None))


async def _owed(
    connection: AsyncConnection, subscription_id: str, until: datetime
) -> list[datetime]:
    """From when on the digests looked for news that no later one has made up for yet.

    A digest may wait for weeks while its notifier is dead, and be given up when the next ones
    are cut already: what it frees then is older than what the next one looks at by itself.
    """
    cut_at = await connection.scalar(_CUT, {"me": subscription_id, "at": until})
    since = cut_at - APART if cut_at else _EVER
    rows = await connection.execute(_OWED, {"me": subscription_id, "at": since})
    return [
        datetime.fromisoformat(row.news_from) if row.news_from else row.period_from for row in rows
    ]


async def last_told(
    connection: AsyncConnection, subscription_id: str, until: datetime
) -> Before | None:
    """The last digest due by `until` that was sent, is about to be, or may have arrived."""
    row = (
        await connection.execute(
            sa.select(digests.c.content["coverage"].label("coverage"), _WAS_TOLD.label("was_told"))
            .where(_digests_of(subscription_id), digests.c.period_to <= until, _WAS_TOLD)
            .order_by(digests.c.period_to.desc())
            .limit(1)
        )
    ).one_or_none()
    return _before(row) if row else None


def _before(row: sa.Row[Any]) -> Before | None:
    if not row.coverage:
        return None
    return Before(Coverage.model_validate(row.coverage), bool(row.was_told))


async def sent_on(
    connection: AsyncConnection, subscription_id: str, pmids: Collection[int]
) -> dict[int, datetime]:
    """When this person was first sent each of these articles, as far as they were."""
    found: dict[int, datetime] = {}
    wanted = sorted(pmids)
    for start in range(0, len(wanted), CHUNK):
        rows = await connection.execute(
            sa.select(ledger.c.pmid, sa.func.min(ledger.c.delivered_at).label("at"))
            .where(
                ledger.c.subscription_id.in_(of_person(subscription_id)),
                ledger.c.kind == ARTICLE,
                ledger.c.delivered_at.is_not(None),
                ledger.c.pmid.in_(wanted[start : start + CHUNK]),
            )
            .group_by(ledger.c.pmid)
        )
        found |= {row.pmid: row.at for row in rows}
    return found


async def told(connection: AsyncConnection, subscription_id: str) -> set[int]:
    """PMIDs of the articles that this person was sent, or is about to be."""
    return set(await connection.scalars(_TOLD, {"me": subscription_id}))


def told_to(subscription_id: Named) -> sa.Select[Any]:
    """The PMIDs of the articles that a person was sent, or is about to be."""
    return sa.select(ledger.c.pmid).where(
        ledger.c.subscription_id.in_(of_person(subscription_id)), ledger.c.kind == ARTICLE
    )


def of_person(subscription_id: Named) -> sa.Select[Any]:
    """The ids of all subscriptions, ended ones too, whose recipient this one has."""
    return _own(subscription_id).with_only_columns(subscriptions.c.id)


def heirs_of(subscription_id: str) -> sa.Select[Any]:
    """This subscription, and those of the same recipient that are sent nothing any more.

    What came of a paper is told by the subscription that sent it, while it lives.
    """
    return of_person(subscription_id).where(
        sa.or_(subscriptions.c.id == subscription_id, sa.not_(sa.and_(*may_be_mailed())))
    )


def _own(subscription_id: Named) -> sa.Select[Any]:
    this = subscriptions.alias()
    return (
        sa.select(subscriptions)
        .join(this, this.c.recipient == subscriptions.c.recipient)
        .where(this.c.id == subscription_id)
    )


def _digests_of(subscription_id: Named | sa.Column[str]) -> sa.ColumnElement[bool]:
    return sa.and_(digests.c.subscription_id == subscription_id, digests.c.kind == "digest")


# What is asked for each digest that is cut is made once: making it takes as long as running it.
_ME, _AT = sa.bindparam("me", type_=sa.String), sa.bindparam("at", type_=UtcDateTime)

_TOLD = told_to(_ME)

_END = sa.case((digests.c.created_at < digests.c.period_to, digests.c.created_at),
               else_=digests.c.period_to)  # fmt: skip
"""Until when a digest could know: one that a clock ahead had cut, until that was put back."""

_LAST = sa.select(
    sa.func.max(digests.c.period_to).label("slot"),
    sa.func.max(sa.case((digests.c.state != "failed", _END))).label("end"),
).where(_digests_of(_ME), digests.c.period_to <= _AT)

_LEFT = (
    sa.select(
        digests.c.content["coverage"].label("coverage"),
        digests.c.content["waiting"].label("waiting"),
        digests.c.content["news_from"].label("news_from"),
        digests.c.state,
        _WAS_TOLD.label("was_told"),
    )
    .where(
        _digests_of(_ME),
        digests.c.period_to <= _AT,
        sa.or_(digests.c.state != "failed", digests.c.maybe_sent),
    )
    .order_by(digests.c.period_to.desc())
    .limit(_LAST_FEW)
)

_CUT = sa.select(sa.func.max(digests.c.created_at, type_=UtcDateTime)).where(
    _digests_of(_ME), digests.c.period_to <= _AT, digests.c.state != "failed"
)

_OWED = sa.select(digests.c.content["news_from"].label("news_from"), digests.c.period_from).where(
    digests.c.subscription_id.in_(of_person(_ME)),
    digests.c.kind == "digest",
    digests.c.given_up_at >= _AT,
)
