"""RabbitMQ as its management API describes it, held against `shared.topology`."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.console.accounts.rights import needs
from services.console.archive.retention import POLICY
from services.console.doctor.codes import Code
from services.console.doctor.finding import Finding, Told
from shared import topology

_HARMFUL = {
    "max-length": "what is over it is refused or lost",
    "max-length-bytes": "what is over it is refused or lost",
    "message-ttl": "messages expire",
    "expires": "the queue itself expires",
    "max-age": "events are forgotten sooner",
    "overflow": "the oldest messages may be dropped",
}
"""Keys of a policy that our queues must not meet, and what they do."""

_FEWEST_CONNECTIONS = 12
"""Three services with three connections each, the doctor's and the console's."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, or an operator's policy, of the virtual host."""

    name: str
    pattern: str
    apply_to: str
    definition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Permission:
    """What one user may, as regular expressions; `keys` by exchange, where they are limited."""

    configure: str
    write: str
    read: str
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broker:
    """What the API says. `fault` where it says nothing.

    `queues` are arguments by name; `bindings` are (exchange, queue, key); `permissions` by who
    has them (None: none in this virtual host); `limits` by whom they bind, and name.
    """

    fault: str | None = None
    queues: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    exchanges: Mapping[str, str] = field(default_factory=dict)
    bindings: frozenset[tuple[str, str, str]] = frozenset()
    policies: tuple[Policy, ...] = ()
    permissions: Mapping[str, Permission | None] = field(default_factory=dict)
    limits: tuple[tuple[str, str, int], ...] = ()
    alarms: tuple[str, ...] = ()


def wanted_queues() -> dict[str, dict[str, str | int]]:
    """Every queue of ours with its arguments."""
    queues: dict[str, dict[str, str | int]] = {topology.ARCHIVE: topology.ARCHIVE_ARGUMENTS}
    for queue in topology.CONSUMERS:
        queues[queue.name] = queues[queue.suspects] = topology.work_arguments(queue)
        queues[queue.parked] = topology.PARKED_ARGUMENTS
        for attempt, delay in enumerate(topology.RETRY_DELAYS, start=1):
            queues[queue.retry(attempt)] = topology.retry_arguments(queue, delay)
    return queues


def wanted_exchanges() -> dict[str, str]:
    """Every exchange of ours with its type."""
    dead = {queue.dead_exchange: "direct" for queue in topology.CONSUMERS}
    own = {queue.own_exchange: "direct" for queue in topology.CONSUMERS}
    return {topology.EXCHANGE: "topic", topology.ARCHIVE_EXCHANGE: "topic", **dead, **own}


def wanted_bindings() -> list[tuple[str, str, str]]:
    """Every binding of ours: exchange, queue, key."""
    pairs = [(topology.ARCHIVE_EXCHANGE, topology.ARCHIVE, k) for k in topology.ARCHIVE_BINDINGS]
    for queue in topology.CONSUMERS:
        pairs += [(topology.EXCHANGE, queue.name, key) for key in queue.bindings]
        pairs.append((queue.dead_exchange, queue.parked, queue.parked))
        pairs += [(queue.own_exchange, name, name) for name in queue.for_copies]
    return pairs


def judge(facts: Broker) -> Told:
    """What is not as it must be; a queue or exchange that is missing is told by `broker`."""
    if facts.fault:
        return [Finding(Code.BROKER_API, "CARILLON_MANAGEMENT_URL", facts.fault)]
    wrong = list(_shapes(facts))
    return [
        *_alarms(facts),
        *_limits(facts),
        *_rights(facts),
        *wrong,
        *_bindings(facts, {one.about for one in wrong}),
        *_policies(facts),
    ]


def _alarms(facts: Broker) -> Iterator[Finding]:
    for alarm in facts.alarms:
        told = f"its {alarm} alarm blocks everybody who publishes"
        yield Finding(Code.BROKER_ALARM, "broker", told)


