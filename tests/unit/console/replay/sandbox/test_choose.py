"""What is fed to the sandbox, in which order, and what is said of the rest."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.console.archive.recorded import Recorded, envelop
from services.console.replay.sandbox.choose import Account, choose
from services.console.replay.sandbox.live import quarter_of
from services.console.replay.sandbox.spool import Spooled, opened_spool
from services.console.replay.selection import Selection
from shared.events import CloudEvent, PollCompleted, decode
from tests.builders import (
    NOON,
    an_article,
    classified,
    digest_delivered,
    discovered,
    poll_completed,
    revised,
)
from tests.fortnight import entries, reading

MINUTE = timedelta(minutes=1)
EVERYTHING = Selection()


async def _chosen(
    folder: Path,
    found: Iterable[Recorded],
    selection: Selection = EVERYTHING,
    *,
    recorded_labels: bool = False,
) -> tuple[Account, list[Spooled]]:
    with opened_spool(folder) as spool:
        account = await choose(spool, reading(found), selection, recorded_labels=recorded_labels)
        return account, list(spool.in_order())


def _at(entry: Recorded, minutes: int) -> Recorded:
    return replace(entry, published_at=NOON + minutes * MINUTE)


def _polls(spooled: list[Spooled]) -> list[int]:
    events = [decode(one.body) for one in spooled]
    return [event.data.announced for event in events if isinstance(event, PollCompleted)]


ALL: tuple[CloudEvent, ...] = (
    discovered(),
    classified(),
    revised(),
    poll_completed(),
    digest_delivered(),
)


@pytest.mark.parametrize(
    ("recorded_labels", "keys"),
    [
        (False, ["article.discovered", "article.revised", "poll.completed"]),
        (True, ["article.classified", "poll.completed"]),
    ],
)
async def test_labels_are_made_anew_or_taken_and_never_both(
    tmp_path: Path, recorded_labels: bool, keys: list[str]
) -> None:
    account, spooled = await _chosen(tmp_path, entries(ALL), recorded_labels=recorded_labels)

    assert [one.routing_key for one in spooled] == keys
    assert account.chosen.total() == account.fed.total() + account.skipped.total() == len(ALL)


async def test_events_come_by_their_time_and_those_of_an_article_in_their_order(
    tmp_path: Path,
) -> None:
    other = discovered(article=an_article(pmid=2))
    first, second, third = entries([discovered(), revised(), other])
    # The clock was put back between the article's two events; the other one was archived late.
    found = [_at(first, 30), _at(second, 10), _at(third, 20)]

    account, spooled = await _chosen(tmp_path, found)

    assert [one.event_id for one in spooled] == [other.id, discovered().id, revised().id]
    assert [one.at for one in spooled] == [NOON + n * MINUTE for n in (20, 30, 30)]
    assert (account.first, account.last) == (NOON + 20 * MINUTE, NOON + 30 * MINUTE)


async def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = envelop(7, b'{"id": "x", "type": "carillon.article.discovered.v1"}')

    account, spooled = await _chosen(tmp_path, [broken, envelop(8, b"no JSON")])

    assert spooled == []
    assert [(one.position, one.event_id) for one in account.faults] == [(7, "x"), (8, "")]
    assert all(one.where == "archive" and one.error for one in account.faults)


async def test_what_is_there_twice_is_fed_once(tmp_path: Path) -> None:
    account, spooled = await _chosen(tmp_path, entries([discovered(), discovered()]))

    assert (len(spooled), account.twice) == (1, 1)


async def test_of_an_event_that_an_operator_edited_the_later_text_is_fed(tmp_path: Path) -> None:
    """The archive has both under one id, and only the later one was taken by its consumer."""
    wrong, other = discovered(article=an_article(title="wrong")), discovered()
    mended = wrong.model_copy(update={"data": discovered(revision=1).data})
    found = [*entries([wrong]), *entries([mended, other])]

    account, spooled = await _chosen(tmp_path, found)

    assert [one.body for one in spooled if one.event_id == wrong.id] == [mended.encode()]
    assert account.twice == len(found) - len(spooled)


async def test_what_a_replay_marked_is_live_in_here(tmp_path: Path) -> None:
    marked = discovered().model_copy(update={"replayid": "r", "replayhop": 1, "replayto": "s"})

    _, spooled = await _chosen(tmp_path, entries([marked]), Selection(replay_id="r"))

    assert [one.body for one in spooled] == [discovered().encode()]


async def test_a_few_articles_bring_their_polls_which_announce_no_more_than_them(
    tmp_path: Path,
) -> None:
    pmids = (40000001, 40000002, 40000003)
    news = [discovered(article=an_article(pmid=pmid)) for pmid in pmids]
    elsewhere = poll_completed(topic="other")
    found = entries([*news, poll_completed(announced=3), elsewhere])

    account, spooled = await _chosen(tmp_path, found, Selection(pmids=frozenset({40000002})))

    assert (len(spooled), account.polls_beside) == (2, 1)
    assert _polls(spooled) == [1]


async def test_an_article_that_is_missing_stays_missing(tmp_path: Path) -> None:
    found = entries([discovered(), poll_completed(announced=2)])

    _, spooled = await _chosen(tmp_path, found)

    assert _polls(spooled) == [2]


async def test_a_poll_that_began_before_the_stretch_announces_what_is_in_it(tmp_path: Path) -> None:
    early = poll_completed(announced=2, started_at=NOON - MINUTE)

    account, spooled = await _chosen(tmp_path, entries([discovered(), early]))

    assert _polls(spooled) == [1]
    assert account.before == 1, "it is not passed over in silence"


def test_a_quarter_of_an_hour_ends_with_its_last_instant() -> None:
    tick = timedelta(microseconds=1)

    assert quarter_of(NOON) == NOON
    assert quarter_of(NOON + tick) == NOON + 15 * MINUTE
    assert quarter_of(NOON + 15 * MINUTE) == NOON + 15 * MINUTE
