"""One digest on its way: claim, render, send, record.

A mail cannot be un-sent, and no server and database commit together. So the digest and its ledger
rows are written as an intent first, and as sent after the server's answer. Whoever dies between
the two leaves an intent; when its lease has passed it is rendered again from the stored content,
to the same bytes with the same Message-ID, and sent again. That is the choice: one mail twice,
which mail clients can recognise, rather than a paper missed. `attempts` counts each hand-over.
A paper that was retracted while its digest waited is taken out of it first: it is never news.

An attempt that ended without the server's answer may have reached the reader. That stays on
record (`maybe_sent`), whatever the next attempts bring: a retraction is then told by a notice,
and when the digest is given up its articles count as told, which its row says. The other choice,
to send them once more with the next digest, would let a server that always takes the mail and
never answers bring the same papers each day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import ledger, subscribers
from services.notifier.compose import without
from services.notifier.digest import Digest
from services.notifier.ledger import Claim
from services.notifier.plan import BACKGROUND, SOURCE
from services.notifier.render.mail import Envelope, Written, written
from services.notifier.senders import AnswerLost, Package, RecipientRejected, Senders, Target
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

LONGEST_WAIT = timedelta(days=1)
"""A channel that asks to come back later than this is asked sooner all the same."""

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

    def turn(self) -> ledger.Turn:
        """What may be taken now."""
        return ledger.Turn(self.timer(), self.lease, LONGEST_WAIT)


@dataclass(frozen=True)
class Office:
    """How digests leave: through which senders, as whom, and how patiently.

    `background` is how many background articles one digest brings to those who want them.
    """

    senders: Senders
    identity: Identity
    patience: Patience = Patience()
    background: int = BACKGROUND


@dataclass(frozen=True)
class Desk:
    """An office at work: on which database, by which clock."""

    engine: AsyncEngine
    office: Office
    clock: Clock


@dataclass(frozen=True)
class Parcel:
    """A claimed digest and its subscriber."""

    claim: Claim
    subscription: Subscription


async def deliver(desk: Desk, digest_id: str) -> bool:
    """Send one digest; True when it is on record as sent by this call.

    Raises:
        Retryable: the database is away; the digest stays claimed until its lease has passed.
    """
    try:
        parcel = await _claim(desk, digest_id)
    except subscribers.Unreadable:  # logged when its row was read; the digest waits for its mending
        return False
    if parcel is None:
        return False
    try:
        digest = await _checked(desk, parcel.claim)
        mail = written(digest, _envelope(desk, parcel.subscription))
        await _hand_over(desk, parcel, mail)
    except AnswerLost as fault:
        await _note_maybe_sent(desk, parcel)
        await _postpone(desk, parcel, fault)
    except Retryable as fault:
        await _postpone(desk, parcel, fault)
    except Permanent as fault:
        await _give_up(desk, parcel, fault)
    except Exception as error:  # a bug in one digest must not hold up the others
        log.exception("digest_delivery_broke", digest_id=digest_id)
        await _postpone(desk, parcel, Retryable(f"a bug: {type(error).__name__}"))
    else:
        return await _record(desk, parcel, digest, mail.message_id)
    return False


async def _claim(desk: Desk, digest_id: str) -> Parcel | None:
    """Take the digest, unless another has it, it was tried too often, or nobody wants it now."""
    async with transaction(desk.engine) as connection:
        claim = await ledger.claim(connection, digest_id, desk.office.patience.turn())
        if claim is None:
            return None
        subscription = await subscribers.lock(connection, claim.subscription_id)
        if subscription is None:
            await ledger.give_up(connection, digest_id, INACTIVE, desk.clock())
            return None
        if claim.attempt > len(BACK_OFF) + 1:  # only by crashing each time is one tried so often
            await ledger.give_up(connection, digest_id, SILENT, desk.clock())
            return None
    return Parcel(claim, subscription)


async def _checked(desk: Desk, claim: ledger.Claim) -> Digest:
    """The digest as stored, but for what was retracted while it waited: that is never news."""
    digest = Digest.model_validate(claim.content)
    async with transaction(desk.engine) as connection:
        gone = await ledger.gone_since(connection, digest.id, digest.topic)
        if gone.keys() & {item.pmid for item in digest.everything}:
            left = without(digest, gone)
            untold = digest.told.keys() - left.told.keys()
            await ledger.withhold(connection, left, untold, maybe_sent=claim.maybe_sent)
            return left
    return digest


def _envelope(desk: Desk, subscription: Subscription) -> Envelope:
    identity = desk.office.identity
    return Envelope(
        sender=identity.sender,
        recipient=subscription.address.get_secret_value(),
        list_id=identity.list_id,
        host=identity.host,
    )


async def _hand_over(desk: Desk, parcel: Parcel, mail: Written) -> None:
    channel = parcel.subscription.channel
    if channel not in desk.office.senders:
        raise Retryable(f"no sender for channel {channel!r}: set NOTIFIER_DELIVERY to one for it")
    address = parcel.subscription.address.get_secret_value()
    sender = desk.office.senders[channel]
    try:
        await sender.send(Package(mail.message_id, mail.content), Target(address))
    except (Permanent, Retryable):
        raise
    except Exception as error:  # a bug in one digest must not hold up the others
        log.exception("digest_hand_over_broke", digest_id=parcel.claim.digest_id)
        raise AnswerLost(f"a bug: {type(error).__name__}") from error


async def _note_maybe_sent(desk: Desk, parcel: Parcel) -> None:
    async with transaction(desk.engine) as connection:
        await ledger.note_maybe_sent(connection, parcel.claim.digest_id)


async def _postpone(desk: Desk, parcel: Parcel, fault: Retryable) -> None:
    attempt = parcel.claim.attempt
    if attempt > len(BACK_OFF):
        await _give_up(desk, parcel, Permanent(f"after {attempt} attempts: {fault}"))
        return
    wait = min(max(BACK_OFF[attempt - 1], fault.retry_after or timedelta()), LONGEST_WAIT)
    async with transaction(desk.engine) as connection:
        next_try_at = desk.office.patience.timer() + wait
        await ledger.postpone(connection, parcel.claim.digest_id, str(fault), next_try_at)
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
    claim = parcel.claim
    rejected = isinstance(fault, RecipientRejected)
    async with transaction(desk.engine) as connection:
        await ledger.give_up(connection, claim.digest_id, str(fault), desk.clock())
        if rejected:
            await subscribers.deactivate(connection, claim.subscription_id, str(fault))
    log.error("digest_failed", digest_id=claim.digest_id, reason=str(fault), deactivated=rejected)


async def _record(desk: Desk, parcel: Parcel, digest: Digest, message_id: str) -> bool:
    now = desk.clock()
    event = _delivered(digest, parcel.subscription.channel, message_id, now)
    async with transaction(desk.engine) as connection:
        is_first = await ledger.record_sent(connection, digest.id, message_id, now)
        if is_first:
            await add(connection, outbox, event, now)
    attempt = parcel.claim.attempt
    log.info("digest_sent", digest_id=digest.id, articles=digest.total, attempt=attempt)
    return is_first


def _delivered(digest: Digest, channel: str, message_id: str, now: datetime) -> DigestDelivered:
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
            channel=channel,
            pmids=tuple(digest.told),
            notices=tuple(dict.fromkeys(notice.pmid for notice in digest.notices)),
            period_from=digest.period_from,
            period_to=digest.period_to,
            message_id=message_id,
        ),
    )
