"""The pages under test: the demo's fortnight lived through, then served as a reader finds them."""

import base64
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from services.console.commands.demo import packaged_demo
from services.console.demo import MAIL, World, live_all_days, opened
from services.console.demo_web import TICK, next_noon
from services.notifier.digest import Digest
from services.notifier.web.app import make_web
from shared.serving import served


@dataclass(frozen=True, repr=False)
class Town:
    """A world with its pages at `url`; `digests` are those of the fortnight, the last one last."""

    world: World
    url: str
    digests: list[Digest]

    async def moment(self) -> None:
        """Let everything happen that is due now: letters leave."""
        await self.world.live_through(self.world.hand.now + TICK)

    async def tomorrow(self) -> None:
        """Go on to the next noon, when the day's digests have been sent."""
        await self.world.live_through(next_noon(self.world.hand.now))

    def mails(self, address: str) -> list[EmailMessage]:
        """The mails to an address, the oldest first."""
        folder = self.world.demo.out / MAIL
        read = [
            message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in folder.glob("*.eml")
        ]
        mine = [mail for mail in read if str(mail["To"]) == address]
        return sorted(mine, key=lambda mail: mail["Date"].datetime)

    def link(self, mail: EmailMessage, path: str) -> str:
        """The first link in a mail's text to one of our pages, such as `confirm`."""
        found = self._links(mail, path)
        assert found, f"no link to /{path} in {mail['Subject']!r}"
        return found[0]

    def mailed_link(self, address: str, path: str) -> str:
        """Such a link from the newest mail to an address that has one."""
        found = [link for mail in self.mails(address) for link in self._links(mail, path)[:1]]
        assert found, f"no mail to {address} leads to /{path}"
        return found[-1]

    def _links(self, mail: EmailMessage, path: str) -> list[str]:
        body = mail.get_body(("plain",))
        assert body is not None
        return re.findall(rf"{re.escape(self.url)}/{path}\b[^\s>]*", body.get_content())


@asynccontextmanager
async def open_town(out: Path) -> AsyncIterator[Town]:
    """Live through the fortnight, with its mails in `out`; then serve the pages."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    demo = packaged_demo(out, lambda _instant, _moved: None, f"http://localhost:{port}")
    async with opened(demo) as world:
        digests = await live_all_days(world)
        async with served(make_web(world.house), "127.0.0.1", port):
            yield Town(world, demo.public_url, digests)


def page_of(mail: EmailMessage) -> str:
    """A mail's HTML as a mail client shows it: with the pictures that came with it."""
    body = mail.get_body(("html",))
    assert body is not None
    html = str(body.get_content())
    for part in mail.walk():
        if part["Content-ID"]:
            picture = base64.b64encode(part.get_payload(decode=True)).decode()  # type: ignore[arg-type]
            address = f"data:{part.get_content_type()};base64,{picture}"
            html = html.replace(f"cid:{part['Content-ID'].strip('<>')}", address)
    return html
