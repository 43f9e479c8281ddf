"""One digest on its way: claim, render, send, record.

A mail cannot be un-sent, and no server and database commit together. So the digest and its ledger
rows are written as an intent first, and as sent after the server's answer. Whoever dies between
the two leaves an intent; when its lease has passed it is rendered again from the stored content,
to the same bytes with the same Message-ID, and sent again. That is the choice: one mail twice,
which mail clients can recognise, rather than a paper missed. `attempts` counts each hand-over.
A paper that was retracted while its digest waited is taken out of it first: it is never news.

It is the same on each channel; a webhook's id is that of the digest. Slack takes a long digest in
parts: each is recorded when it was accepted, and a later attempt goes on after it, so that a
crash repeats one part and not all.

An attempt that ended without the server's answer may have reached the reader. That stays on
record (`maybe_sent`), whatever the next attempts bring: a retraction is then told by a notice,
and when the digest is given up its articles count as told, which its row says. The other choice,
to send them once more with the next digest, would let a server that always takes the mail and
never answers bring the same papers each day.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.notifier import claims, dead
from services.notifier.claims import Accepted
from services.notifier.metrics import Delivered
from services.notifier.office import BACK_OFF, LONGEST_WAIT, Desk
from services.notifier.packing import packages, target
from services.notifier.parcels import Packed, Parcel
from services.notifier.partly import told_by, without
from services.notifier.plan import SOURCE
from services.notifier.recorder import Done, Recorder
from services.notifier.senders import AnswerLost, RecipientRejected
from services.notifier.traced import cut_of, delivered_id
from shared import tracing
from shared.database import transaction
from shared.errors import Permanent, Retryable
from shared.events import DigestDelivered, DigestSent, traceparent
from shared.under_replay import UnderReplay

__all__ = ["hand_over"]

log = structlog.get_logger(__name__)

UNDER_REPLAY = UnderReplay.LIVE_ONLY
"""A digest is cut of what live events have written."""

ENOUGH = 0.8
"""Of a lease has to be left for a hand-over: four mails in turn, two minutes each at most."""


@dataclass(frozen=True)
class Way:
    """What the digests of a lane share: the `room` to be sent at once, and who records them."""

    room: asyncio.Semaphore
    recorder: Recorder


async def hand_over(desk: Desk, parcel: Parcel, way: Way) -> bool:
    """Send one claimed digest; True when it is on record as sent by this call.

    Raises:
        Retryable: the database is away; the digest stays claimed until its lease has passed.
    """
    claim, digest = parcel.claim, parcel.digest
    under = cut_of(digest) if digest and tracing.tracer() else None
    about = tracing.span(
        "deliver digest", under=under, digest_id=claim.digest_id, attempt=claim.attempt
    )
    with about as span:
        is_sent = await _handed_over(desk, parcel, way)
        span.note(sent=is_sent)
    return is_sent


async def _handed_over(desk: Desk, parcel: Parcel, way: Way) -> bool:
    try:
        packed = pack(desk, parcel)
        is_whole = await _send_all(desk, packed, way.room)
    except AnswerLost as fault:
        await _note_maybe_sent(desk, parcel)
        await _postpone(desk, parcel, fault)
    except Retryable as fault:
        await _postpone(desk, parcel, fault)
    except Permanent as fault:
        await _give_up(desk, parcel, fault)
    except Exception as error:  # a bug in one digest must not hold up the others
        log.exception("digest_delivery_broke", digest_id=parcel.claim.digest_id)
        await _postpone(desk, parcel, Retryable(f"a bug: {type(error).__name__}"))
    else:
        return is_whole and await _record(desk, packed, way.recorder)
    return False


def pack(desk: Desk, parcel: Parcel) -> Packed:
    """The messages of a parcel; what was retracted since is not in those that are left.

    Raises:
        Retryable, Permanent: what hinders the parcel, or an address that no header can carry.
    """
    if parcel.fault:
        raise parcel.fault
    return _packed(desk, parcel)


def _packed(desk: Desk, parcel: Parcel) -> Packed:
    digest, one = parcel.digest, parcel.subscription
    if digest is None:
        raise Permanent("the digest has no content")
    to = target(one, digest.id, desk.office.means)
    made = packages(digest, one, to, desk.office.means, desk.office.identity)
    sent = parcel.claim.parts_sent
    left = [without(part, parcel.gone) for part in made[sent:]] if parcel.gone else made[sent:]
    return Packed(parcel, digest, [*made[:sent], *left], to)


async def _send_all(desk: Desk, packed: Packed, room: asyncio.Semaphore) -> bool:
    """Hand over what was not accepted yet, part by part; False when the lease is running out."""
    claim = packed.parcel.claim
    until: datetime | None = claim.until
    await _withhold(desk, packed)
    for number in range(claim.parts_sent, len(packed.packages)):
        if number > claim.parts_sent:
            until = await _record_part(desk, packed, number)
        if until is None:
            return False
        async with room:
            if until - desk.office.patience.timer() < desk.office.patience.lease * ENOUGH:
                await _release(desk, packed.parcel)
                return False
            await _send(desk, packed, number)
    return True


async def _withhold(desk: Desk, packed: Packed) -> None:
    """What is gone from the parts that are left was not told, if no part before had it."""
    claim = packed.parcel.claim
    hidden = packed.parcel.gone - told_by(packed.digest, packed.packages, claim.parts_sent)
    if hidden and not claim.maybe_sent:
        async with transaction(desk.engine) as connection:
            if await claims.is_held(connection, claim):
                await claims.untell(connection, packed.digest.id, hidden)


async def _send(desk: Desk, packed: Packed, number: int) -> None:
    channel = packed.parcel.subscription.channel
    if channel not in desk.office.senders:
        raise Retryable(f"no sender for channel {channel!r}: set NOTIFIER_DELIVERY to one for it")
    sender, about = desk.office.senders[channel], packed.digest.id
    try:
        with tracing.span(f"send {channel}", "client", digest_id=about, part=number):
            await sender.send(packed.packages[number], packed.target)
    except (Permanent, Retryable):
        raise
    except Exception as error:  # a bug in one digest must not hold up the others
        log.exception("digest_hand_over_broke", digest_id=packed.digest.id)
        raise AnswerLost(f"a bug: {type(error).__name__}") from error


async def _record_part(desk: Desk, packed: Packed, parts_sent: int) -> datetime | None:
    """What the channel has taken is on record before the next part goes; until when it may.

    `None` when another notifier has claimed the digest since: the rest is that one's.
    """
    claim = packed.parcel.claim
    until = desk.office.patience.timer() + desk.office.patience.lease
    async with transaction(desk.engine) as connection:
        is_held = await claims.record_part(connection, claim, parts_sent, until)
    return until if is_held else None


async def _release(desk: Desk, parcel: Parcel) -> None:
    async with transaction(desk.engine) as connection:
        await claims.release(connection, parcel.claim)
    log.info("digest_released", digest_id=parcel.claim.digest_id)


async def _note_maybe_sent(desk: Desk, parcel: Parcel) -> None:
    async with transaction(desk.engine) as connection:
        await claims.note_maybe_sent(connection, parcel.claim.digest_id)


async def _postpone(desk: Desk, parcel: Parcel, fault: Retryable) -> None:
    attempt = parcel.claim.attempt
    if attempt > len(BACK_OFF):
        await _give_up(desk, parcel, Permanent(f"after {attempt} attempts: {fault}"))
        return
    wait = min(max(BACK_OFF[attempt - 1], fault.retry_after or timedelta()), LONGEST_WAIT)
    async with transaction(desk.engine) as connection:
        next_try_at = desk.office.patience.timer() + wait
        await claims.postpone(connection, parcel.claim, str(fault), next_try_at)
    _count(desk, parcel, "unanswered" if isinstance(fault, AnswerLost) else "postponed")
    log.warning(
        "digest_postponed",
        digest_id=parcel.claim.digest_id,
        attempt=attempt,
        seconds=int(wait.total_seconds()),
        reason=str(fault),
    )


async def _give_up(desk: Desk, parcel: Parcel, fault: Permanent) -> None:
    """The articles go to the next digest, unless they may have arrived.

    A rejected recipient gets none until it is put right.
    """
    digest_id, now = parcel.claim.digest_id, desk.clock()
    rejected = isinstance(fault, RecipientRejected)
    told = _told(desk, parcel)
    async with transaction(desk.engine) as connection:
        await claims.give_up(connection, parcel.claim, str(fault), now, told)
        if rejected:
            await dead.switch_off(connection, parcel.subscription, str(fault), now)
    _count(desk, parcel, "rejected" if rejected else "failed")
    log.error("digest_failed", digest_id=digest_id, reason=str(fault), deactivated=rejected)


def _told(desk: Desk, parcel: Parcel) -> "claims.ToldBy | None":
    """What the first so many parts tell; `None` where it is all or nothing."""
    try:
        packed = _packed(desk, parcel)
    except Permanent:
        return None
    if len(packed.packages) < 2:
        return None
    return lambda parts: told_by(packed.digest, packed.packages, parts)


async def _record(desk: Desk, packed: Packed, recorder: Recorder) -> bool:
    digest, message_id = packed.digest, packed.packages[0].id
    event = _delivered(packed, message_id, desk.clock())
    accepted = Accepted(digest.id, message_id, len(packed.packages))
    tracer = tracing.tracer()
    done = Done(accepted, event, by=tracer.here() if tracer else None)
    is_first = await recorder.sent(done)
    _count(desk, packed.parcel, "sent")
    if is_first and digest.kind == "digest":
        news = tuple(item.pmid for item in digest.items)
        desk.office.metrics.delivered(Delivered(digest.topic, digest.cadence, news, event.time))
    attempt = packed.parcel.claim.attempt
    log.info("digest_sent", digest_id=digest.id, articles=digest.total, attempt=attempt)
    return is_first


def _count(desk: Desk, parcel: Parcel, outcome: str) -> None:
    desk.office.metrics.handed_over(parcel.subscription.channel, outcome)


def _delivered(packed: Packed, message_id: str, now: datetime) -> DigestDelivered:
    digest = packed.digest
    identity = delivered_id(digest)
    return DigestDelivered(
        id=identity,
        source=f"{SOURCE}:{digest.topic}",
        subject=digest.id,
        time=now,
        traceparent=traceparent(identity),
        data=DigestSent(
            topic=digest.topic,
            digest_id=digest.id,
            subscription_id=digest.subscription_id,
            channel=packed.parcel.subscription.channel,
            pmids=tuple(digest.told),
            notices=tuple(dict.fromkeys(notice.pmid for notice in digest.notices)),
            period_from=digest.period_from,
            period_to=digest.period_to,
            message_id=message_id,
        ),
    )