def _limits(facts: Broker) -> Iterator[Finding]:
    least = {
        "max-connections": _FEWEST_CONNECTIONS,
        "max-channels": 2 * _FEWEST_CONNECTIONS,
        "max-queues": len(wanted_queues()),
    }
    for whom, name, value in facts.limits:
        if 0 <= value < least.get(name, 0):
            told = f"{name} of {whom} is {value}, and we need {least[name]}"
            yield Finding(Code.BROKER_LIMIT, whom, told)


def _rights(facts: Broker) -> Iterator[Finding]:
    for who, permission in facts.permissions.items():
        lacks = _lacking(who, permission) if permission else ["any right in this virtual host"]
        if lacks:
            more = " ..." if lacks[3:] else ""
            told = f"its account lacks {', '.join(lacks[:3])}{more}"
            yield Finding(Code.BROKER_RIGHTS, who, told)


def _lacking(who: str, may: Permission) -> list[str]:
    if who == "console":
        names = [*wanted_exchanges(), *wanted_queues()]
        lacks = [f"configure on {name}" for name in names if not _fits(may.configure, name)]
    else:
        lacks = []
    needed = needs(who)
    lacks += [f"write to {name}" for name in needed.write if not _fits(may.write, name)]
    lacks += [f"read of {name}" for name in needed.read if not _fits(may.read, name)]
    for exchange in needed.write:
        allowed = may.keys.get(exchange)
        keys = [key for key in needed.keys if allowed is not None and not _fits(allowed, key)]
        lacks += [f"write of {key} to {exchange}" for key in sorted(keys)]
    return lacks


def _fits(pattern: str, name: str) -> bool:
    """As RabbitMQ reads it: anywhere in the name, and nothing at all where it is empty."""
    try:
        return bool(pattern) and re.search(pattern, name) is not None
    except re.error:  # what Python does not read, Erlang may
        return True


def _shapes(facts: Broker) -> Iterator[Finding]:
    for name, wanted in wanted_queues().items():
        found = facts.queues.get(name)
        if found is None:
            continue
        wrong = [key for key in {*wanted, *found} if wanted.get(key) != found.get(key)]
        if wrong:
            each = (f"{k} is {found.get(k)!r} and not {wanted.get(k)!r}" for k in sorted(wrong))
            yield Finding(Code.QUEUE_WRONG, name, "; ".join(each))
    for name, kind in wanted_exchanges().items():
        if facts.exchanges.get(name, kind) != kind:
            told = f"the exchange is of type {facts.exchanges[name]} and not {kind}"
            yield Finding(Code.QUEUE_WRONG, name, told)


def _bindings(facts: Broker, wrong: Collection[str]) -> Iterator[Finding]:
    """Of what is there as it must be: the rest is bound when it is declared anew."""
    for exchange, queue, key in wanted_bindings():
        there = exchange in facts.exchanges and queue in facts.queues and queue not in wrong
        if there and (exchange, queue, key) not in facts.bindings:
            told = f"{key} does not go from {exchange} to {queue}"
            yield Finding(Code.BINDING_MISSING, queue, told)


def _policies(facts: Broker) -> Iterator[Finding]:
    for policy in facts.policies:
        if policy.name == POLICY:
            continue
        met = [name for name in facts.queues if _meets(policy, name)]
        harm = [f"{key}: {_HARMFUL[key]}" for key in policy.definition if key in _HARMFUL]
        if met and harm:
            told = f"policy {policy.name!r} has {'; '.join(harm)}, on {met[0]}"
            yield Finding(Code.POLICY_IN_WAY, policy.name, told)


def _meets(policy: Policy, name: str) -> bool:
    wanted = wanted_queues().get(name)
    kinds = {"all", "queues", "streams" if name == topology.ARCHIVE else "quorum_queues"}
    if wanted is None or policy.apply_to not in kinds or not _fits(policy.pattern, name):
        return False
    return not (name == topology.ARCHIVE and policy.apply_to == "queues")
