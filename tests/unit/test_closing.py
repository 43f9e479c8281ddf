"""What a service has open to others, it names to be closed in the end."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.classifier.app import build as build_classifier
from services.classifier.settings import Settings as ClassifierSettings
from services.notifier.app import build as build_notifier
from services.notifier.senders import Package, Target
from services.notifier.settings import Settings as NotifierSettings
from services.notifier.works import all_senders, open_house, open_office
from services.poller.app import build as build_poller
from services.poller.settings import Settings as PollerSettings
from shared.clock import system_clock
from shared.database import make_engine
from shared.process import Service
from tests.unit.classifier.reading import SHIPPED
from tests.unit.notifier.mailserver import Mailbox, smtp_server

NOWHERE = SecretStr("amqp://guest:guest@127.0.0.1:1/")


class Polite(Mailbox):
    """Counts who says goodbye."""

    goodbyes = 0

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802
        self.goodbyes += 1
        return "221 Bye"


def _url(folder: Path) -> SecretStr:
    return SecretStr(f"sqlite+aiosqlite:///{folder}/test.db")


def _notifier(folder: Path, port: int) -> NotifierSettings:
    return NotifierSettings(
        database_url=_url(folder), amqp_url=NOWHERE, delivery="smtp", smtp_host="127.0.0.1",
        smtp_port=port, smtp_tls="none", secret_key=SecretStr("long enough to be a key"),
    )  # fmt: skip


async def test_the_mail_server_hears_goodbye(tmp_path: Path) -> None:
    mailbox = Polite()
    async with smtp_server(mailbox) as port:
        settings = _notifier(tmp_path, port)
        engine = make_engine(settings.database_url.get_secret_value())
        house, office = open_house(settings, engine, system_clock), open_office(settings)
        mail = Package("<1@example.org>", b"Subject: news\r\n\r\nOne paper.\r\n")
        await office.senders["email"].send(mail, Target("reader@example.org"))
        assert mailbox.goodbyes == 0

        for sender in all_senders(house, office):
            await sender.close()

        assert mailbox.goodbyes == 1
        await engine.dispose()


async def test_a_notifier_closes_all_its_senders(tmp_path: Path) -> None:
    settings = _notifier(tmp_path, 1)
    engine = make_engine(settings.database_url.get_secret_value())
    senders = all_senders(open_house(settings, engine, system_clock), open_office(settings))

    service = build_notifier(settings, None)

    assert [_owner(close) for close in service.closing] == [type(sender) for sender in senders]
    assert len(senders) >= 5


def _owner(close: Any) -> type[object]:
    return type(close.__self__)


def _classifier(folder: Path) -> Service:
    return build_classifier(
        ClassifierSettings(database_url=_url(folder), amqp_url=NOWHERE), SHIPPED
    )


def _poller(folder: Path) -> Service:
    return build_poller(PollerSettings(database_url=_url(folder), amqp_url=NOWHERE), ())


@pytest.mark.parametrize("build", [_classifier, _poller])
async def test_http_clients_are_closed(
    build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[httpx.AsyncClient] = []
    create = httpx.AsyncClient.__init__

    def noted(client: httpx.AsyncClient, *parts: Any, **more: Any) -> None:
        made.append(client)
        create(client, *parts, **more)

    monkeypatch.setattr(httpx.AsyncClient, "__init__", noted)
    service: Service = build(tmp_path)

    for close in service.closing:
        await close()

    assert made
    assert all(client.is_closed for client in made)
