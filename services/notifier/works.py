"""The notifier's parts put together: its pages, its office, and what it does by the clock.

The deployed service, `carillon run` and the demo all stand on these: none of them lacks a part.
"""

from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from secrets import token_hex

from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.archive.waiting import index_waiting
from services.notifier.letters_delivery import Mailroom, deliver_letters
from services.notifier.office import Desk, Office
from services.notifier.packing import Means
from services.notifier.replays_delivery import deliver_replays
from services.notifier.rota import Rota
from services.notifier.run import deliver_due
from services.notifier.senders import Sender
from services.notifier.senders.choose import choose
from services.notifier.settings import Settings
from services.notifier.tidy import INBOX, tidy
from services.notifier.tokens import Tokens
from services.notifier.vault import Vault
from services.notifier.web.app import make_web
from services.notifier.web.house import House
from shared.clock import Clock
from shared.process import Loop
from shared.serving import served
from shared.under_replay import UnderReplay

DELIVER_SECONDS = 1.0
"""How often it is asked whether a digest is due."""

INDEX_SECONDS = 60.0
"""How often it is asked whether articles wait for the archive's index: after an upgrade they do."""

REPLAY_SECONDS = 5.0
"""How often it is asked whether a finished replay is to be sent to somebody."""

TIDY_SECONDS = 600.0
"""How often is forgotten what is due to be."""


def open_house(settings: Settings, engine: AsyncEngine, clock: Clock) -> House:
    """What the pages stand on.

    Raises:
        ConfigurationError: there is no key, and none can be kept.
    """
    keys = settings.keys()
    doors, server = settings.doors(), settings.smtp_server()
    return House(
        engine,
        clock,
        Tokens(keys),
        Vault(keys),
        settings.public_url,
        doors,
        senders=choose(settings.capture_dir, server, settings.mail_from, doors),
    )


def pages(house: House, settings: Settings) -> AbstractAsyncContextManager[object]:
    """The pages, answering while the block runs; none where the port is 0.

    Raises:
        ConfigurationError: (by the block) the port is taken.
    """
    if not settings.web_port:
        return nullcontext()
    return served(make_web(house), settings.web_host, settings.web_port)


def open_office(settings: Settings) -> Office:
    """How messages leave.

    Raises:
        ConfigurationError: there is no key, and none can be kept.
    """
    server, keys = settings.smtp_server(), settings.keys()
    senders = choose(settings.capture_dir, server, settings.mail_from, settings.doors())
    patience, background = settings.patience(), settings.background_per_digest
    means = Means(Tokens(keys), settings.public_url, Vault(keys), settings.returns_to())
    rota = Rota(after=token_hex(16))
    return Office(senders, settings.identity(), patience, background, means, rota=rota)


def all_senders(house: House, office: Office) -> tuple[Sender, ...]:
    """The senders of both, each once: to be closed when nothing is sent any more."""
    senders = (*house.senders.values(), *office.senders.values())
    return tuple({id(sender): sender for sender in senders}.values())


def loops(house: House, office: Office, keep_inbox: timedelta = INBOX) -> tuple[Loop, ...]:
    """What a notifier does by the clock, in the order in which the demo does it once."""

    async def deliver() -> int:
        return await deliver_due(house.engine, office, house.clock)

    async def index() -> int:
        return await index_waiting(house.engine)

    async def write() -> int:
        room = Mailroom(
            house.engine,
            office,
            house.tokens,
            house.public_url,
            house.clock,
            office.means.bounce_address,
        )
        return await deliver_letters(room)

    async def replay() -> int:
        return await deliver_replays(Desk(house.engine, office, house.clock))

    async def forget() -> int:
        return await tidy(house.engine, house.clock, house.timer, keep_inbox)

    return (
        Loop("index", INDEX_SECONDS, index, UnderReplay.INSIDE),
        Loop("deliver", DELIVER_SECONDS, deliver, UnderReplay.LIVE_ONLY),
        Loop("letters", DELIVER_SECONDS, write, UnderReplay.LIVE_ONLY),
        Loop("replays", REPLAY_SECONDS, replay, UnderReplay.LISTED_ONLY),
        Loop("tidy", TIDY_SECONDS, forget, UnderReplay.INSIDE),
    )
