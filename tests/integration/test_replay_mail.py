"""A replay on a real broker, database and mail server: no mail without a list, one with it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest

from services.notifier import subscribers, tables
from shared.broker import declare_topology
from shared.database import make_engine, transaction
from shared.migrate import upgrade
from tests.eventually import eventually
from tests.integration.test_replay import Deployment, _count, _publish
from tests.integration.test_services import Running
from tests.parts import Rabbit
from tests.unit.notifier.kit import START, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.mailserver import Mailbox, smtp_server

pytestmark = [pytest.mark.connected, pytest.mark.timeout(300)]

PAPERS = 3
MORNING = START + timedelta(hours=7, minutes=10)


@dataclass
class House:
    """A deployment whose clock is a file, and its mail server."""

    deployment: Deployment
    clock: Path
    mailbox: Mailbox = field(default_factory=Mailbox)

    def let_it_be(self, moment: datetime) -> None:
        self.clock.write_text(moment.isoformat(), encoding="ascii")

    async def replay(self, *words: str) -> None:
        given = ("--broker", "--go", "--force", "--type", "article.classified")
        because = ("--because", "to see what is sent", *words)
        done = await asyncio.to_thread(self.deployment.carillon, *given, *because)
        assert done.returncode == 0, done.stdout + done.stderr

    def mails(self) -> list[tuple[str, str]]:
        """To whom, and with which subject."""
        return [
            (one.rcpt_tos[0], str(message_from_bytes(one.content, policy=SMTP)["subject"]))
            for one in self.mailbox.accepted
            if isinstance(one.content, bytes)
        ]


@pytest.fixture
async def house(
    amqp_url: str, postgres_url: str, rabbit: Rabbit, tmp_path: Path
) -> AsyncIterator[House]:
    engine = make_engine(postgres_url)
    for service in ("poller", "classifier", "notifier"):
        await upgrade(engine, service)
    async with transaction(engine) as connection:
        for name in ("reader", "other"):
            await subscribers.save(connection, a_subscription(id=name), "console", START)
    await engine.dispose()
    await declare_topology(amqp_url)
    deployment = Deployment(amqp_url, postgres_url, rabbit.stream_port)
    found = House(deployment, tmp_path / "now")
    found.let_it_be(START + timedelta(hours=6))
    async with smtp_server(found.mailbox) as port:
        ways = {"DATABASE_URL": postgres_url, "AMQP_URL": amqp_url, "CLOCK_FILE": str(found.clock)}
        ways |= {"DELIVERY": "smtp", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port)}
        ways |= {"SMTP_TLS": "none", "WEB_PORT": "0", "SECRET_FILE": str(tmp_path / "key")}
        notifier = Running("notifier", ways)
        try:
            yield found
        finally:
            notifier.process.kill()
            await asyncio.to_thread(notifier.process.communicate, timeout=20)


async def test_without_a_list_nobody_is_mailed_and_with_one_only_the_listed_once(
    house: House,
) -> None:
    at = START + timedelta(hours=5)
    papers = [an_article_event(pmid, at) for pmid in range(1, PAPERS + 1)]
    ends = a_poll_event(at + timedelta(minutes=5), announced=PAPERS)
    await _publish(house.deployment.amqp_url, [*papers, ends])

    async def arrived() -> bool:
        return await _count(house.deployment.database_url, tables.inbox) == PAPERS + 1

    await eventually(arrived, within=60, pause=0.5)
    house.let_it_be(MORNING)
    await eventually(lambda: len(house.mails()) == 2, within=60)

    await house.replay()
    house.let_it_be(MORNING + timedelta(minutes=10))
    await house.replay("--to", "reader", "--yes-send-to", "1")
    house.let_it_be(MORNING + timedelta(minutes=20))
    await eventually(lambda: len(house.mails()) > 2, within=60)
    house.let_it_be(MORNING + timedelta(hours=2))
    await asyncio.sleep(12)  # twice as long as a notifier's look for what a replay may send

    live = f"{PAPERS} new on CAR cells for autoimmune disease: {PAPERS} CD19 CAR-T"
    marked = f"[Replay] {PAPERS} articles on CAR cells for autoimmune disease: {PAPERS} CD19 CAR-T"
    assert sorted(house.mails()[:2]) == [("other@example.org", live), ("reader@example.org", live)]
    assert house.mails()[2:] == [("reader@example.org", marked)]
    latest = (await house.deployment.replays())[0]
    shown = await asyncio.to_thread(house.deployment.carillon, "show", latest.order.replay_id)
    assert (shown.returncode, "digest to reader: sent" in shown.stdout) == (0, True)
