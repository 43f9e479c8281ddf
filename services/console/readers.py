"""Where the console finds the readers: in the embedded store, or in a deployment's database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.embedded import Embedded, opened
from services.console.settings import Settings
from services.console.stores import deployed_stores, embedded_url
from services.notifier import subscribers
from services.notifier.recipient import recipient
from services.notifier.subscribers import Kept
from services.notifier.vault import Vault
from shared.database import make_engine, transaction
from shared.errors import ConfigurationError
from shared.settings import load


@dataclass(frozen=True)
class Readers:
    """The notifier's store in a transaction, and what seals targets there.

    For a deployment there is no vault unless NOTIFIER_SECRET_KEY is given here too.
    """

    connection: AsyncConnection
    vault: Vault | None


@asynccontextmanager
async def readers(embedded: Embedded) -> AsyncIterator[Readers]:
    """The store of the deployment that CARILLON_DATABASE_URL names, else the embedded one.

    Raises:
        Retryable: the database is away.
    """
    url = load(Settings).database_url
    if url is None:
        async with opened(embedded) as line, transaction(line.stores.notifier) as connection:
            yield Readers(connection, Vault(embedded.notifier.keys()))
        return
    stores = deployed_stores(url.get_secret_value())
    given = embedded.notifier.secret_key
    try:
        async with transaction(stores.notifier) as connection:
            yield Readers(connection, Vault(embedded.notifier.keys()) if given else None)
    finally:
        await stores.close()


async def stored(settings: Settings, state: Path | None) -> Sequence[Kept]:
    """All subscriptions of the store beside the archive; none where there is no store.

    That is the one under `state`, of the deployment, or of the embedded mode. Only read: it is
    neither made nor brought up to date.

    Raises:
        Retryable: the database is away, or is not of this version.
    """
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
            return await subscribers.everybody(connection)
    finally:
        await engine.dispose()


async def named(connection: AsyncConnection, who: str) -> Sequence[Kept]:
    """The subscription of that id; or all of the person with that mail address.

    Raises:
        ConfigurationError: there is none.
        Unreadable: what is on record of it does not fit this version.
    """
    if "@" in who:
        found = await subscribers.everybody(connection, recipient("email", who))
    else:
        one = await subscribers.find(connection, who)
        found = [one] if one else []
    if not found:
        raise ConfigurationError("there is no such subscription: see `carillon subscribers list`")
    return found


def hashed(who: str) -> str:
    """The recipient of a mail address; what is such a hash already stays."""
    return recipient("email", who) if "@" in who else who
