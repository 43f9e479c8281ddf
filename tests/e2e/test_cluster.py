"""Production on several nodes: each is killed while articles flow, and all articles are counted."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.classifier import tables as classifier
from services.poller import tables as poller
from shared.topology import ARCHIVE, CLASSIFIER, CONSUMERS
from tests.e2e.cluster import (
    NODES,
    Cluster,
    a_steady_flow,
    begin_to_count,
    cluster,
    figures,
)
from tests.e2e.site import the_catalogue_by_mail
from tests.e2e.stack import ROOT
from tests.e2e.walk import Step, steps
from tests.eventually import eventually
from tests.tally import EFFECTS, count, told_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


async def test_it_carries_the_catalogue_and_nothing_is_lost_whichever_node_dies(
    tmp_path: Path,
) -> None:
    async with cluster(tmp_path) as installation:
        await asyncio.to_thread(the_catalogue_by_mail, installation.stack)
        await _every_queue_has_three_members(installation)
        await begin_to_count(installation)
        started = await installation.runs()
        first, second, third = await _by_what_hangs_on_it(installation)

        async with a_steady_flow(installation):
            await _flows(installation, "three nodes")
            await _killed(installation, first)
            await _flows(installation, f"without {first}")
        await _waits_while_two_are_dead(installation, second)
        async with a_steady_flow(installation):
            await installation.compose("start", first)
            await _flows(installation, f"{first} back, without {second}")
            await installation.compose("start", second)
            await eventually(_is_whole(installation, second), within=300, pause=1)
            await _killed(installation, third)
            await _flows(installation, f"without {third}")
        await installation.compose("start", third)

        await _waits_for_the_follower_or_goes_on_without(installation)
        await _the_follower_takes_over(installation)
        await _everything_arrived_once(installation)
        assert await installation.runs() == started, "a service has been started again"


async def _every_queue_has_three_members(installation: Cluster) -> None:
    queues = await installation.queues("rabbitmq")
    assert {len(queue["members"]) for queue in queues.values()} == {3}
    assert queues[ARCHIVE]["type"] == "stream"
    assert all(queue["type"] == "quorum" for name, queue in queues.items() if name != ARCHIVE)


async def _by_what_hangs_on_it(installation: Cluster) -> list[str]:
    """The nodes: first the one that leads the classifier's queue, then by connections to them."""
    queues = await installation.queues("rabbitmq")
    connected = await installation.connections("rabbitmq")
    leader = str(queues[CLASSIFIER.name]["leader"]).removeprefix("rabbit@")
    _say(f"leader {leader}, connected to {sorted(connected)}")
    return sorted(NODES, key=lambda node: (node != leader, -connected.count(node)))


async def _killed(installation: Cluster, node: str) -> None:
    await installation.compose("kill", node)  # SIGKILL


async def _flows(installation: Cluster, when: str) -> None:
    """What is committed from now on is confirmed, classified and told, whoever is missing."""
    since = datetime.now(UTC)
    already = len(installation.fed)
    wanted = already + 200

    async def arrived() -> bool:
        return await installation.told() >= wanted

    await eventually(arrived, within=300, pause=0.5)
    _say(f"{when}: {figures(await installation.waits(since))}")


async def _waits_while_two_are_dead(installation: Cluster, second: str) -> None:
    """Publishing waits in the outbox; the services live, and say that they cannot work."""
    await _all_come(installation, second)
    await _killed(installation, second)

    async def not_ready() -> bool:
        return await installation.probes() == {(200, 503)}

    await eventually(not_ready, within=60, pause=1)
    before = await installation.confirmed()
    await installation.feed(500)
    await eventually(not_ready, within=10, pause=1)
    assert await installation.confirmed() == before
    assert await count(installation.engine, poller.outbox) >= 500


async def _waits_for_the_follower_or_goes_on_without(installation: Cluster) -> None:
    """Nothing is committed that one disk alone has, until somebody says that it may be."""
    await _all_come(installation, "rabbitmq")
    await eventually(installation.has_a_follower, within=30, pause=0.5)
    await _killed(installation, "postgres-2")
    feeding = asyncio.create_task(installation.feed(100))
    await asyncio.sleep(3)
    assert not feeding.done()
    (go_on,) = _steps("The follower is away")

    await installation.type(go_on)
    await feeding

    await _all_come(installation, "rabbitmq")
    await installation.compose("start", "postgres-2")
    await eventually(installation.has_a_follower, within=60, pause=0.5)


async def _the_follower_takes_over(installation: Cluster) -> None:
    """With all that was committed, however lately; the services find it by themselves."""
    take_over, follow_again = _steps("The one that takes writes is gone")
    await installation.feed(300)
    await installation.type(take_over)  # it kills first
    since = time.monotonic()
    await installation.feed(100)
    await _all_come(installation, "rabbitmq")
    _say(f"all there {time.monotonic() - since:.1f} s after the follower took over")

    await installation.type(follow_again)
    await eventually(installation.has_a_follower, within=60, pause=0.5)


def _steps(section: str) -> list[Step]:
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    return [step for step in steps(page) if step.section == section]


async def _all_come(installation: Cluster, node: str) -> None:
    """Wait until all that was committed has come through; a failure shows where it is."""

    async def all_told() -> bool:
        return await installation.told() == len(installation.fed)

    try:
        await eventually(all_told, within=300, pause=0.5)
    except AssertionError:
        _say(f"fed {len(installation.fed)}, had {await installation.effects()}")
        for queue in (await installation.queues(node)).values():
            _say(str(queue))
        raise


def _is_whole(installation: Cluster, node: str) -> Callable[[], Awaitable[bool]]:
    async def is_whole() -> bool:
        try:
            return await installation.whole(node)
        except AssertionError:  # the node does not answer yet
            return False

    return is_whole


async def _everything_arrived_once(installation: Cluster) -> None:
    number = len(installation.fed)
    await _all_come(installation, "rabbitmq")
    await eventually(_is_whole(installation, "rabbitmq"), within=300, pause=1)

    assert await installation.effects() == dict.fromkeys(EFFECTS, number)
    assert await installation.confirmed() >= set(installation.fed)
    for table in (poller.outbox, classifier.outbox):
        assert await count(installation.engine, table) == 0
    queues = await installation.queues("rabbitmq")
    for consumer in CONSUMERS:
        for name in (consumer.name, consumer.parked):
            assert queues[name]["messages"] == 0, name

    archive = await installation.archived()
    told = await told_of(installation.engine)
    assert set(archive) >= await installation.confirmed() | told
    _say(f"{number} articles told once; archive: {len(archive) - len(set(archive))} twice")


def _say(words: str) -> None:
    print(words)  # noqa: T201  the figures of the run
