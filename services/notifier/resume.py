"""How sending goes on after a restore: what can be decided about the time that is not known.

Both answers are an operator's, none is taken by itself. `again`: what the backup does not know as
told is told, so what was sent after it comes twice. `count_as_told`: what was due after the backup
and by `until` counts as told to whom it was due, so what was not sent after all is not told; each
such paper is returned, and is on record as given up without an answer (`claims.give_up`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import history, hold, ledger, store, subscribers
from services.notifier.coverage import is_complete
from services.notifier.gathered import Gathered
from services.notifier.history import ARTICLE
from services.notifier.hold import Hold
from services.notifier.meanwhile import Lost, may_have_told
from services.notifier.plan import BACKGROUND, digest_id
from services.notifier.select import Period
from services.notifier.subscription import Subscription
from services.notifier.tables import digests, letters, replay_digests
from services.notifier.tables import ledger as told
from services.notifier.turn import due_slot
from shared.database import insert
from shared.errors import ConfigurationError

AGAIN = "everything since the backup is told, what was sent meanwhile again"
COUNTED = "counts as told"
"""How the reason on record of what was not sent begins."""

NOT_HELD = "sending is not held: there is nothing to decide"
_A_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True)
class Counted:
    """What counts as told to a subscription though nobody knows whether it was sent."""

    subscription_id: str
    due_at: datetime
    pmids: tuple[int, ...]


@dataclass(frozen=True)
class _Decision:
    hold: Hold
    until: datetime
    now: datetime

    @property
    def reason(self) -> str:
        return (
            f"{COUNTED}: restored from a backup of {self.hold.known_until:%Y-%m-%d %H:%M} UTC, "
            f"and due by {self.until:%Y-%m-%d %H:%M}"
        )


async def again(connection: AsyncConnection, now: datetime) -> None:
    """Let sending go on as if nothing had been sent since the backup.

    Raises:
        ConfigurationError: sending is not held.
    """
    await _standing(connection)
    await hold.end(connection, AGAIN, now)


async def count_as_told(
    connection: AsyncConnection, until: datetime, now: datetime, background: int = BACKGROUND
) -> list[Counted]:
    """Let sending go on, and count as told what was due by `until`; what that is, by subscription.

    Told are papers that PubMed had by the due instant, whenever they are found again. So PubMed has
    to be checked first. Notices are told all the same: rather twice than a retraction missed.

    Raises:
        ConfigurationError: sending is not held, or a topic was not completely checked since.
    """
    decision = _Decision(await _standing(connection), until, now)
    readers = await _readers(connection, until)
    for topic in sorted({one.topic for one, _ in readers}):
        await _require_checked(connection, topic, decision)
    counted = await _cut_before(connection, decision)
    await _end_others(connection, decision)
    gathered = Gathered()
    for one, slot in readers:
        lost = Lost(one, slot, decision.hold.known_until, background)
        wanted = await may_have_told(connection, lost, gathered, now)
        due = Counted(one.id, slot, tuple(wanted))
        await _count(connection, due, one, decision)
        counted += [due] if wanted else []
    await hold.end(connection, decision.reason, now)
    return counted


async def _standing(connection: AsyncConnection) -> Hold:
    found = await hold.standing(connection)
    if found is None:
        raise ConfigurationError(NOT_HELD)
    return found


async def _readers(
    connection: AsyncConnection, until: datetime
) -> list[tuple[Subscription, datetime]]:
    """Whose turn came by then, and when last. Nothing was cut since the backup, by nobody here."""
    rows = await subscribers.awaited(connection, until)
    read = [(row, await subscribers.readable(connection, row)) for row in rows]
    slots = [(one, due_slot(one, row.last, until)) for row, one in read if one]
    return [(one, slot) for one, slot in slots if slot]


async def _require_checked(connection: AsyncConnection, topic: str, decision: _Decision) -> None:
    since = decision.hold.since
    ended = await store.polls_between(connection, topic, since - _A_MOMENT, decision.now)
    polls = [poll for poll in ended if poll.started_at >= since]
    ids = [poll.poll_id for poll in polls]
    arrived = await store.received_counts(connection, topic, ids) if ids else {}
    if not any(poll.healthy for poll in polls) or not is_complete(polls, arrived):
        raise ConfigurationError(
            f"{topic} was not completely checked since the restore ({since:%Y-%m-%d %H:%M} UTC): "
            "what was found and told meanwhile is not known here yet. Let the poller check it "
            "(`carillon status`), then decide"
        )


async def _cut_before(connection: AsyncConnection, decision: _Decision) -> list[Counted]:
    """The digests that were about to be sent when the backup was made."""
    own = (digests.c.state == "intent", digests.c.created_at <= decision.until)
    rows = (await connection.execute(sa.select(digests).where(*own))).all()
    counted = []
    for row in rows:
        of_it = (told.c.digest_id == row.id, told.c.kind == ARTICLE)
        pmids = await connection.scalars(sa.select(told.c.pmid).where(*of_it))
        counted.append(Counted(row.subscription_id, row.period_to, tuple(sorted(pmids))))
    ids = [row.id for row in rows]
    await end_unanswered(connection, ids, decision.reason, decision.now)
    return [one for one in counted if one.pmids]


async def end_unanswered(
    connection: AsyncConnection, ids: Sequence[str], reason: str, now: datetime
) -> None:
    """Give digests up that may have arrived: what they tell counts as told."""
    for one in ids:
        await connection.execute(
            told.update()
            .where(told.c.digest_id == one, told.c.delivered_at.is_(None))
            .values(delivered_at=now)
        )
        await connection.execute(
            digests.update().where(digests.c.id == one).values(_ended(reason, now))
        )


def _ended(reason: str, now: datetime) -> dict[str, object]:
    return {
        "state": "failed",
        "maybe_sent": True,
        "claimed_until": None,
        "error": reason,
        "given_up_at": now,
    }


async def _end_others(connection: AsyncConnection, decision: _Decision) -> None:
    """What replays promised, and letters that waited: they have been sent, as far as is known."""
    ended = {"state": "failed", "claimed_until": None, "error": decision.reason}
    before = decision.hold.since
    for table, more in ((replay_digests, {"maybe_sent": True}), (letters, {"address": None})):
        await connection.execute(
            table.update()
            .where(table.c.state == "waiting", table.c.created_at <= before)
            .values({**ended, **more})
        )


async def _count(
    connection: AsyncConnection, counted: Counted, one: Subscription, decision: _Decision
) -> None:
    """Write down that this due instant has passed, and what counts as told at it."""
    identity = digest_id(one.id, counted.due_at)
    state = _ended(decision.reason, decision.now) if counted.pmids else {"state": "skipped"}
    last = await history.last(connection, one.id, counted.due_at)
    row = {
        "id": identity,
        "subscription_id": one.id,
        "period_from": Period.of(one, last.end, counted.due_at).start,
        "period_to": counted.due_at,
        "created_at": decision.now,
        **state,
    }
    await connection.execute(insert(connection, digests).values(row).on_conflict_do_nothing())
    if one.paused_at is not None:
        await ledger.note_caught_up(connection, one.id)
    rows = [
        {
            "subscription_id": one.id,
            "pmid": pmid,
            "kind": ARTICLE,
            "digest_id": identity,
            "status": status,
            "delivered_at": decision.now,
        }
        for pmid, status in (await _statuses(connection, one.topic, counted.pmids)).items()
    ]
    if rows:
        await connection.execute(insert(connection, told).on_conflict_do_nothing(), rows)


async def _statuses(
    connection: AsyncConnection, topic: str, pmids: Sequence[int]
) -> dict[int, str]:
    found = await store.named(connection, topic, pmids)
    return {pmid: article.status.value for pmid, article in sorted(found.items())}
