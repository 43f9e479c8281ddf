"""Whatever is replayed, in whatever order between live events: the live digests stay the same.

Two worlds live the same steps, one of them with replays in between: forced or not, of events of
the past and of days to come, of what nobody ever knew, of older and newer revisions, retractions
and polls, of what an earlier replay made, with and without somebody to send it to, before the live
event or after it, also when the inboxes have forgotten. Everything that was sent, and every table
that live work writes, is the same to the byte.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.article import Status
from tests.model.ground import Ground
from tests.model.replays import (
    WHICH,
    WISHES,
    Made,
    Passes,
    Polls,
    Reads,
    Replays,
    Step,
    Text,
    World,
)

TEXTS: tuple[Text, ...] = ("lupus", "lupus", "treg", "oncology", "wolves")
STATUSES = (*[Status.PUBLISHED] * 5, Status.RETRACTED, Status.CORRECTED)
MADE: tuple[Made, ...] = ("sent", "sent", "classified", "classified", "stranger", "anew", "end")


def _step(draw: Random) -> Step:
    return draw.choice((_reads, _reads, _polls, _passes, _replays, _replays, _replays))(draw)


def _reads(draw: Random) -> Reads:
    return Reads(
        pmid=draw.randint(1, 4),
        text=draw.choice(TEXTS),
        status=draw.choice(STATUSES),
        background=draw.random() < 0.2,
        held=draw.random() < 0.5,
    )


def _polls(draw: Random) -> Polls:
    return Polls(missing=int(draw.random() < 0.2), healthy=draw.random() < 0.7)


def _passes(draw: Random) -> Passes:
    return Passes(hours=draw.choice((1, 8, 24, 24, 24, 400)), tidied=draw.random() < 0.5)


def _replays(draw: Random) -> Replays:
    return Replays(
        which=draw.randrange(1000),
        replay=draw.choice(WHICH),
        force=draw.random() < 0.5,
        to=draw.choice(((), (), tuple(WISHES), ("nobody",))),
        made=draw.choice(MADE),
    )


MET = ("sent", "sent for a replay", "processed", "deduplicated", "skipped")


def test_live_digests_are_what_they_would_be_without_any_replay(
    ground: Ground, profile: settings, lives: int
) -> None:
    met: Counter[str] = Counter()

    @settings(profile, max_examples=max(1, lives // 2))
    @given(seed=st.integers(0, 2**32))
    def the_same(seed: int) -> None:
        # Drawn evenly: hypothesis's own lists come near an end of a replay far too seldom.
        draw = Random(seed)  # noqa: S311  no secret
        steps = [Polls(0, healthy=True), *(_step(draw) for _ in range(40))]
        asyncio.run(_compared(ground, steps, met))

    the_same()
    print(f"Replays: {dict(sorted(met.items()))}")  # noqa: T201
    assert min(met[name] for name in MET) > 2


async def _compared(ground: Ground, steps: Sequence[Step], met: Counter[str]) -> None:
    alone, beside = World(ground), World(ground)
    try:
        await alone.live([one for one in steps if not isinstance(one, Replays)])
        await beside.live(steps)

        expected, found = await alone.everything(), await beside.everything()
        for name, kept in expected.items():
            assert found[name] == kept, name
        met["sent"] += len(alone.mailbox.taken)
        met["sent for a replay"] += beside.replayed()
        assert not [to for _, to, *_ in beside.mailbox.taken if to == "asked@example.org"]
        met.update(await beside.outcomes())
    finally:
        await alone.end()
        await beside.end()
