"""Faults of the broker itself."""

from collections.abc import Callable, Iterator

from shared.topology import CONSUMERS
from tests.chaos.engine_rabbit import RabbitEngine
from tests.chaos.field import Field
from tests.chaos.kinds import Detail, Kind, nothing, rng
from tests.chaos.schedule import Fault, Sort

LANE = "broker"


def _away(name: str) -> Sort:
    return Sort(name, LANE, least=1.0, most=6.0, heavy=True, rest=4.0)


def _of(act: Callable[[RabbitEngine], None]) -> Callable[[Field, Fault], Detail]:
    def begin(where: Field, fault: Fault) -> Detail:
        act(where.rabbit)
        return {}

    return begin


def _start(where: Field) -> None:
    where.rabbit.start()


def _thaw(where: Field) -> None:
    where.rabbit.thaw()


def _end_alarms(where: Field) -> None:
    where.rabbit.end_alarms()


def _full(where: Field, fault: Fault) -> Detail:
    queue = rng(fault).choice(CONSUMERS).name
    where.rabbit.limit_queue(where.vhost, queue, 1)
    return {"queue": queue}


def _not_full(where: Field) -> None:
    for queue in CONSUMERS:
        where.rabbit.unlimit_queue(where.vhost, queue.name)


def broker() -> Iterator[Kind]:
    """Stopped, killed, frozen, alarmed, full, or rid of its clients."""
    yield Kind(_away("broker-stopped"), _of(RabbitEngine.stop), _start)
    yield Kind(_away("broker-killed"), _of(RabbitEngine.kill), _start)
    yield Kind(_away("broker-app-stopped"), _of(RabbitEngine.stop_app), _start)
    yield Kind(_away("broker-frozen"), _of(RabbitEngine.freeze), _thaw)
    yield Kind(
        Sort("broker-memory-alarm", LANE, 3, 8, rest=2.0),
        _of(RabbitEngine.alarm_memory),
        _end_alarms,
    )
    yield Kind(
        Sort("broker-disk-alarm", LANE, 3, 8, rest=2.0), _of(RabbitEngine.alarm_disk), _end_alarms
    )
    yield Kind(
        Sort("broker-connections-closed", LANE, 0.1, 0.5, 2),
        _of(RabbitEngine.close_connections),
        nothing,
    )
    yield Kind(Sort("broker-queue-full", LANE, 2, 8, 2), _full, _not_full)
