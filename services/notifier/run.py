"""One pass of the notifier's clockwork: cut the digests that are due, send what waits."""

from collections.abc import Awaitable, Collection
from pathlib import Path
from time import monotonic

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import listing
from services.notifier.digest import Digest
from services.notifier.entries import load
from services.notifier.hold import is_held
from services.notifier.lanes import deliver_waiting
from services.notifier.notify import notify, to_notify
from services.notifier.office import Desk, Office, Patience
from services.notifier.packing import Identity
from services.notifier.plan import Terms, cut, due
from services.notifier.subscription import Subscription
from services.notifier.traced import tell_cut
from services.notifier.vault import Vault
from shared import tracing
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Retryable

__all__ = ["Identity", "Office", "Patience", "deliver_due", "load_subscriptions", "sync"]

log = structlog.get_logger(__name__)


async def load_subscriptions(
    engine: AsyncEngine, path: Path, clock: Clock, vault: Vault | None = None
) -> int:
    """Make the database say what the subscriptions file says; how many it lists.

    The `vault` seals the targets that are no mailbox.

    Raises:
        ConfigurationError: the file cannot be read or is wrong; nothing is changed then.
        Retryable: the database is away.
    """
    wanted = load(path, clock())
    await sync(engine, wanted, clock, vault)
    log.info("subscriptions_loaded", file=str(path), subscriptions=len(wanted))
    return len(wanted)


async def sync(
    engine: AsyncEngine,
    wanted: Collection[Subscription],
    clock: Clock,
    vault: Vault | None = None,
) -> None:
    """Make the database say that exactly these are the file's subscriptions.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        gone = await listing.sync_file(connection, wanted, clock(), vault)
    if gone:
        log.warning("subscriptions_switched_off", switched_off=gone, listed=len(wanted))


async def deliver_due(engine: AsyncEngine, office: Office, clock: Clock) -> int:
    """Cut what is due, send what waits; the number of digests sent.

    Safe to call again at any time and from several notifiers at once: a digest is cut once per
    due instant and sent by the one that claims it. While sending is held, nothing is done.

    Raises:
        Retryable: the database is away.
    """
    if await is_held(engine):
        return 0
    desk = Desk(engine, office, clock)
    await cut_due(desk)
    try:
        return await deliver_waiting(desk)
    finally:
        for sender in office.senders.values():
            await sender.rest()


async def cut_due(desk: Desk) -> int:
    """Write down the digests that are due, for some seconds; how many were looked at.

    One that cannot be made does not hold up the others, and each has its turn before any has
    another.

    Raises:
        Retryable: the database is away.
    """
    now, ends = desk.clock(), monotonic() + desk.office.patience.cutting
    terms = Terms(desk.office.patience.max_wait, desk.office.background)
    looked = 0
    for subscription_id in await to_notify(desk.engine, now):
        await _written(
            desk, subscription_id, notify(desk.engine, subscription_id, now, terms.gathered)
        )
    for subscription_id in desk.office.rota.ordered(await due(desk.engine, now)):
        looked += 1
        desk.office.rota.had(subscription_id)
        await _written(desk, subscription_id, cut(desk.engine, subscription_id, now, terms))
        if monotonic() > ends:
            break
    return looked


async def _written(desk: Desk, subscription_id: str, written: Awaitable[Digest | None]) -> None:
    since = tracing.now()
    try:
        digest = await written
    except Retryable:
        raise
    except Exception:  # one subscription must not hold up the others; the next pass tries again
        log.exception("digest_not_cut", subscription_id=subscription_id)
        desk.office.metrics.not_cut()
        return
    if digest is not None:
        log.info("digest_cut", digest_id=digest.id, kind=digest.kind, articles=digest.total)
        await tell_cut(desk.engine, digest, since)
