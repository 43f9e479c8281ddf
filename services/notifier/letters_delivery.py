"""Letters on their way: claim, write, send, record; like digests, but each for itself.

A letter whose server never answered is sent again with the same Message-ID: its link does the
same. One that could not be sent before its link ends is given up.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import bounces, letters_store
from services.notifier.hold import is_held
from services.notifier.letters import Letter, words
from services.notifier.office import LONGEST_WAIT, Office
from services.notifier.render.letter import letter as written
from services.notifier.render.mail import Envelope
from services.notifier.senders import Package, RecipientRejected, Target
from services.notifier.suppression import is_suppressed
from services.notifier.tokens import Tokens
from shared import tracing
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Permanent, Retryable
from shared.under_replay import UnderReplay

log = structlog.get_logger(__name__)

UNDER_REPLAY = UnderReplay.LIVE_ONLY
"""A letter answers an act of somebody: a replay is none."""

BACK_OFF = tuple(timedelta(minutes=n) for n in (1, 2, 5, 15, 60))
"""Waits after the first, second ... failed attempt; the last one repeats until the link ends."""

TOO_LATE = "its link ended before it could be sent"
SUPPRESSED = "its recipient is never to be written to"


@dataclass(frozen=True)
class Mailroom:
    """Where letters leave: on which database, as whom, with links to which pages.

    `bounce_address` is where undeliverable ones return to, with a token for each.
    """

    engine: AsyncEngine
    office: Office
    tokens: Tokens
    public_url: str
    clock: Clock
    bounce_address: str | None = None


async def deliver_letters(room: Mailroom) -> int:
    """Send what waits, unless sending is held; how many letters were sent.

    Several notifiers may do so at once.

    Raises:
        Retryable: the database is away.
    """
    if await is_held(room.engine):
        return 0
    async with transaction(room.engine) as connection:
        waiting = await letters_store.waiting(connection, room.office.patience.turn())
    return sum([await _deliver(room, letter_id) for letter_id in waiting])


async def _deliver(room: Mailroom, letter_id: str) -> bool:
    async with transaction(room.engine) as connection:
        claimed = await letters_store.claim(connection, letter_id, room.office.patience.turn())
        if claimed is None:
            return False
        letter, attempt = claimed
        barred = await is_suppressed(connection, letter.recipient)
        topic = await letters_store.title(connection, str(letter.told.get("topic") or ""))
    letter = replace(letter, told={**letter.told, "topic": topic})
    try:
        await _hand_over(room, letter, barred=barred)
    except Retryable as fault:
        await _postpone(room, letter, attempt, fault)
    except Permanent as fault:
        await _end(room, letter, fault)
    except Exception as error:  # a bug in one letter must not hold up the others
        log.exception("letter_broke", letter_id=letter.id)
        await _postpone(room, letter, attempt, Retryable(f"a bug: {type(error).__name__}"))
    else:
        await _end(room, letter, None)
        return True
    return False


async def _hand_over(room: Mailroom, letter: Letter, *, barred: bool) -> None:
    if barred:
        raise Permanent(SUPPRESSED)
    if room.clock() >= letter.until:
        raise Permanent(TOO_LATE)
    identity = room.office.identity
    envelope = Envelope(identity.sender, letter.address, identity.list_id, identity.host)
    said = words(letter, room.tokens, room.public_url)
    mail = written(said, envelope, letter.id, letter.created_at)
    package = Package(mail.message_id, mail.content)
    target = Target(letter.address, None, _back(room, letter))
    with tracing.span("send letter", "client", letter_id=letter.id, letter_kind=letter.kind):
        await room.office.senders["email"].send(package, target)


def _back(room: Mailroom, letter: Letter) -> str | None:
    if room.bounce_address is None:
        return None
    return bounces.address_for(room.tokens, room.bounce_address, "letter", letter.id)


async def _postpone(room: Mailroom, letter: Letter, attempt: int, fault: Retryable) -> None:
    wait = max(BACK_OFF[min(attempt, len(BACK_OFF)) - 1], fault.retry_after or timedelta())
    at = room.office.patience.timer() + min(wait, LONGEST_WAIT)
    async with transaction(room.engine) as connection:
        await letters_store.postpone(connection, letter.id, attempt, str(fault), at)
    room.office.metrics.letter("postponed")
    log.warning("letter_postponed", letter_id=letter.id, kind=letter.kind, reason=str(fault))


async def _end(room: Mailroom, letter: Letter, fault: Permanent | None) -> None:
    reason = str(fault) if fault else None
    async with transaction(room.engine) as connection:
        await letters_store.end(connection, letter.id, room.clock(), reason)
    room.office.metrics.letter("failed" if fault else "sent")
    if fault is None:
        log.info("letter_sent", letter_id=letter.id, kind=letter.kind)
        return
    rejected = isinstance(fault, RecipientRejected)
    log.warning(
        "letter_failed", letter_id=letter.id, kind=letter.kind, reason=reason, rejected=rejected
    )
