"""Every place looked at, in the order in which an article travels; nothing is changed.

What could not be looked at is named, and then nothing is said to be lost: it may be there.
"""

from collections import defaultdict
from functools import partial

import aio_pika

from services.console.archive.source import opened_source
from services.console.audit import past, stores
from services.console.audit.facts import Archived, Facts
from services.console.parked.broker import BrokerParking
from services.console.parked.embedded import EmbeddedParking
from services.console.settings import Settings
from services.console.trace.facts import Gap
from services.console.trace.places import Asked, Places, opened_places
from services.console.trace.reading import broker_url
from shared.broker import CONNECT_SECONDS, with_heartbeat
from shared.clock import system_clock
from shared.errors import Away
from shared.placing import AWAY
from shared.topology import CONSUMERS, RETRY_DELAYS


async def gather(settings: Settings, asked: Asked) -> Facts | tuple[Gap, ...]:
    """Look everywhere; the gaps, where something could not be looked at.

    Raises:
        ConfigurationError: there is neither a deployment nor an embedded store to look at.
    """
    async with opened_places(settings, asked) as places:
        of = places.stores
        found = await places.look("the poller's store", partial(stores.of_poller, of.poller))
        labels = partial(stores.of_classifier, of.classifier)
        labelled = await places.look("the classifier's store", labels)
        parked = await places.look("the parked messages", partial(_parked, places, settings))
        queued = await places.look("the queues", partial(_queued, places, settings))
        told = await places.look("the notifier's store", partial(stores.of_notifier, of.notifier))
        archived = await places.look("the archive", partial(_archived, places, settings, asked))
        if not (found and labelled and told and archived) or parked is None or queued is None:
            return places.told_gaps
        return Facts(
            at=asked.now,
            found=found.found,
            labelled=labelled.labelled,
            arrived=told.arrived,
            unpublished={"poller": found.unpublished, "classifier": labelled.unpublished},
            digests=told.digests,
            queued=queued,
            parked=parked,
            ledger=told.ledger,
            accepted=told.accepted,
            people=told.people,
            archived=archived,
        )


async def _archived(places: Places, settings: Settings, asked: Asked) -> Archived:
    if places.bus is None:
        broker_url(settings)
    async with opened_source(settings, asked.state) as source:
        return await past.hear(source.read)


async def _parked(places: Places, settings: Settings) -> dict[str, set[int]]:
    parking = (
        BrokerParking(broker_url(settings), system_clock)
        if places.bus is None
        else EmbeddedParking(places.bus, system_clock)
    )
    found: dict[str, set[int]] = defaultdict(set)
    for one in await parking.look():
        if one.pmid is not None:
            found[one.consumer].add(one.pmid)
    return found


async def _queued(places: Places, settings: Settings) -> dict[str, int]:
    if places.bus is not None:
        return await stores.queued(places.bus)
    try:
        connection = await aio_pika.connect(
            with_heartbeat(broker_url(settings)), timeout=CONNECT_SECONDS
        )
        async with connection:
            channel = await connection.channel()
            counts = {}
            for queue in CONSUMERS:
                waits = [queue.retry(n) for n in range(1, len(RETRY_DELAYS) + 1)]
                found = [
                    await channel.declare_queue(name, passive=True)
                    for name in (queue.name, queue.suspects, *waits)
                ]
                messages = (one.declaration_result.message_count or 0 for one in found)
                counts[queue.name] = sum(messages)
            return counts
    except AWAY as error:
        raise Away(f"broker: {type(error).__name__} while looking at the queues") from error
