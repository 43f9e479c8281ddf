"""A replay with an allow-list is sent to the listed, once, marked as what it is; else to nobody."""

import json
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from pydantic import SecretStr
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.show_replay import print_digests
from services.notifier import changes, personal, subscribers, tables
from services.notifier.office import Desk as Working
from services.notifier.packing import Means
from services.notifier.recipient import recipient
from services.notifier.replays_delivery import deliver_replays
from services.notifier.replays_digests import promised
from services.notifier.run import Office, Patience
from services.notifier.senders import AnswerLost, RecipientRejected
from services.notifier.subscription import Filters
from services.notifier.suppression import suppress
from services.notifier.tokens import Tokens
from services.notifier.vault import Vault
from shared.article import Status
from shared.database import transaction
from shared.errors import Retryable
from shared.events import CloudEvent
from tests.builders import REPLAY, replay_finished, replayed
from tests.fakes import FakeClock, FakeSender
from tests.unit.notifier.kit import (
    IDENTITY,
    START,
    Desk,
    a_poll_event,
    a_subscription,
    an_article_event,
)

KEYS = [SecretStr("a key that is only good for tests")]
MEANS = Means(Tokens(KEYS), "https://pages.example.org", Vault(KEYS), "back@example.org")
SLACK = {"channel": "slack", "address": "https://hooks.slack.com/services/T/B/x"}


@dataclass
class House(Desk):
    """A notifier that sends what replays promised."""

    async def replay(self, *events: CloudEvent, to: tuple[str, ...], **finished: Any) -> None:
        """Bring these events by a replay, and let it end."""
        for event in events:
            await self.receive(replayed(event, force=True, to=to))
        await self.receive(replay_finished(replay_id=REPLAY, to=to, **finished))

    async def settle(self, minutes: float = 1) -> int:
        """Let so many minutes pass, by both clocks, and send."""
        self.clock.advance(minutes=minutes)
        self.timer.now = self.clock.now
        senders = dict.fromkeys(("email", "slack", "webhook"), self.sender)
        office = Office(senders, IDENTITY, Patience(timer=self.timer), means=MEANS)
        return await deliver_replays(Working(self.engine, office, self.clock))

    async def states(self) -> dict[str, str]:
        rows = await self.rows(tables.replay_digests)
        return {row.subscription_id: row.state for row in rows}

    def subjects(self) -> list[tuple[str, str]]:
        return [(to, str(mail["subject"])) for to, mail in self.sender.sent]


@pytest.fixture
async def house(database: AsyncEngine) -> House:
    async with database.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
    found = House(database, FakeClock(START), FakeClock(START), FakeSender())
    await found.subscribe(a_subscription(), a_subscription(id="other"))
    await found.receive(a_poll_event(START))
    return found


async def test_a_replay_is_sent_to_whom_it_names_once_and_to_nobody_else(house: House) -> None:
    await house.replay(an_article_event(1, START), to=("reader",))
    await house.receive(replay_finished(replay_id=REPLAY, to=("reader",)))

    assert [await house.settle(), await house.settle(), await house.settle(600)] == [1, 0, 0]
    assert house.subjects() == [
        (
            "reader@example.org",
            "[Replay] 1 article on CAR cells for autoimmune disease: 1 CD19 CAR-T",
        )
    ]
    assert await house.states() == {"reader": "sent"}


async def test_a_person_with_several_subscriptions_gets_each_paper_once(house: House) -> None:
    """The same mailbox, in whatever spelling; what only the other one wants comes by that."""
    twin, near = SecretStr("Reader@Example.org"), Filters(min_relatedness=0.5)
    await house.subscribe(
        a_subscription(id="near", address=twin, filters=near),
        a_subscription(id="far", address=twin, filters=near),
        a_subscription(),
    )
    events = [an_article_event(n, START, relatedness=score) for n, score in ((1, 0.1), (2, 0.9))]
    await house.replay(*events, to=("near", "far", "reader"))
    await house.settle()

    pages = [mail.get_body(("plain",)) for _, mail in house.sender.sent]
    texts = [page.get_content() for page in pages if page is not None]
    assert [sum(f"Paper {pmid}" in text for text in texts) for pmid in (1, 2)] == [1, 1]
    assert set((await house.states()).values()) == {"sent", "empty"}


async def test_it_says_what_it_is_and_leads_to_no_page_that_is_not_there(house: House) -> None:
    await house.replay(an_article_event(1, START), to=("reader",))
    await house.settle()

    (mail,) = (mail for _, mail in house.sender.sent)
    for part in ("plain", "html"):
        body = mail.get_body((part,))
        assert body is not None
        words = " ".join(body.get_content().split())
        assert "This is a replay and no news" in words
        assert "Nothing was checked for this message" in words
        assert "Paper 1" in words
        assert "No poll ended" not in words
        assert "/leave?token=" in words
        assert "/digests/" not in words
    assert [target.bounce_to for target, _ in house.sender.taken] == [None]


