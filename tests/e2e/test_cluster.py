"""Three RabbitMQ nodes: each is killed, and two at once, while articles flow; all are counted."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.classifier import tables as classifier
from services.poller import tables as poller
from shared.topology import ARCHIVE, CLASSIFIER, CONSUMERS
from tests.e2e.cluster import NODES, SERVICES, Cluster, a_steady_flow, cluster, figures
from tests.eventually import eventually
from tests.tally import EFFECTS, count, effects, told_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


async def test_one_node_may_die_and_nothing_is_lost_when_two_do(tmp_path: Path) -> None:
    async with cluster("carillon-e2e-cluster", tmp_path) as installation:
        await _every_queue_has_three_members(installation)
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
        return [await installation.probes(name) for name in SERVICES] == [[200, 503]] * 3

    await eventually(not_ready, within=60, pause=1)
    before = await installation.confirmed()
    await installation.feed(500)
    await eventually(not_ready, within=10, pause=1)
    assert await installation.confirmed() == before
    assert await count(installation.engine, poller.outbox) >= 500


async def _all_come(installation: Cluster, node: str) -> None:
    """Wait until all that was committed has come through; a failure shows where it is."""

    async def all_told() -> bool:
        return await installation.told() == len(installation.fed)

    try:
        await eventually(all_told, within=300, pause=0.5)
    except AssertionError:
        _say(f"fed {len(installation.fed)}, had {await effects(installation.engine)}")
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

    assert await effects(installation.engine) == dict.fromkeys(EFFECTS, number)
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
