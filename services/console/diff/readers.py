"""The subscriptions whose digests are compared: a file's, or those of the notifier's store."""

from pathlib import Path

from services.console.diff.run import Subscribers
from services.console.readers import stored
from services.console.settings import Settings
from services.notifier.entries import load


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
    kept = () if alone else await stored(settings, state)
    found = [one.subscription for one in kept if one.is_mailable]
    return lambda _: found
