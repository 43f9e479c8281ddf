"""Files that operators write: topics, taxonomy, subscriptions; and where the embedded mode is."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.console.doctor.codes import Code
from services.console.doctor.finding import Finding, Told


@dataclass(frozen=True, slots=True)
class Documents:
    """What reading each came to: its fault in words, or None.

    `topics` are the ids that there are; `asked` the topics that subscriptions name; `targets` says
    of a numbered subscription what is wrong with its URL.
    """

    topics_fault: str | None = None
    taxonomy_fault: str | None = None
    subscriptions_file: str = ""
    is_readable: bool = True
    subscriptions_fault: str | None = None
    topics: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    targets: tuple[tuple[int, str], ...] = ()


def judge(facts: Documents) -> Told:
    """What is wrong with each file."""
    return list(_judged(facts))


def _judged(facts: Documents) -> Iterator[Finding]:
    file = facts.subscriptions_file
    if facts.topics_fault:
        yield Finding(Code.TOPIC_WRONG, "topics", facts.topics_fault)
    if facts.taxonomy_fault:
        yield Finding(Code.TAXONOMY_WRONG, "taxonomy", facts.taxonomy_fault)
    if not facts.is_readable:
        yield Finding(Code.SUBSCRIPTIONS_UNREADABLE, file, "it is not there, or cannot be read")
    elif facts.subscriptions_fault:
        zone = "unknown time zone" in facts.subscriptions_fault
        code = Code.TIME_ZONE_UNKNOWN if zone else Code.SUBSCRIPTIONS_WRONG
        yield Finding(code, file, facts.subscriptions_fault)
    for number, fault in facts.targets:
        yield Finding(Code.TARGET_WRONG, file, f"subscription {number}: {fault}")
    unknown = sorted(facts.asked - facts.topics)
    if unknown and not facts.topics_fault:
        told = f"no topic has the id {', '.join(unknown)}: nothing would ever come"
        yield Finding(Code.TOPIC_UNKNOWN, file, told)


LEAST_FREE = 1_000_000_000
"""Bytes: a database or a broker below that stops soon."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that the doctor runs on. `free`: bytes of the disk under each path.

    `state_fault`: why the embedded mode's folder cannot be used. `taken`: the pages' port, where
    something listens on it already.
    """

    free: tuple[tuple[str, int], ...] = ()
    state_fault: str | None = None
    taken: int | None = None


def judge_machine(facts: Machine) -> Told:
    """What the machine lacks."""
    found = [
        Finding(Code.DISK_LOW, path, f"{free // 1_000_000} MB are free under {path}")
        for path, free in facts.free
        if free < LEAST_FREE
    ]
    if facts.state_fault:
        found.append(Finding(Code.STATE_UNUSABLE, "CARILLON_STATE", facts.state_fault))
    if facts.taken:
        told = f"something else listens on port {facts.taken}"
        found.append(Finding(Code.PORT_IN_USE, "NOTIFIER_WEB_PORT", told))
    return found
