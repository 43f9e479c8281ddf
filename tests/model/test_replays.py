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

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.article import Status
from tests.model.ground import Ground
from tests.model.replays import WISHES, Passes, Polls, Reads, Replays, Step, World

READS = st.builds(
    Reads,
    pmid=st.integers(1, 4),
    text=st.sampled_from(["lupus", "lupus", "oncology", "wolves", "treg"]),
    status=st.sampled_from([*[Status.PUBLISHED] * 4, Status.RETRACTED, Status.CORRECTED]),
    background=st.sampled_from([False, False, False, True]),
    held=st.booleans(),
)
POLLS = st.builds(
    Polls, missing=st.sampled_from([0, 0, 0, 1]), healthy=st.sampled_from([True, True, False])
)
PASSES = st.builds(Passes, hours=st.sampled_from([1, 8, 24, 24, 400]), tidied=st.booleans())
REPLAYS = st.builds(
    Replays,
    which=st.integers(0, 12),
    replay=st.sampled_from(["r1", "r1", "r2"]),
    force=st.booleans(),
    to=st.sampled_from([(), (), tuple(WISHES), ("nobody",)]),
    made=st.sampled_from(["sent", "sent", "classified", "stranger", "anew"]),
)
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(READS, READS, POLLS, PASSES, REPLAYS, REPLAYS, REPLAYS), min_size=8, max_size=40
)


def test_live_digests_are_what_they_would_be_without_any_replay(
    ground: Ground, profile: settings
) -> None:
    met: Counter[str] = Counter()

    @profile
    @given(steps=STEPS)
    def the_same(steps: list[Step]) -> None:
        asyncio.run(_compared(ground, steps, met))

    the_same()
    print(f"Replays: {dict(sorted(met.items()))}")  # noqa: T201
    assert min(met[name] for name in ("sent", "processed", "deduplicated", "skipped")) > 5


async def _compared(ground: Ground, steps: Sequence[Step], met: Counter[str]) -> None:
    alone, beside = World(ground), World(ground)
    try:
        await alone.live([one for one in steps if not isinstance(one, Replays)])
        await beside.live(steps)

        expected, found = await alone.everything(), await beside.everything()
        for name, kept in expected.items():
            assert found[name] == kept, name
        met["sent"] += len(alone.mailbox.taken)
        met.update(await beside.outcomes())
    finally:
        await alone.end()
        await beside.end()
