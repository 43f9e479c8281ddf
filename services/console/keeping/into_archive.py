"""A backup's archive into the broker's: all of it into an empty one, or the rest after a fault."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from aio_pika.abc import AbstractChannel

from services.console.archive.importing import Ids, opened_ids
from services.console.archive.lines import read_file
from services.console.archive.publishing import BATCH, Onward, opened_channel, publish_all
from services.console.archive.recorded import Recorded
from services.console.archive.stream import Stream
from services.console.keeping import events
from services.console.keeping.on_the_way import OnTheWay
from shared import topology
from shared.errors import ConfigurationError, Permanent


def batches(path: Path) -> Iterator[list[Recorded]]:
    """The entries of a backup's archive, some hundred at a time."""
    batch: list[Recorded] = []
    for entry in events.read(path):
        batch.append(entry)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def fill(stream: Stream, path: Path, later: Path | None) -> int:
    """Publish what the stream lacks of a backup's archive; how many events that were.

    `later` is a recorded file that may have been taken in before, by a restore that broke off.

    Raises:
        ConfigurationError: the stream has events of its own.
        Away: the broker cannot be reached.
        Permanent: the archive refuses an event.
    """
    with opened_ids() as missing:
        for batch in batches(path):
            missing.add(batch)
        await _only_ours(stream, missing, later)
        async with opened_channel(stream.url) as channel:
            return sum([await _publish(channel, batch, missing) for batch in batches(path)])


async def _only_ours(stream: Stream, missing: Ids, later: Path | None) -> None:
    with opened_ids() as more:
        if later is not None:
            async for entry in read_file(later):
                more.add([entry])
        known = set[str]()
        async for entry in stream.read():
            if missing.remove(entry.event_id):
                known.add(entry.event_id)
            elif entry.event_id not in known and not more.remove(entry.event_id):
                raise ConfigurationError(
                    "the broker's archive is not empty: it has events that the backup has not. "
                    "Restore into a new virtual host; to keep these, `carillon record` them "
                    "first, and give the file with --later"
                )


async def _publish(channel: AbstractChannel, batch: Sequence[Recorded], missing: Ids) -> int:
    new = [entry for entry in batch if not entry.event_id or missing.remove(entry.event_id)]
    onward = [Onward(one.routing_key, one.event_id, one.type, one.body) for one in new]
    _all_taken(await publish_all(channel, topology.ARCHIVE_EXCHANGE, onward))
    return len(new)


async def hand_on(channel: AbstractChannel, found: Sequence[OnTheWay]) -> None:
    """Give each consumer what it had yet to get.

    Raises:
        Away: the broker went away.
        Permanent: a queue refuses an event.
    """
    onward = [
        Onward(one.consumer, one.entry.event_id, one.entry.type, one.entry.body) for one in found
    ]
    _all_taken(await publish_all(channel, "", onward))


def _all_taken(faults: Sequence[Exception | None]) -> None:
    if fault := next(filter(None, faults), None):
        raise Permanent(f"the broker refuses an event: {type(fault).__name__}")