async def test_a_replay_that_names_nobody_is_sent_to_nobody(house: House) -> None:
    await house.replay(an_article_event(1, START), to=())

    assert await house.settle() == 0
    assert await house.rows(tables.replay_entries) == []
    assert await house.states() == {}


async def test_who_is_named_in_the_end_but_not_by_the_events_is_sent_nothing(house: House) -> None:
    await house.receive(replayed(an_article_event(1, START), to=("other",)))
    await house.receive(replay_finished(replay_id=REPLAY, to=("reader",)))

    assert await house.settle() == 0
    assert await house.states() == {"reader": "empty"}


async def test_the_end_of_a_replay_that_is_itself_replayed_sends_nothing(house: House) -> None:
    await house.receive(replayed(an_article_event(1, START), to=("reader",)))
    await house.receive(replayed(replay_finished(replay_id=REPLAY, to=("reader",))))

    assert await house.settle() == 0
    assert await house.states() == {}


async def test_a_cancelled_replay_is_sent_to_nobody(house: House) -> None:
    await house.replay(an_article_event(1, START), to=("reader",), state="cancelled")

    assert await house.settle() == 0
    assert await house.states() == {}


async def test_it_waits_for_what_is_still_on_its_way(house: House) -> None:
    await house.replay(an_article_event(1, START), to=("reader",))
    assert await house.settle(0.9) == 0
    await house.receive(replayed(an_article_event(2, START), hop=2, to=("reader",)))

    assert await house.settle(0.1) == 1
    assert "[Replay] 2 articles" in house.subjects()[0][1]


async def test_another_notifiers_clock_makes_it_neither_hurry_nor_wait_for_ever(
    house: House,
) -> None:
    house.clock.advance(seconds=2)
    await house.replay(an_article_event(1, START), to=("reader",))
    house.clock.advance(seconds=-2)
    assert await house.settle(0) == 0

    house.clock.advance(days=-30)
    assert await house.settle(0) == 1


@pytest.mark.parametrize("wish", ["unconfirmed", "gone", "suppressed", "paused", "unknown"])
async def test_nobody_is_sent_a_replay_who_would_be_sent_no_digest(house: House, wish: str) -> None:
    if wish != "unknown":
        confirmed = None if wish == "unconfirmed" else START
        await house.subscribe(a_subscription(id="asked", confirmed_at=confirmed))
    await house.replay(an_article_event(1, START), to=("asked",))
    async with transaction(house.engine) as connection:
        if wish == "gone":
            await subscribers.deactivate(connection, "asked", "left")
        if wish == "suppressed":
            await suppress(connection, recipient("email", "asked@example.org"), "asked", START)
        if wish == "paused":
            await changes.pause(connection, "asked", None, START)

    assert await house.settle() == 0
    assert house.sender.taken == []
    assert await house.states() == {"asked": "failed"}


async def test_it_brings_what_the_reader_filters_for_and_of_each_paper_the_newest(
    house: House,
) -> None:
    treg = Filters(modality=frozenset({"car-treg"}))
    await house.subscribe(a_subscription(id="picky", filters=treg))
    old, new = (an_article_event(1, START, revision=number) for number in (1, 2))
    gone = an_article_event(2, START, status=Status.RETRACTED)
    background = an_article_event(3, START, backfill=True)
    elsewhere = an_article_event(4, START, topic="another")
    to = ("reader", "picky")
    await house.replay(new, old, gone, background, elsewhere, to=to)

    assert await house.settle() == 1
    assert await house.states() == {"reader": "sent", "picky": "empty"}
    (row,) = (r for r in await house.rows(tables.replay_digests) if r.content)
    assert (row.content["total"], row.content["withheld_retracted"]) == (1, 1)


async def test_a_paper_that_is_retracted_by_now_is_left_out(house: House) -> None:
    await house.replay(an_article_event(1, START), an_article_event(2, START), to=("reader",))
    await house.receive(an_article_event(1, START, revision=2, status=Status.RETRACTED))

    assert await house.settle() == 1
    (mail,) = (mail.get_body(("plain",)) for _, mail in house.sender.sent)
    assert mail is not None
    assert "Paper 2" in mail.get_content()
    assert "Paper 1" not in mail.get_content()


async def test_nothing_is_sent_of_papers_that_are_all_retracted(house: House) -> None:
    await house.replay(an_article_event(1, START), to=("reader",))
    await house.receive(an_article_event(1, START, revision=2, status=Status.RETRACTED))

    assert await house.settle() == 0
    assert await house.states() == {"reader": "empty"}


