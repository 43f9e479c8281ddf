"""The subscriptions whose digests are compared: a file's, or those of the notifier's store."""

from collections.abc import Sequence
from pathlib import Path

from services.console.diff.run import Subscribers
from services.console.settings import Settings
from services.console.stores import deployed_stores, embedded_url
from services.notifier import subscribers
from services.notifier.entries import load
from services.notifier.subscription import Subscription
from shared.database import make_engine, transaction


async def subscribers_of(
    settings: Settings, file: Path | None, state: Path | None, *, alone: bool
) -> Subscribers:
    """Those in `file`; else, unless `alone`, those of the store that may be mailed. None is asked.

    The store is that beside the archive: under `state`, of the deployment, or of the embedded mode.

    Raises:
        ConfigurationError: the file cannot be used.
        Retryable: the database is away.
    """
    if file is not None:
        return lambda since: load(file, since)
    found = () if alone else await _stored(settings, state)
    return lambda _: found


async def _stored(settings: Settings, state: Path | None) -> Sequence[Subscription]:
    if state is None and settings.amqp_url is not None:
        if settings.database_url is None:
            return ()
        engine = deployed_stores(settings.database_url.get_secret_value()).notifier
    elif ((state or settings.state) / "notifier.db").exists():
        engine = make_engine(embedded_url(state or settings.state, "notifier"))
    else:
        return ()
    try:
        async with transaction(engine) as connection:
            kept = await subscribers.everybody(connection)
    finally:
        await engine.dispose()
    return [one.subscription for one in kept if one.is_mailable]
