"""Topics of another field through the whole line: nothing is made for the default topic alone."""

import asyncio
import email
import email.policy
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.demo import IDENTITY, sent_digests
from services.console.line import open_line
from services.console.standin import serve_standin
from services.ncbi_sim.catalogue import load_catalogue
from services.notifier import subscribers
from services.notifier.digest import Digest
from services.notifier.entries import read_entry
from services.notifier.office import Office
from services.notifier.senders.choose import choose
from services.poller.eutils import Access, Limiter, make_eutils
from services.poller.topic import read_topics
from shared.database import transaction
from tests.fakes import FakeClock

HERE = Path(__file__).parent / "second_topic"
TOPICS = read_topics(HERE / "topics")
EDITING, PAIN = TOPICS
NEWS = {90000003, 90000004, 90000005}


def reader(topic: str) -> dict[str, object]:
    """The default scopes are those of the default topic: others are asked for by name."""
    return {
        "topic": topic,
        "address": f"{topic}@example.org",
        "confirmed": True,
        "cadence": "daily",
        "hour": 7,
        "filters": {"scope": ["none", "unclear", "core", "adjacent"]},
    }


async def _lived(folder: Path) -> list[Digest]:
    """Two days of polls, classification and digests."""
    clock = FakeClock(datetime(2026, 9, 7, 5, tzinfo=UTC))
    async with AsyncExitStack() as stack:
        line = await open_line(folder / "state", load_taxonomy(TAXONOMY), clock, stack)
        catalogue = load_catalogue(HERE / "catalogue.toml")
        url = await stack.enter_async_context(serve_standin(catalogue, clock))
        eutils = make_eutils(Access(url), limiter=Limiter(per_second=1_000))
        stack.push_async_callback(eutils.aclose)
        for topic in TOPICS:
            wish = read_entry(reader(topic.id), "subscription", clock())
            async with transaction(line.stores.notifier) as connection:
                await subscribers.save(connection, wish, "console", clock())
        office = Office(choose(folder / "mail", None, IDENTITY.sender), IDENTITY)
        for _ in range(2):
            polls = await line.poll(eutils, TOPICS)
            assert [poll.healthy for poll in polls] == [True, True]
            await line.carry()
            clock.advance(hours=3)
            await line.deliver(office)
            await line.carry()
            clock.advance(hours=21)
        return await sent_digests(line)


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("second")


@pytest.fixture(name="digests", scope="module")
def _digests(folder: Path) -> list[Digest]:
    return asyncio.run(_lived(folder))


def test_every_relation_of_another_topic_brings_its_news_and_no_background(
    digests: list[Digest],
) -> None:
    mine = [digest for digest in digests if digest.topic == EDITING.id]

    told = {item.pmid: item.why for digest in mine for item in digest.items}
    assert told.keys() == NEWS
    assert "editing" in told[90000003]
    assert "cites" in told[90000004]
    assert "imilar" in told[90000005]


def test_each_reader_is_told_of_their_own_topic(digests: list[Digest]) -> None:
    mine = [digest for digest in digests if digest.topic == PAIN.id]

    assert [item.pmid for digest in mine for item in digest.items] == [90000010]
    assert {digest.topic_title for digest in digests if digest.topic == EDITING.id} == {
        "Gene editing in sickle cell disease"
    }
    assert {digest.seed for digest in digests if digest.topic == EDITING.id} == {90000001}


def test_a_mail_about_it_names_nothing_of_the_default_topic(
    digests: list[Digest], folder: Path
) -> None:
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in (folder / "mail").glob("*.eml")
    ]

    assert len(mails) >= len({digest.id for digest in digests}) > 1
    for mail in mails:
        body = mail.get_body(("plain",))
        assert body is not None
        words = f"{mail['Subject']} {body.get_content()}"
        assert "sickle cell disease" in words
        assert "39450112" not in words
        assert "autoimmun" not in words.lower()