@pytest.mark.parametrize("fault", [Retryable("away"), AnswerLost("no answer")])
async def test_what_failed_is_tried_again_to_the_same_bytes(house: House, fault: Exception) -> None:
    await house.replay(an_article_event(1, START), to=("reader",))
    house.sender.faults = [fault]
    assert await house.settle() == 0
    await house.receive(replayed(an_article_event(2, START), to=("reader",)))

    assert [await house.settle(0.5), await house.settle(0.5)] == [0, 1]
    (row,) = await house.rows(tables.replay_digests)
    assert (row.maybe_sent, row.attempts) == (isinstance(fault, AnswerLost), 2)
    assert "[Replay] 1 article" in house.subjects()[0][1]


async def test_who_is_refused_for_a_replay_keeps_their_subscription(house: House) -> None:
    await house.replay(an_article_event(1, START), to=("reader",))
    house.sender.faults = [RecipientRejected("no such mailbox")]

    assert [await house.settle(), await house.settle(600)] == [0, 0]
    assert await house.states() == {"reader": "failed"}
    assert all(row.active for row in await house.rows(tables.subscriptions))


async def test_one_that_is_claimed_by_a_notifier_that_died_is_sent_when_its_lease_has_passed(
    house: House,
) -> None:
    await house.replay(an_article_event(1, START), to=("reader",))
    house.sender.faults = [_Died()]  # type: ignore[list-item]
    with pytest.raises(_Died):
        await house.settle()

    assert [await house.settle(9), await house.settle(2)] == [0, 1]
    (row,) = await house.rows(tables.replay_digests)
    assert row.maybe_sent


class _Died(BaseException):
    pass


async def test_slack_gets_its_parts_each_once(house: House) -> None:
    async with transaction(house.engine) as connection:
        one = a_subscription(id="slack", **SLACK)
        await subscribers.save(connection, one, "console", START, MEANS.vault)
    events = [an_article_event(pmid, START) for pmid in range(1, 40)]
    await house.replay(*events, to=("slack",))
    assert await house.settle() == 1

    parts = [package.id for _, package in house.sender.taken]
    assert len(parts) == len(set(parts)) > 1
    assert all(b"[Replay] 39 articles" in package.content for _, package in house.sender.taken)


async def test_a_webhook_is_told_by_the_type_that_it_is_no_news(house: House) -> None:
    hook = {"channel": "webhook", "address": "https://hooks.example.org/carillon"}
    async with transaction(house.engine) as connection:
        one = a_subscription(id="hook", **hook)
        await subscribers.save(connection, one, "console", START, MEANS.vault)
    await house.replay(an_article_event(1, START), to=("hook",))
    assert await house.settle() == 1

    ((_, package),) = house.sender.taken
    told = json.loads(package.content)
    assert told["type"] == "carillon.replay.v1"
    assert [one["pmid"] for one in told["data"]["articles"]] == [1]


async def test_live_digests_and_their_ledger_know_nothing_of_it(house: House) -> None:
    live = an_article_event(1, START + timedelta(hours=1), poll="p2")
    await house.replay(live, to=("reader", "other"))
    assert await house.settle() == 2
    assert await house.told() == set()

    await house.receive(live, a_poll_event(START + timedelta(hours=2), poll="p2", announced=1))
    assert await house.at(7) == 2
    assert await house.told() == {(1, "article")}


async def test_an_operator_is_shown_what_became_of_each_digest(house: House) -> None:
    await house.subscribe(a_subscription(id="asked", confirmed_at=None))
    await house.replay(an_article_event(1, START), to=("reader", "asked", "other"))
    house.sender.faults = [Retryable("away")]
    await house.settle()
    async with transaction(house.engine) as connection:
        found = await promised(connection, REPLAY)
    told = StringIO()

    print_digests(Console(file=told, width=200), ("asked", "reader", "other", "new"), found)

    said = dict(line.split(": ", 1) for line in told.getvalue().splitlines())
    later = "goes out a minute after the end of the replay"
    assert said["digest to asked"] == "not sent: the subscription is no longer active"
    assert sorted([said["digest to reader"], said["digest to other"]]) == [f"{later}: away", "sent"]
    assert said["digest to new"] == later


async def test_what_is_on_record_of_it_is_handed_out_and_forgotten(house: House) -> None:
    await house.replay(an_article_event(1, START), to=("reader", "other"))
    await house.settle()
    who = recipient("email", "reader@example.org")
    async with transaction(house.engine) as connection:
        found = await personal.export(connection, who)
        await personal.forget(connection, who, START)

    assert [one["state"] for one in found["replays"]] == ["sent"]  # type: ignore[attr-defined]
    assert await house.states() == {"other": "sent"}
