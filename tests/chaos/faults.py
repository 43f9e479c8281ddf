"""Every kind of fault by its name, and how a plan of them is carried out.

faults = plan(seed, sorts(), seconds=600)
with Barrage(field, faults, folder / "faults.jsonl") as barrage:
    ...                       # the line works meanwhile
    barrage.join()            # or barrage.stop()
field.heal()
barrage.performed             # what is in the file, too
"""

import json
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.chaos.faults_broker import broker
from tests.chaos.faults_database import database
from tests.chaos.faults_network import network
from tests.chaos.faults_others import mail_server, processes, senders
from tests.chaos.field import Field
from tests.chaos.kinds import Detail, Kind
from tests.chaos.schedule import Fault, Sort

KINDS: dict[str, Kind] = {
    kind.sort.name: kind
    for kind in (
        *broker(),
        *database(),
        *network("broker"),
        *network("database"),
        *network("smtp"),
        *mail_server(),
        *processes(),
        *senders(),
    )
}


def sorts(lanes: Collection[str] = (), without: Collection[str] = ()) -> list[Sort]:
    """What `plan` wants to know of the kinds, of all lanes or these, without some kinds."""
    return [
        kind.sort
        for kind in KINDS.values()
        if (not lanes or kind.sort.lane in lanes) and kind.sort.name not in without
    ]


@dataclass(frozen=True)
class Performed:
    """A fault as it was; `began` and `ended` are real times in seconds since 1970.

    `failed` says why it could not be carried out, such as bad messages for a broker that is away.
    """

    kind: str
    lane: str
    began: float
    ended: float
    detail: Detail
    failed: str = ""


class Barrage:
    """Carries a plan out: a thread for each lane. A fault whose time has passed comes at once."""

    def __init__(self, where: Field, faults: Sequence[Fault], log: Path) -> None:
        self.performed: list[Performed] = []
        self._where, self._log = where, log
        self._over = threading.Event()
        self._writing, self._heavy = threading.Lock(), threading.Lock()
        lanes = sorted({fault.lane for fault in faults})
        self._threads = [
            threading.Thread(
                target=self._lane,
                args=([f for f in faults if f.lane == lane],),
                name=f"fire-{lane}",
            )
            for lane in lanes
        ]
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def join(self, seconds: float | None = None) -> bool:
        """Wait until the plan is carried out; whether it is, after so many seconds."""
        deadline = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Begin no more faults; returns when those at work have ended."""
        self._over.set()
        self.join()

    def _lane(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            if self._over.wait(max(0.0, fault.at - (time.monotonic() - self._began))):
                return
            if fault.heavy:
                with self._heavy:
                    self._note(perform(self._where, fault, self._over))
            else:
                self._note(perform(self._where, fault, self._over))

    def _note(self, performed: Performed) -> None:
        with self._writing, self._log.open("a", encoding="utf-8") as file:
            self.performed.append(performed)
            file.write(json.dumps(asdict(performed)) + "\n")


def perform(where: Field, fault: Fault, over: threading.Event | None = None) -> Performed:
    """Carry one fault out, from its begin to its end; cut short when `over` is set."""
    kind, began = KINDS[fault.kind], time.time()
    detail: Detail = {}
    failed = ""
    try:
        detail = kind.begin(where, fault)
        (over or threading.Event()).wait(fault.seconds)
    except Exception as error:  # noqa: BLE001  that one fault failed must not end the others
        failed = f"{type(error).__name__}: {error}"[:500]
    try:
        kind.end(where)
    except Exception as error:  # noqa: BLE001
        failed = f"{failed} end: {type(error).__name__}: {error}"[:900]
    return Performed(fault.kind, fault.lane, began, time.time(), detail, failed)
