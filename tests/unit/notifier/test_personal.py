"""What is on record about a person: sealed, handed out, forgotten, and never written to again."""

import json
from datetime import timedelta

import pytest

from services.notifier import listing, personal, subscribers, suppression, tables
from services.notifier.recipient import recipient
from services.notifier.vault import is_sealed
from shared.database import transaction
from shared.errors import Permanent
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.people import HOOK, KEY, VAULT, a_hook, do, kept, may_be_mailed, who

DAY = timedelta(days=1)


async def test_a_target_that_is_no_mailbox_and_its_key_are_kept_sealed(desk: Desk) -> None:
    await do(desk, subscribers.save, a_hook(), "console", START, VAULT)
    (row,) = await desk.rows(tables.subscriptions)
    assert is_sealed(row.address)
    assert is_sealed(row.secret)
    assert (VAULT.open(row.address), VAULT.open(row.secret)) == (HOOK, KEY)
    assert row.recipient == recipient("webhook", HOOK)
    assert row.owner_recipient == who()


async def test_it_is_not_sealed_anew_nor_its_key_lost_when_it_is_saved_again(desk: Desk) -> None:
    await do(desk, subscribers.save, a_hook(), "console", START, VAULT)
    before = await kept(desk)
    await do(desk, subscribers.save, a_hook(secret=None, hour=9), "console", START, VAULT)
    await do(desk, subscribers.save, (await kept(desk)).subscription, "console", START)
    after = await kept(desk)
    assert after.subscription.hour == 9
    assert after.subscription.address == before.subscription.address
    assert after.subscription.secret == before.subscription.secret
    assert after.recipient == before.recipient

    other = "https://hooks.example.org/other"
    await do(desk, subscribers.save, a_hook(address=other), "console", START, VAULT)
    assert (await kept(desk)).recipient == recipient("webhook", other)


async def test_without_a_vault_no_secret_is_kept(one: Desk) -> None:
    with pytest.raises(Permanent, match="NOTIFIER_SECRET_KEY"):
        await do(one, subscribers.save, a_hook(), "console", START)
    assert await one.rows(tables.subscriptions) == []


async def test_a_persons_subscriptions_are_found_those_they_look_after_too(desk: Desk) -> None:
    await desk.subscribe(a_subscription(id="a", address="READER@example.org"))
    await desk.subscribe(a_subscription(id="other"))
    await do(desk, subscribers.save, a_hook(id="hook"), "console", START, VAULT)
    found = await do(desk, subscribers.everybody, who())
    assert [one.subscription.id for one in found] == ["a", "hook"]
    assert len(await do(desk, subscribers.everybody)) == 3


async def test_who_is_suppressed_is_never_mailed_whatever_the_file_says(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    assert await do(desk, suppression.suppress, who(), "complaint", START)
    assert not await do(desk, suppression.suppress, who(), "bounce", START)
    wanted = [a_subscription(), a_subscription(id="second", address="Reader@example.org")]
    await do(desk, listing.sync_file, wanted, START)
    assert await do(desk, may_be_mailed) == []
    assert await do(desk, subscribers.lock, "reader") is None
    assert await do(desk, subscribers.lock_person, "reader") is None
    assert await do(desk, suppression.is_suppressed, who())
    assert (await kept(desk)).suppressed
    assert not (await kept(desk)).is_mailable
    (listed,) = await do(desk, suppression.suppressed)
    assert (listed.recipient, listed.reason, listed.at) == (who(), "complaint", START)

    assert await do(desk, suppression.lift, who())
    assert not await do(desk, suppression.lift, who())
    assert await do(desk, may_be_mailed) == ["reader", "second"]


async def test_a_digest_that_waits_for_somebody_suppressed_since_is_not_sent(desk: Desk) -> None:
    await told(desk)
    await do(desk, suppression.suppress, who(), "bounce", START)
    desk.sender.sent.clear()
    async with transaction(desk.engine) as connection:
        mine = tables.digests.update().where(tables.digests.c.subscription_id == "reader")
        await connection.execute(mine.values(state="intent", sent_at=None))
    assert await desk.deliver() == 0
    assert desk.sender.sent == []


async def told(desk: Desk) -> None:
    """A reader and another one, each sent one paper, with a letter and a remark of theirs."""
    await desk.subscribe(a_subscription(), a_subscription(id="other"))
    await desk.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    assert await desk.at(8) == 2
    async with transaction(desk.engine) as connection:
        for name in ("reader", "other"):
            await connection.execute(
                tables.letters.insert().values(
                    id=name, kind="link", recipient=who(name), address=f"{name}@example.org",
                    told={}, created_at=START, state="sent",
                )
            )  # fmt: skip
            await connection.execute(
                tables.feedback.insert().values(
                    id=name, topic="car-autoimmune", pmid=1, subscription_id=name,
                    kind="not-relevant", at=START,
                )
            )  # fmt: skip


async def test_an_export_has_all_that_is_on_record_and_nothing_of_others(desk: Desk) -> None:
    await told(desk)
    await do(desk, subscribers.save, a_hook(id="hook"), "web", START, VAULT)
    found = await do(desk, personal.export, who())
    text = json.dumps(found)
    assert "other" not in text
    assert HOOK not in text
    hook, mine = found["subscriptions"]
    assert (mine["id"], mine["address"], mine["wish"]["hour"]) == (
        "reader",
        "reader@example.org",
        7,
    )
    assert (hook["id"], hook["address"]) == ("hook", "(sealed)")
    (digest,) = found["digests"]
    assert (digest["state"], digest["period_to"]) == ("sent", "2026-09-07T07:00:00+00:00")
    assert [(one["pmid"], one["kind"]) for one in digest["told"]] == [(1, "article")]
    assert [one["kind"] for one in found["letters"]] == ["link"]
    assert [one["pmid"] for one in found["feedback"]] == [1]
    assert found["suppressed"] == []


@pytest.mark.parametrize("suppressed", [True, False])
async def test_forgetting_leaves_nothing_but_the_hash_that_was_asked_for(
    desk: Desk, suppressed: bool
) -> None:
    await told(desk)
    assert await do(desk, personal.forget, who(), START + DAY, suppressed=suppressed) == 1
    for table in (tables.subscriptions, tables.digests, tables.ledger, tables.feedback):
        name = "id" if table is tables.subscriptions else "subscription_id"
        assert {getattr(row, name) for row in await desk.rows(table)} == {"other"}
    assert [row.id for row in await desk.rows(tables.letters)] == ["other"]
    assert await do(desk, suppression.is_suppressed, who()) is suppressed
    assert await do(desk, personal.forget, who(), START + DAY) == 0


async def test_who_the_file_lists_is_not_brought_back_by_it_after_being_forgotten(
    desk: Desk,
) -> None:
    listed = [a_subscription()]
    await do(desk, listing.sync_file, listed, START)
    assert await do(desk, personal.forget, who(), START + DAY) == 1
    await do(desk, listing.sync_file, listed, START + 2 * DAY)
    assert await do(desk, may_be_mailed) == []


async def test_nor_is_a_channel_that_they_looked_after(one: Desk) -> None:
    listed = [a_hook()]
    await do(one, listing.sync_file, listed, START, VAULT)
    assert await do(one, personal.forget, who(), START + DAY) == 1
    await do(one, listing.sync_file, listed, START + 2 * DAY, VAULT)
    assert await do(one, may_be_mailed) == []
    assert not await do(one, suppression.is_suppressed, who())
