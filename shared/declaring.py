"""Every exchange, queue and binding of `shared.topology`, declared; what is there already stays."""

from aio_pika.abc import AbstractChannel, AbstractExchange

from shared import topology
from shared.topology import ConsumerQueue


async def declare_all(channel: AbstractChannel) -> None:
    """Declare all of it. Raises what the channel raises."""
    events = await channel.declare_exchange(topology.EXCHANGE, "topic", durable=True)
    archived = await channel.declare_exchange(topology.ARCHIVE_EXCHANGE, "topic", durable=True)
    archive = await channel.declare_queue(
        topology.ARCHIVE, durable=True, arguments=dict(topology.ARCHIVE_ARGUMENTS)
    )
    for key in topology.ARCHIVE_BINDINGS:
        await archive.bind(archived, key)
        # As it was once: there it would hide that a consumer is not bound.
        await archive.unbind(events, key)
    for queue in topology.CONSUMERS:
        await _declare_consumer(channel, events, queue)


async def _declare_consumer(
    channel: AbstractChannel, events: AbstractExchange, queue: ConsumerQueue
) -> None:
    dead = await channel.declare_exchange(queue.dead_exchange, "direct", durable=True)
    parked = await channel.declare_queue(
        queue.parked, durable=True, arguments=dict(topology.PARKED_ARGUMENTS)
    )
    await parked.bind(dead, queue.parked)
    for attempt, delay in enumerate(topology.RETRY_DELAYS, start=1):
        await channel.declare_queue(
            queue.retry(attempt),
            durable=True,
            arguments=dict(topology.retry_arguments(queue, delay)),
        )
    arguments = topology.work_arguments(queue)
    await channel.declare_queue(queue.suspects, durable=True, arguments=dict(arguments))
    work = await channel.declare_queue(queue.name, durable=True, arguments=dict(arguments))
    for key in queue.bindings:
        await work.bind(events, key)
    own = await channel.declare_exchange(queue.own_exchange, "direct", durable=True)
    for name in queue.for_copies:
        await (await channel.get_queue(name, ensure=False)).bind(own, name)
