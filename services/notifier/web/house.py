"""What every page stands on."""

from dataclasses import dataclass, field

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.senders import Senders
from services.notifier.tokens import Tokens
from services.notifier.vault import Vault
from shared.clock import Clock, system_clock


@dataclass(frozen=True)
class Doors:
    """Who may come in: whether strangers may subscribe, and the secrets of operator and mail host.

    Without its secret a door is closed. `proxies` are the addresses or networks whose
    X-Forwarded-For counts.
    """

    is_open: bool = True
    admin_password: SecretStr | None = None
    hook_token: SecretStr | None = None
    proxies: frozenset[str] = frozenset()
    admitted_hosts: frozenset[str] = frozenset()
    apprise_schemes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class House:
    """The parts of the pages. `public_url` is where readers find them, without a last slash.

    `senders` take the message that tries a target when it is confirmed; without any, none is
    tried. Limits go by `timer`, the real time, also where the days are simulated and stand still.
    """

    engine: AsyncEngine
    clock: Clock
    tokens: Tokens
    vault: Vault
    public_url: str
    doors: Doors = Doors()
    timer: Clock = system_clock
    senders: Senders = field(default_factory=dict)
