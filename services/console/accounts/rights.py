"""What a service may at the broker: what its events and its queue need.

A right is a regular expression over names (https://www.rabbitmq.com/docs/access-control).
Publishing to a queue by its name is one right for all queues, that of the default exchange: nobody
has it. Who consumes puts copies into its own queues by an exchange that leads to no others.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.console.asyncapi import PRODUCERS
from shared import topology

NOTHING = "^$"


@dataclass(frozen=True, slots=True)
class Needs:
    """Names of exchanges that are written to and of queues that are read, and routing keys."""

    write: tuple[str, ...]
    read: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rights:
    """Regular expressions over names; `keys` are over the routing keys of our two exchanges."""

    configure: str
    write: str
    read: str
    keys: str


def needs(service: str) -> Needs:
    """What a service cannot do without."""
    keys = [key for key, producer in PRODUCERS.items() if producer == service]
    queue = next((one for one in topology.CONSUMERS if one.name == service), None)
    write = [topology.EXCHANGE] if any(map(topology.wanted, keys)) else []
    write += [topology.ARCHIVE_EXCHANGE] if any(map(topology.archived, keys)) else []
    if queue is None:
        return Needs(tuple(write), (), tuple(keys))
    read = (queue.name, queue.suspects, queue.parked)
    return Needs((*write, queue.own_exchange), read, tuple(keys))


def rights(service: str) -> Rights:
    """What a service may. None declares or removes anything: that is `carillon migrate`'s."""
    needed = needs(service)
    return Rights(NOTHING, _only(needed.write), _only(needed.read), _only(needed.keys))


def _only(names: Iterable[str]) -> str:
    escaped = "|".join(map(re.escape, names))
    return f"^({escaped})$" if escaped else NOTHING
