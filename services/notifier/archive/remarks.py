"""Readers' remarks in the database: SQL only, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.archive.remark import Remark
from services.notifier.tables import feedback
from shared.database import insert


async def keep(connection: AsyncConnection, one: Remark) -> None:
    """Write a remark; one about the same thing is replaced."""
    values = {
        "topic": one.about.topic,
        "pmid": one.about.pmid,
        "subscription_id": one.about.subscription_id,
        "kind": one.kind,
        "facet": one.facet,
        "label": one.label,
        "wanted": one.wanted,
        "remark": one.remark or None,
        "at": one.at,
    }
    await connection.execute(
        insert(connection, feedback)
        .values(id=one.id, **values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
    )


async def remarks(
    connection: AsyncConnection, most: int | None = None, *, newest_first: bool = False
) -> Sequence[sa.Row[Any]]:
    """All remarks, by time."""
    order = feedback.c.at.desc() if newest_first else feedback.c.at
    rows = await connection.execute(sa.select(feedback).order_by(order, feedback.c.id).limit(most))
    return rows.all()
