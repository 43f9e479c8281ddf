"""What a finished replay may be sent to those whom its operator named: once each, and marked.

The one thing that leaves this system for a replay. Its list is looked at three times: the marks of
each event, the end of the replay, and the subscription itself at the moment of sending, which has
to be confirmed, active, not suppressed and not paused. As with a live digest, one that may have
been taken is sent again, to the same bytes, rather than lost. The ledger is not asked what was told
live, nor told of this.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import claims, replays_digests, replays_store, subscribers
from services.notifier.archive import store as archive
from services.notifier.compose import without
from services.notifier.digest import Digest
from services.notifier.hold import is_held
from services.notifier.office import BACK_OFF, LONGEST_WAIT, Desk
from services.notifier.packing import packages, target
from services.notifier.parcels import INACTIVE, SILENT
from services.notifier.plan import NEVER_POLLED
from services.notifier.replays_compose import digest_of, head_of, latest, most_related, wanted
from services.notifier.replays_digests import Claim
from services.notifier.senders import AnswerLost
from services.notifier.subscribers import Kept
from services.notifier.subscription import Subscription
from shared.database import transaction
from shared.errors import Permanent, Retryable
from shared.events import Classified
from shared.under_replay import UnderReplay

log = structlog.get_logger(__name__)

UNDER_REPLAY = UnderReplay.LISTED_ONLY

CHUNK = 500
"""Entries read at once."""

PAUSED = "its reader has paused"


async def deliver_replays(desk: Desk) -> int:
    """Send what finished replays promised, unless sending is held; how many were sent by this call.

    Raises:
        Retryable: the database is away.
    """
    if await is_held(desk.engine):
        return 0
    turn = desk.office.patience.turn()
    async with transaction(desk.engine) as connection:
        waiting = await replays_digests.waiting(connection, turn, desk.clock())
    return sum([await _deliver(desk, digest_id) for digest_id in waiting])


async def _deliver(desk: Desk, digest_id: str) -> bool:
    async with transaction(desk.engine) as connection:
        held = await replays_digests.claim(connection, digest_id, desk.office.patience.turn())
    if held is None:
        return False
    try:
        return await _hand_over(desk, held)
    except AnswerLost as fault:
        async with transaction(desk.engine) as connection:
            await replays_digests.note_maybe_sent(connection, held)
        await _postpone(desk, held, fault)
    except Retryable as fault:
        await _postpone(desk, held, fault)
    except Permanent as fault:
        await _end(desk, held, fault)
    except Exception as error:  # a bug in one digest must not hold up the others
        log.exception("replay_digest_broke", digest_id=held.digest_id)
        await _postpone(desk, held, Retryable(f"a bug: {type(error).__name__}"))
    return False


async def _hand_over(desk: Desk, held: Claim) -> bool:
    async with transaction(desk.engine) as connection:
        one = await _reader(connection, held, desk.clock())
        digest = await _digest(connection, held, one, desk.clock())
        if digest is None:
            await replays_digests.end(connection, held, "empty", desk.clock())
    if digest is None:
        log.info("replay_digest_empty", digest_id=held.digest_id, replay_id=held.replay_id)
        return False
    message_id = await _send(desk, held, one, digest)
    if message_id is None:
        return False
    async with transaction(desk.engine) as connection:
        await replays_digests.end(connection, held, "sent", desk.clock(), message_id=message_id)
    log.info(
        "replay_digest_sent",
        digest_id=held.digest_id,
        replay_id=held.replay_id,
        articles=digest.total,
    )
    return True


async def _reader(connection: AsyncConnection, held: Claim, now: datetime) -> Subscription:
    """Who it is for, as they stand now; raises why they are sent nothing."""
    found = await subscribers.of_ids(connection, [held.subscription_id])
    owner = found.get(held.subscription_id)
    if not isinstance(owner, Kept) or not owner.is_mailable:
        raise Permanent(INACTIVE)
    if owner.subscription.is_paused(now):
        raise Permanent(PAUSED)
    if held.attempt > len(BACK_OFF) + 1:  # only by crashing each time is one tried so often
        raise Permanent(SILENT)
    return owner.subscription


async def _digest(
    connection: AsyncConnection, held: Claim, one: Subscription, now: datetime
) -> Digest | None:
    """What it brings: the same at each attempt, but for what is retracted since; None: nothing."""
    if held.content is not None:
        digest = Digest.model_validate(held.content)
    else:
        made = await _made(connection, held, one, now)
        if made is None:
            return None
        digest = made
        await replays_digests.write(connection, held, digest.model_dump(mode="json"))
    pmids = _pmids(digest)
    gone = await claims.gone(connection, digest.topic, pmids)
    return without(digest, gone) if pmids - gone.keys() else None


def _pmids(digest: Digest) -> set[int]:
    return {item.pmid for item in digest.everything}


async def _made(
    connection: AsyncConnection, held: Claim, one: Subscription, now: datetime
) -> Digest | None:
    others = [Digest.model_validate(one) for one in await replays_digests.beside(connection, held)]
    told = {pmid for other in others for pmid in (*other.told, *_pmids(other))}
    brought = await replays_store.collected(
        connection, held.replay_id, one.topic, held.subscription_id
    )
    found = [each for each in latest(brought) if each.pmid not in told]
    entries: list[Classified] = []
    left_out = 0
    for start in range(0, len(found), CHUNK):
        ids = [each.event_id for each in found[start : start + CHUNK]]
        read = wanted(one, await replays_store.entries(connection, held.replay_id, ids))
        left_out += len(entries) + len(read)
        entries = most_related([*entries, *read])
        left_out -= len(entries)
    if not entries:
        return None
    poll = await archive.last_poll(connection, one.topic)
    if poll is None:
        raise Permanent(NEVER_POLLED.format(topic=one.topic))
    span = min(each.at for each in found), max(each.at for each in found)
    return digest_of(head_of(one, held.digest_id, poll, span, now), entries, left_out)


async def _send(desk: Desk, held: Claim, one: Subscription, digest: Digest) -> str | None:
    """Hand over what was not accepted yet; the first part's id, `None` when the claim is lost."""
    if one.channel not in desk.office.senders:
        raise Retryable(f"no sender for channel {one.channel!r}: set NOTIFIER_DELIVERY to one")
    means = replace(desk.office.means, bounce_address=None)
    to = target(one, digest.id, means)
    made = packages(digest, one, to, means, desk.office.identity)
    for number in range(held.parts_sent, len(made)):
        await desk.office.senders[one.channel].send(made[number], to)
        until = desk.office.patience.timer() + desk.office.patience.lease
        async with transaction(desk.engine) as connection:
            if not await replays_digests.record_part(connection, held, number + 1, until):
                return None
    return made[0].id


async def _postpone(desk: Desk, held: Claim, fault: Retryable) -> None:
    if held.attempt > len(BACK_OFF):
        await _end(desk, held, Permanent(f"after {held.attempt} attempts: {fault}"))
        return
    wait = min(max(BACK_OFF[held.attempt - 1], fault.retry_after or timedelta()), LONGEST_WAIT)
    async with transaction(desk.engine) as connection:
        at = desk.office.patience.timer() + wait
        await replays_digests.postpone(connection, held, str(fault), at)
    log.warning("replay_digest_postponed", digest_id=held.digest_id, reason=str(fault))


async def _end(desk: Desk, held: Claim, fault: Permanent) -> None:
    """Given up. A recipient who is refused stays as they are: a test changes nobody's wishes."""
    async with transaction(desk.engine) as connection:
        await replays_digests.end(connection, held, "failed", desk.clock(), error=str(fault))
    log.error("replay_digest_failed", digest_id=held.digest_id, reason=str(fault))
