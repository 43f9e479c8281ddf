"""What a replay would do, counted before anything is sent."""

from datetime import date, timedelta

import pytest

from services.console.archive.recorded import envelop
from services.console.replay.planning import bounded, plan
from services.console.replay.routes import BROKER, Routes, routes
from services.console.replay.selection import Selection, select
from shared.broker import LARGEST
from shared.errors import ConfigurationError
from shared.topology import CLASSIFIER, NOTIFIER, ConsumerQueue
from tests.builders import (
    NOON,
    an_article,
    classified,
    digest_delivered,
    discovered,
    poll_completed,
    replay_finished,
    revised,
)
from tests.unit.console.replay.archives import Archive, entry, garbage, marked

ALL = Archive(
    [
        entry(discovered(), 1),
        entry(revised(), 2, hours=1),
        entry(classified(topic="other"), 3, hours=2),
        entry(poll_completed(), 4, hours=13),
        entry(digest_delivered(), 5, hours=14),
        garbage(6),
        marked(discovered(revision=7), 7, "r1"),
    ]
)
BOTH = routes(BROKER, (), forced=False)


async def test_a_plan_counts_what_goes_where_and_what_does_not() -> None:
    found = await plan(ALL, Selection(), BOTH)

    assert found.chosen == 4
    assert found.by_type == {"article.discovered": 1, "article.revised": 1,
                             "article.classified": 1, "poll.completed": 1}  # fmt: skip
    assert found.by_topic == {"car-autoimmune": 3, "other": 1}
    assert found.by_day == {date(2026, 9, 7): 3, date(2026, 9, 8): 1}
    assert found.by_queue == {"classifier": 2, "notifier": 2}
    assert found.left_out == {"nobodys": 1, "unreadable": 1, "made-by-a-replay": 1}
    assert [one.position for one in found.unreadable] == [6]
    assert (found.first, found.last) == (NOON, NOON + timedelta(hours=13))
    assert found.end == 7


async def test_what_a_replay_made_is_meant_by_its_id_alone() -> None:
    found = await plan(ALL, Selection(replay_id="r1"), BOTH)

    assert (found.chosen, dict(found.left_out)) == (1, {})


async def test_the_last_n_are_counted_and_the_end_is_that_of_the_archive() -> None:
    found = await plan(ALL, Selection(last=2, types=frozenset({"article.revised"})), BOTH)

    assert found.by_type == {"article.revised": 1}
    assert found.end == 7


@pytest.mark.parametrize(
    ("rate", "speed", "seconds"),
    [(None, None, 0.004), (2.0, None, 2.0), (None, 60.0, 780.0), (0.001, 60.0, 4000.0)],
)
async def test_how_long_is_the_slower_of_rate_and_speed(
    rate: float | None, speed: float | None, seconds: float
) -> None:
    found = await plan(ALL, Selection(), BOTH)

    assert found.duration(rate, speed).total_seconds() == seconds


async def test_a_bounded_archive_ends_where_it_did() -> None:
    seen = [one.position async for one in select(bounded(ALL, 4), Selection(last=2))]

    assert seen == [3, 4]


def test_forced_the_classifier_says_anew_what_it_said() -> None:
    said = entry(classified())

    assert routes(BROKER, (), forced=True).of(said) == "told-anew"
    assert routes(BROKER, ("article.classified",), forced=True).of(said) is NOTIFIER
    assert routes(BROKER, (), forced=False).of(said) is NOTIFIER
    assert routes("notifier", (), forced=True).of(said) is NOTIFIER


def test_one_queue_takes_its_own_types_only() -> None:
    assert routes("classifier", (), forced=False).of(entry(discovered())) is CLASSIFIER
    assert routes("classifier", (), forced=False).of(entry(classified())) == "nobodys"
    with pytest.raises(ConfigurationError, match=r"and no article\.classified$"):
        routes("classifier", ("article.classified",), forced=False)
    with pytest.raises(ConfigurationError, match="it may be classifier or notifier"):
        routes("classifier.parked", (), forced=False)


def test_what_no_queue_carries_is_left_out() -> None:
    large = discovered(article=an_article(copyright="x" * LARGEST))
    nameless = envelop(1, discovered().model_copy(update={"id": "n\u00fcl\0"}).encode())

    assert BOTH.of(entry(large)) == "too-large"
    assert BOTH.of(nameless) == "unreadable"


def test_the_end_of_a_replay_is_never_replayed() -> None:
    listening = ConsumerQueue("notifier", ("replay.finished",))

    assert Routes((listening,)).of(entry(replay_finished())) == "nobodys"
