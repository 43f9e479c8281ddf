"""One pass of the notifier's clockwork: cut the digests that are due, send what waits."""

from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import ledger, subscribers
from services.notifier.delivery import Identity, Office, Patience, deliver
from services.notifier.plan import cut, due
from services.notifier.senders import Senders
from services.notifier.subscription import load
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Retryable

log = structlog.get_logger(__name__)


async def load_subscriptions(engine: AsyncEngine, path: Path, clock: Clock) -> int:
    """Make the database say what the subscriptions file says; how many it lists.

    Raises:
        ConfigurationError: the file cannot be read or is wrong; nothing is changed then.
        Retryable: the database is away.
    """
    now = clock()
    wanted = load(path, now)
    async with transaction(engine) as connection:
        await subscribers.sync_file(connection, wanted, now)
    log.info("subscriptions_loaded", file=str(path), subscriptions=len(wanted))
    return len(wanted)


async def deliver_due(
    engine: AsyncEngine,
    senders: Senders,
    clock: Clock,
    identity: Identity,
    patience: Patience | None = None,
) -> int:
    """Cut what is due, send what waits; the number of digests sent.

    Safe to call again at any time and from several notifiers at once: a digest is cut once per
    due instant and sent by the one that claims it.

    Raises:
        Retryable: the database is away.
    """
    office = Office(engine, senders, clock, identity, patience or Patience())
    await _cut_due(office)
    async with transaction(engine) as connection:
        waiting = await ledger.waiting(connection, office.patience.timer())
    return sum([await deliver(office, digest_id) for digest_id in waiting])


async def _cut_due(office: Office) -> None:
    now = office.clock()
    for subscription_id in await due(office.engine, now):
        try:
            digest = await cut(office.engine, subscription_id, now, office.patience.max_wait)
        except Retryable:
            raise
        except Exception:  # one subscription must not hold up the others; the next pass tries again
            log.exception("digest_not_cut", subscription_id=subscription_id)
            continue
        if digest is not None:
            log.info("digest_cut", digest_id=digest.id, articles=digest.total)
