"""Files that operators write, and the machine that the doctor runs on."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from services.classifier.settings import TAXONOMY
from services.classifier.settings import Settings as ClassifierSettings
from services.classifier.taxonomy import load_taxonomy
from services.console.doctor.case import Case
from services.console.doctor.rules.documents import Documents, Machine
from services.notifier.entries import load
from services.notifier.recipient import MAIL
from services.notifier.senders.targets import BadTarget, check_target
from services.notifier.settings import Settings as NotifierSettings
from services.notifier.subscription import Subscription
from services.poller.topic import read_topics
from shared.clock import system_clock
from shared.errors import ConfigurationError

T = TypeVar("T")


async def gather(case: Case) -> Documents:
    """Read each file as its service would."""
    poller, notifier = case.poller.settings, case.notifier.settings
    topics_fault = taxonomy_fault = subscriptions_fault = None
    topics: frozenset[str] = frozenset()
    if poller:
        read, topics_fault = _tried(lambda: read_topics(poller.topics_dir))
        topics = frozenset(topic.id for topic in read or ())
    if case.classifier.settings:
        taxonomy_fault = _taxonomy_fault(case.classifier.settings)
    file = notifier.subscriptions_file if notifier else None
    if notifier is None or file is None:
        return Documents(topics_fault, taxonomy_fault, topics=topics)
    if not _can_be_read(file):
        return Documents(topics_fault, taxonomy_fault, str(file), is_readable=False, topics=topics)
    found, subscriptions_fault = _tried(lambda: load(file, system_clock()))
    return Documents(
        topics_fault,
        taxonomy_fault,
        str(file),
        subscriptions_fault=subscriptions_fault,
        topics=topics,
        asked=frozenset(one.topic for one in found or ()) if topics else frozenset(),
        targets=_bad_targets(found or (), notifier),
    )


def _tried(read: Callable[[], T]) -> tuple[T | None, str | None]:
    try:
        return read(), None
    except ConfigurationError as fault:
        return None, str(fault)


def _taxonomy_fault(settings: ClassifierSettings) -> str | None:
    """Only of a file that is not ours: that one is tested with the code."""
    if settings.taxonomy == TAXONOMY:
        return None
    return _tried(lambda: load_taxonomy(settings.taxonomy))[1]


def _can_be_read(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True


def _bad_targets(
    found: tuple[Subscription, ...], settings: NotifierSettings
) -> tuple[tuple[int, str], ...]:
    faults = []
    for number, one in enumerate(found, 1):
        if one.channel in MAIL or one.channel == "capture":
            continue
        try:
            check_target(one.channel, one.address.get_secret_value(), settings.doors())
        except BadTarget as fault:
            faults.append((number, str(fault)))
    return tuple(faults)


async def gather_machine(case: Case) -> Machine:
    """Look at disks; and, for the embedded mode, at its folder and the pages' port."""
    free = [("/", shutil.disk_usage("/").free)]
    notifier = case.notifier.settings
    if case.is_deployed or notifier is None:
        return Machine(tuple(free))
    there = next(p for p in (case.state, *case.state.resolve().parents) if p.exists())
    fault = await asyncio.to_thread(_state_fault, there)
    free.append((str(there), shutil.disk_usage(there).free))
    taken = notifier.web_port if _is_taken(notifier.web_host, notifier.web_port) else None
    return Machine(tuple(free), fault, taken)


def _state_fault(there: Path) -> str | None:
    """What keeps the folder, or the nearest one that is there already, from being written to."""
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return f"{there} cannot be written to ({error.strerror})"


def _is_taken(host: str, port: int) -> bool:
    if not port:
        return False
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return True
    return False
