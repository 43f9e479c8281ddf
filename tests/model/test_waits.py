"""Leases and next tries by clocks that jump: nothing is held by two, and nothing waits for ever."""

import asyncio
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier import claims, tables
from services.notifier.claims import SKEW, Claim, Turn
from services.notifier.office import LONGEST_WAIT
from shared.database import transaction
from tests.model.ground import Ground, Store, opened
from tests.unit.notifier.kit import START

ZERO, LEASE = timedelta(), timedelta(minutes=10)
JUMPS = st.one_of(
    st.timedeltas(timedelta(minutes=-50), timedelta(minutes=15)),
    st.timedeltas(timedelta(days=-500), timedelta(days=500)),
)
STEPS = st.lists(
    st.tuples(
        JUMPS,
        st.sampled_from(["claim", "claim", "postpone", "release"]),
        st.timedeltas(timedelta(), LONGEST_WAIT),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(steps=STEPS)
def test_a_digest_is_one_notifiers_and_waits_little_longer_than_the_longest_wait(
    ground: Ground, steps: list[tuple[timedelta, str, timedelta]]
) -> None:
    asyncio.run(_live(opened(ground.life(), "notifier"), steps))


async def _live(store: Store, steps: list[tuple[timedelta, str, timedelta]]) -> None:
    """One digest; whoever claims it last holds it, and does something about it at some time."""
    await _cut(store)
    now, held, ahead, back = START, None, ZERO, ZERO
    for jump, act, wait in steps:
        now, ahead, back = now + jump, ahead + max(jump, ZERO), back + max(-jump, ZERO)
        turn = Turn(now, LEASE, LONGEST_WAIT)
        if act == "claim":
            taken = await _claimed(store, turn)
            assert not (taken and held and ahead < LEASE and back < SKEW), "two hold it"
            held, ahead, back = (taken, ZERO, ZERO) if taken else (held, ahead, back)
        elif held:
            await _ended(store, held, act, now + wait)
            held = None
        await _comes_again(store, turn)
    await store.engine.dispose()


async def _cut(store: Store) -> None:
    row = {"id": "d", "subscription_id": "s", "period_from": START, "period_to": START}
    async with transaction(store.engine) as connection:
        await connection.execute(
            tables.digests.insert().values(row | {"state": "intent", "created_at": START})
        )


async def _claimed(store: Store, turn: Turn) -> Claim | None:
    async with transaction(store.engine) as connection:
        waiting = [one.digest_id for one in await claims.waiting(connection, turn)]
        taken = await claims.claim(connection, waiting, turn) if waiting else []
    return taken[0] if taken else None


async def _ended(store: Store, held: Claim, act: str, next_try_at: object) -> None:
    async with transaction(store.engine) as connection:
        if act == "release":
            await claims.release(connection, held)
        else:
            await claims.postpone(connection, held, "later", next_try_at)  # type: ignore[arg-type]


async def _comes_again(store: Store, turn: Turn) -> None:
    """However the clock jumped: when it goes on well, the digest's turn comes.

    A next try is in the way for `LONGEST_WAIT` and `SKEW` at most, a claim for much less; so each
    can be so at one of three moments that lie further apart.
    """
    apart = LONGEST_WAIT + SKEW + timedelta(hours=2)
    async with transaction(store.engine) as connection:
        turns = [Turn(turn.at + number * apart, LEASE, LONGEST_WAIT) for number in range(3)]
        assert any([await claims.waiting(connection, one) for one in turns])
