"""Faults between a service and an engine: the same for each route of the proxy."""

from collections.abc import Iterator

from tests.chaos.field import Field
from tests.chaos.kinds import Detail, Kind, nothing, rng
from tests.chaos.schedule import Fault, Sort

FRAME = {"broker": 600, "database": 300, "smtp": 60}
"""Bytes within which a cut falls: inside a confirm, a commit's answer or a line of SMTP."""


def network(lane: str) -> Iterator[Kind]:  # noqa: C901  a list of small ones
    """All faults of a route; the lane has its name."""

    def sort(name: str, least: float, most: float, weight: int = 2) -> Sort:
        return Sort(f"{lane}-{name}", lane, least, most, weight)

    def heal(where: Field) -> None:
        where.proxy.routes[lane].heal()

    def cut(where: Field, fault: Fault) -> Detail:
        how = rng(fault).choice(("rst", "fin"))
        return {"how": how, "connections": where.proxy.routes[lane].cut(how)}  # type: ignore[arg-type]

    def refused(where: Field, fault: Fault) -> Detail:
        where.proxy.routes[lane].refuse()
        return {"connections": where.proxy.routes[lane].cut()}

    def black_hole(where: Field, fault: Fault) -> Detail:
        where.proxy.routes[lane].black_hole()
        return {}

    def half_open(where: Field, fault: Fault) -> Detail:
        return {"connections": where.proxy.routes[lane].half_open()}

    def delay(where: Field, fault: Fault) -> Detail:
        seconds = rng(fault).uniform(0.02, 0.2)
        where.proxy.routes[lane].delay(seconds, seconds / 2)
        return {"delay": seconds}

    def throttle(where: Field, fault: Fault) -> Detail:
        rate = rng(fault).randrange(20_000, 200_000)
        where.proxy.routes[lane].throttle(rate)
        return {"bytes_per_second": rate}

    def cut_in_answer(where: Field, fault: Fault) -> Detail:
        more = rng(fault).randrange(1, FRAME.get(lane, 300))
        where.proxy.routes[lane].cut_after(more, "down")
        return {"after": more}

    def cut_in_request(where: Field, fault: Fault) -> Detail:
        more = rng(fault).randrange(1, 8 * FRAME.get(lane, 300))
        where.proxy.routes[lane].cut_after(more, "up")
        return {"after": more}

    yield Kind(sort("cut", 0.1, 0.5, 4), cut, nothing)
    yield Kind(sort("refused", 1.0, 6.0), refused, heal)
    yield Kind(sort("black-hole", 2.0, 8.0), black_hole, heal)
    yield Kind(sort("half-open", 2.0, 8.0), half_open, heal)
    yield Kind(sort("delay", 2.0, 6.0), delay, heal)
    yield Kind(sort("throttle", 2.0, 6.0), throttle, heal)
    yield Kind(sort("cut-in-answer", 0.5, 1.5, 6), cut_in_answer, heal)
    yield Kind(sort("cut-in-request", 0.5, 1.5, 6), cut_in_request, heal)
