"""Two pollers of one topic: one asks, the other leaves it."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller.alone import only_poller
from services.poller.run import poll_due, poll_topic
from shared.errors import Retryable
from shared.migrate import upgrade
from tests.unit.poller.fakes import FakePubMed
from tests.unit.poller.polling import DAY, TOPIC, standing


async def test_only_one_holds_a_topic_and_the_next_one_when_it_ends(database: AsyncEngine) -> None:
    async with only_poller(database, "a") as first, only_poller(database, "a") as second:
        async with only_poller(database, "b") as other:
            assert (first, second, other) == (True, False, True)
        async with only_poller(database, "a") as third:
            assert not third
    async with only_poller(database, "a") as later:
        assert later


async def test_a_fault_inside_goes_through_and_frees_the_topic(database: AsyncEngine) -> None:
    with pytest.raises(ValueError, match="inside"):
        async with only_poller(database, "a"):
            raise ValueError("inside")
    async with only_poller(database, "a") as later:
        assert later


async def test_two_pollers_at_once_ask_pubmed_once(
    database: AsyncEngine, pubmed: FakePubMed
) -> None:
    await upgrade(database, "poller")
    eutils = pubmed.eutils()

    polls = await asyncio.gather(
        *(poll_due(database, eutils, [TOPIC], standing(DAY)) for _ in range(4))
    )

    assert sum(map(len, polls)) == 1


async def test_who_asks_for_a_poll_while_another_polls_is_told(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    async with only_poller(engine, TOPIC.id):
        with pytest.raises(Retryable, match="tiny is being polled"):
            await poll_topic(engine, pubmed.eutils(), TOPIC, standing(DAY))
