"""What a service answers about itself."""

from collections.abc import Awaitable, Callable

import httpx
from prometheus_client import CollectorRegistry, Counter

from shared.errors import Away
from shared.probes import probes


async def ask(application: Callable[..., Awaitable[None]], path: str) -> httpx.Response:
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        return await http.get(path)


async def passes() -> bool:
    return True


async def raises() -> bool:
    raise OSError("gone")


async def test_it_is_ready_when_every_check_passes_and_says_which_does_not() -> None:
    ready = await ask(probes({"database": passes}), "/readyz")
    ill = await ask(probes({"database": passes, "broker": raises}), "/readyz")

    assert (ready.status_code, ill.status_code) == (200, 503)
    assert ill.json() == {
        "ready": False,
        "database": True,
        "broker": False,
        "reasons": {"broker": "OSError"},
    }


async def test_a_fault_of_ours_is_the_reason_in_its_own_words() -> None:
    async def blocked() -> bool:
        raise Away("broker: blocked")

    answer = await ask(probes({"broker": blocked}), "/readyz")

    assert answer.json()["reasons"] == {"broker": "broker: blocked"}


async def test_it_is_alive_whatever_it_lacks() -> None:
    assert (await ask(probes({"database": raises}), "/livez")).status_code == 200


async def test_its_numbers_are_in_prometheus_form() -> None:
    registry = CollectorRegistry()
    Counter("carillon_things", "Things", registry=registry).inc(3)

    answer = await ask(probes({}, registry), "/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "carillon_things_total 3.0" in answer.text


async def test_the_numbers_say_which_check_passes_now() -> None:
    registry = CollectorRegistry()
    answer = await ask(probes({"database": passes, "broker": raises}, registry), "/metrics")

    assert 'carillon_ready{check="database"} 1.0' in answer.text
    assert 'carillon_ready{check="broker"} 0.0' in answer.text


async def test_without_numbers_and_for_other_paths_it_says_where_to_ask() -> None:
    assert (await ask(probes({}), "/metrics")).status_code == 404
    assert (await ask(probes({}), "/")).json() == {"error": "ask /livez or /readyz"}
