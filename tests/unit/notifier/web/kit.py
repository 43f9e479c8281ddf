"""The pages on a notifier's tables, asked as a browser asks: without a server, by ASGI."""

from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from services.notifier.tokens import Tokens
from services.notifier.vault import Vault
from services.notifier.web.app import make_web
from services.notifier.web.house import Doors, House
from tests.unit.notifier.kit import Desk

KEYS = (SecretStr("a key for tests, long enough"),)
PUBLIC_URL = "https://carillon.example.org"
BROWSER = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Site:
    """A house with its door: `client` asks as a browser on our own pages does."""

    desk: Desk
    house: House
    client: httpx.AsyncClient

    @property
    def tokens(self) -> Tokens:
        return self.house.tokens


def a_site(desk: Desk, public_url: str = PUBLIC_URL, **doors: Any) -> Site:
    house = House(desk.engine, desk.clock, Tokens(KEYS), Vault(KEYS), public_url, Doors(**doors))
    transport = httpx.ASGITransport(make_web(house))
    client = httpx.AsyncClient(transport=transport, base_url=public_url, headers=BROWSER)
    return Site(desk, house, client)
