"""The pages on a notifier's tables, asked as a browser asks: without a server, by ASGI."""

import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import httpx
from pydantic import SecretStr

from services.notifier.letters_delivery import Mailroom, deliver_letters
from services.notifier.run import Office, Patience
from services.notifier.tokens import Tokens
from services.notifier.vault import Vault
from services.notifier.web.app import make_web
from services.notifier.web.house import Doors, House
from tests.fakes import FakeSender
from tests.unit.notifier.kit import IDENTITY, Desk, a_poll_event

KEYS = (SecretStr("a key for tests, long enough"),)
PUBLIC_URL = "https://carillon.example.org"
BROWSER = {"Sec-Fetch-Site": "same-origin"}


FORM = {
    "topic": "car-autoimmune",
    "channel": "email",
    "email": "reader@example.org",
    "cadence": "weekly",
    "weekday": "friday",
    "hour": "8",
    "time_zone": "Europe/Belgrade",
    "scope": ["core", "adjacent", "unclear"],
}
"""What a reader fills in; the rest is as the form has it."""


@dataclass(frozen=True)
class Site:
    """A house with its door: `client` asks as a browser on our own pages does."""

    desk: Desk
    house: House
    client: httpx.AsyncClient
    channels: dict[str, FakeSender] = field(default_factory=dict)

    @property
    def tokens(self) -> Tokens:
        return self.house.tokens

    async def open(self) -> None:
        """Let the topic be known: it has been polled."""
        await self.desk.receive(a_poll_event(self.desk.clock()))

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        return await self.client.post(path, data=fields)

    async def subscribe(self, **changes: Any) -> httpx.Response:
        return await self.client.post("/subscribe", data={**FORM, **changes})

    async def letters(self) -> list[EmailMessage]:
        """Deliver what waits; the mails that were sent by it."""
        before = len(self.desk.sender.sent)
        office = Office({"email": self.desk.sender}, IDENTITY, Patience(timer=self.desk.timer))
        room = Mailroom(self.house.engine, office, self.tokens, PUBLIC_URL, self.house.clock)
        await deliver_letters(room)
        return [mail for _, mail in self.desk.sender.sent[before:]]

    async def link(self) -> str:
        """The link of the one letter that waits, without the host."""
        (letter,) = await self.letters()
        return link_in(letter)


def link_in(letter: EmailMessage) -> str:
    """The one link of a letter, without the host."""
    body = letter.get_body(("plain",))
    assert body is not None
    (url,) = re.findall(r"https://\S+", body.get_content())
    return str(url).removeprefix(PUBLIC_URL)


def token_in(link: str) -> str:
    return link.partition("=")[2]


def a_site(desk: Desk, public_url: str = PUBLIC_URL, **doors: Any) -> Site:
    doors = {"apprise_schemes": frozenset({"discord", "ntfys"}), **doors}
    channels = {name: FakeSender() for name in ("slack", "webhook", "apprise")}
    house = House(
        desk.engine,
        desk.clock,
        Tokens(KEYS),
        Vault(KEYS),
        public_url,
        Doors(**doors),
        timer=desk.timer,
        senders=channels,
    )
    transport = httpx.ASGITransport(make_web(house))
    client = httpx.AsyncClient(transport=transport, base_url=public_url, headers=BROWSER)
    return Site(desk, house, client, channels)
