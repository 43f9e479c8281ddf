"""Everybody has a turn, also where more digests are due than can be cut in time."""

from datetime import timedelta

from services.notifier.rota import Rota
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event


def test_it_goes_round_from_behind_the_last_one() -> None:
    rota = Rota()
    assert rota.ordered(["c", "a", "b"]) == ["a", "b", "c"]
    rota.had("b")
    assert rota.ordered(["c", "a", "b"]) == ["c", "a", "b"]
    assert rota.ordered(["bb", "a"]) == ["bb", "a"]
    rota.had("z")
    assert rota.ordered(["c", "a"]) == ["a", "c"]


def test_notifiers_begin_at_different_places() -> None:
    assert Rota(after="b").ordered(["a", "b", "c"]) == ["c", "a", "b"]


async def test_an_immediate_reader_does_not_take_every_turn_of_a_slow_notifier(one: Desk) -> None:
    await one.subscribe(
        *(a_subscription(id=name, cadence="immediate") for name in ("a", "b")),
        a_subscription(id="z", cadence="daily"),
    )
    for number in range(6):
        at = START + timedelta(hours=8, minutes=20 * number) if number else START
        one.clock.now = one.timer.now = at
        poll = f"p{number}"
        await one.receive(
            an_article_event(number + 1, at, poll=poll), a_poll_event(at, poll=poll, announced=1)
        )
        await one.deliver(cutting=0.0)

    assert await one.told("z")
