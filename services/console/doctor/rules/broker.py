"""RabbitMQ as an account meets it: whether it comes in, and what its queues hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.console.doctor.codes import Code
from services.console.doctor.finding import Finding, Told, Unchecked
from shared.topology import ARCHIVE, CONSUMERS

Fault = Literal["url", "unreachable", "login", "vhost", "tls"]

_CODES: Mapping[Fault, Code] = {
    "url": Code.BROKER_URL,
    "unreachable": Code.BROKER_UNREACHABLE,
    "login": Code.BROKER_LOGIN,
    "vhost": Code.BROKER_VHOST,
    "tls": Code.BROKER_TLS,
}


@dataclass(frozen=True, slots=True)
class Entered:
    """Whether those with one URL came in: `fault` and `words` where they did not."""

    who: tuple[str, ...]
    fault: Fault | None = None
    words: str = ""


def judge_entered(facts: Entered) -> Told:
    """Why an account does not come in."""
    if facts.fault is None:
        return []
    return [Finding(_CODES[facts.fault], ", ".join(facts.who), facts.words)]


@dataclass(frozen=True, slots=True)
class Held:
    """What one queue holds, and how many read it."""

    messages: int
    consumers: int


@dataclass(frozen=True, slots=True)
class Queues:
    """Each queue of ours by its name, None where there is none; and which exchanges are missing."""

    held: Mapping[str, Held | None] = field(default_factory=dict)
    missing_exchanges: tuple[str, ...] = ()


def judge_queues(facts: Queues) -> Told:
    """What is missing, what nobody reads, and what waits for a person."""
    found = [
        Finding(Code.EXCHANGE_MISSING, name, f"there is no exchange {name}")
        for name in facts.missing_exchanges
    ]
    for name, held in facts.held.items():
        if held is None and name == ARCHIVE:
            found.append(Finding(Code.ARCHIVE_MISSING, name, "there is no archive"))
        elif held is None:
            found.append(Finding(Code.QUEUE_MISSING, name, f"there is no queue {name}"))
    for queue in CONSUMERS:
        work, parked = facts.held.get(queue.name), facts.held.get(queue.parked)
        if work and not work.consumers:
            told = f"nobody reads its queue, where {work.messages} messages wait"
            found.append(Finding(Code.QUEUE_UNREAD, queue.name, told))
        if parked and parked.messages:
            told = f"{parked.messages} messages are parked in {queue.parked}"
            found.append(Finding(Code.MESSAGES_PARKED, queue.name, told))
    return found


def not_looked(who: str, why: str) -> Told:
    """What cannot be told of queues where nobody came in."""
    return [Unchecked(f"queues and exchanges ({who})", why)]
