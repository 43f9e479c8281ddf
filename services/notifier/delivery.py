"""One digest on its way: claim, render, send, record.

A mail cannot be un-sent, and no server and database commit together. So the digest and its ledger
rows are written as an intent first, and as sent after the server's answer. Whoever dies between
the two leaves an intent; when its lease has passed it is rendered again from the stored content,
to the same bytes with the same Message-ID, and sent again. That is the choice: one mail twice,
which mail clients can recognise, rather than a paper missed. `attempts` counts each hand-over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import ledger, subscribers
from services.notifier.digest import Digest
from services.notifier.plan import SOURCE
from services.notifier.render.mail import Envelope, message
from services.notifier.senders import RecipientRejected, Senders
from services.notifier.subscription import Subscription
from services.notifier.tables import outbox
from shared.clock import Clock, system_clock
from shared.database import transaction
from shared.errors import Permanent, Retryable
from shared.events import DigestDelivered, DigestSent, event_id, traceparent
from shared.outbox import add

log = structlog.get_logger(__name__)

BACK_OFF = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60, *(240,) * 5))
"""Waits after the first, second ... failed attempt, 21 hours in all; then it is given up."""

INACTIVE = "the subscription is no longer active"
SILENT = "no answer came from any attempt"


@dataclass(frozen=True)
class Identity:
    """As whom we write: the From address, the List-Id, the right side of Message-IDs."""

    sender: str
    list_id: str
    host: str


@dataclass(frozen=True)
class Patience:
    """How long to wait for what.

    `max_wait` is for articles on their way when a digest is due. `lease` is how long a digest
    belongs to the notifier that claimed it: longer than any hand-over takes. Leases and back-off
    go by `timer`, the real time, also where the days are simulated and stand still.
    """

    max_wait: timedelta = timedelta(hours=2)
    lease: timedelta = timedelta(minutes=10)
    timer: Clock = system_clock


@dataclass(frozen=True)
class Office:
    """What delivery needs: where things are, through what, as whom, and when."""

    engine: AsyncEngine
    senders: Senders
    clock: Clock
    identity: Identity
    patience: Patience = Patience()


@dataclass(frozen=True)
class Parcel:
    """A claimed digest and its subscriber."""

    digest: Digest
    subscription: Subscription
    attempt: int


async def deliver(office: Office, digest_id: str) -> bool:
    """Send one digest; True when it is on record as sent by this call.

    Raises:
        Retryable: the database is away; the digest stays claimed until its lease has passed.
    """
    parcel = await _claim(office, digest_id)
    if parcel is None:
        return False
    try:
        mail = message(parcel.digest, _envelope(office, parcel.subscription))
        await _hand_over(office, parcel, mail)
    except Retryable as fault:
        await _postpone(office, parcel, fault)
        return False
    except Permanent as fault:
        await _give_up(office, parcel, fault)
        return False
    except Exception as error:  # a bug in one digest must not hold up the others
        log.exception("digest_delivery_broke", digest_id=digest_id)
        await _postpone(office, parcel, Retryable(f"a bug: {type(error).__name__}"))
        return False
    return await _record(office, parcel, str(mail["Message-ID"]))


async def _claim(office: Office, digest_id: str) -> Parcel | None:
    """Take the digest, unless another has it, it was tried too often, or nobody wants it now."""
    patience = office.patience
    async with transaction(office.engine) as connection:
        claim = await ledger.claim(connection, digest_id, patience.timer(), patience.lease)
        if claim is None:
            return None
        subscription = await subscribers.lock(connection, claim.digest.subscription_id)
        if subscription is None:
            await ledger.give_up(connection, digest_id, INACTIVE)
            return None
        if claim.attempt > len(BACK_OFF) + 1:  # only by crashing each time is one tried so often
            await ledger.give_up(connection, digest_id, SILENT)
            return None
    return Parcel(claim.digest, subscription, claim.attempt)


def _envelope(office: Office, subscription: Subscription) -> Envelope:
    identity = office.identity
    return Envelope(
        sender=identity.sender,
        recipient=subscription.address.get_secret_value(),
        list_id=identity.list_id,
        host=identity.host,
    )


async def _hand_over(office: Office, parcel: Parcel, mail: EmailMessage) -> None:
    channel = parcel.subscription.channel
    if channel not in office.senders:
        raise Retryable(f"no sender for channel {channel!r}: set NOTIFIER_DELIVERY to one for it")
    address = parcel.subscription.address.get_secret_value()
    await office.senders[channel].send(mail, address)


async def _postpone(office: Office, parcel: Parcel, fault: Retryable) -> None:
    if parcel.attempt > len(BACK_OFF):
        await _give_up(office, parcel, Permanent(f"after {parcel.attempt} attempts: {fault}"))
        return
    wait = max(BACK_OFF[parcel.attempt - 1], fault.retry_after or timedelta())
    async with transaction(office.engine) as connection:
        next_try_at = office.patience.timer() + wait
        await ledger.postpone(connection, parcel.digest.id, str(fault), next_try_at)
    log.warning(
        "digest_postponed",
        digest_id=parcel.digest.id,
        attempt=parcel.attempt,
        seconds=int(wait.total_seconds()),
        reason=str(fault),
    )


async def _give_up(office: Office, parcel: Parcel, fault: Permanent) -> None:
    """The articles go to the next digest; a rejected recipient gets none until it is put right."""
    digest = parcel.digest
    rejected = isinstance(fault, RecipientRejected)
    async with transaction(office.engine) as connection:
        await ledger.give_up(connection, digest.id, str(fault))
        if rejected:
            await subscribers.deactivate(connection, digest.subscription_id, str(fault))
    log.error("digest_failed", digest_id=digest.id, reason=str(fault), deactivated=rejected)


async def _record(office: Office, parcel: Parcel, message_id: str) -> bool:
    digest, now = parcel.digest, office.clock()
    async with transaction(office.engine) as connection:
        is_first = await ledger.record_sent(connection, digest.id, message_id, now)
        if is_first:
            await add(connection, outbox, _delivered(parcel, message_id, now), now)
    log.info("digest_sent", digest_id=digest.id, articles=digest.total, attempt=parcel.attempt)
    return is_first


def _delivered(parcel: Parcel, message_id: str, now: datetime) -> DigestDelivered:
    digest = parcel.digest
    source = f"{SOURCE}:{digest.topic}"
    identity = event_id(source, "digest.delivered", digest.id)
    return DigestDelivered(
        id=identity,
        source=source,
        subject=digest.id,
        time=now,
        traceparent=traceparent(identity),
        data=DigestSent(
            topic=digest.topic,
            digest_id=digest.id,
            subscription_id=digest.subscription_id,
            channel=parcel.subscription.channel,
            pmids=tuple(item.pmid for item in digest.items),
            notices=tuple(dict.fromkeys(notice.pmid for notice in digest.notices)),
            period_from=digest.period_from,
            period_to=digest.period_to,
            message_id=message_id,
        ),
    )
