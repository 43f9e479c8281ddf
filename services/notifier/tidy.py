"""What is forgotten with time: who asked, letters that have ended, wishes never confirmed.

And which events were received (`shared.inbox`), and what became of replayed ones. What a clock
that was ahead has left behind is put right here too.
"""

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import changes, ledger, letters_store
from services.notifier.letters import CONFIRM_WITHIN
from services.notifier.tables import inbox, outcomes, replay_entries
from services.notifier.web import attempts, limits
from shared.clock import Clock
from shared.database import transaction
from shared.forgetting import forget

log = structlog.get_logger(__name__)

UNCONFIRMED = CONFIRM_WITHIN + timedelta(days=1)
"""A wish that can no longer be confirmed is kept a day longer, so that its page can say so."""

LETTERS = timedelta(days=30)
"""How long the operator sees what became of a letter; its address is forgotten at once."""


INBOX = timedelta(days=90)
"""How long an event that comes again is known again, where no setting says else."""


async def tidy(
    engine: AsyncEngine, clock: Clock, timer: Clock, keep_inbox: timedelta = INBOX
) -> int:
    """Forget what is due to be forgotten; how many rows went. `timer` is the real time.

    Raises:
        Retryable: the database is away.
    """
    now = clock()
    async with transaction(engine) as connection:
        asked = await attempts.purge(connection, timer() - limits.KEEP)
        wishes = await changes.purge_unconfirmed(connection, now - UNCONFIRMED)
        letters = await letters_store.purge(connection, now - LETTERS)
        ahead = await ledger.end_those_ahead(connection, now)
    if ahead:
        log.warning("digests_of_a_clock_ahead", digests=ahead)
    if wishes:
        log.info("unconfirmed_forgotten", subscriptions=wishes)
    events = await forget(engine, inbox, "received_at", now - keep_inbox)
    if events:
        log.info("inbox_forgotten", events=events)
    replayed = await forget(engine, outcomes, "at", now - keep_inbox)
    replayed += await forget(engine, replay_entries, "received_at", now - keep_inbox)
    return asked + wishes + letters + events + replayed
