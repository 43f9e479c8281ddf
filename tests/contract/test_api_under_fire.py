"""The HTTP API under requests that schemathesis makes up from its description: no 5xx, ever.

It asks a real server over the demo's fortnight, as strangers and as a reader with a token.
"""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from pydantic import SecretStr
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.console.commands.demo import packaged_demo
from services.console.demo import live_all_days, opened
from services.notifier.recipient import recipient
from services.notifier.subscription import subscription_id
from services.notifier.web.app import make_web
from services.notifier.web.house import Doors
from shared.serving import served

pytestmark = pytest.mark.timeout(600)

EXAMPLES = 25
READER = "weekly@example.org"
PROMISED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@dataclass(frozen=True)
class Served:
    """Where the pages are, a reader's token to manage, and names of what is there."""

    url: str
    token: str
    known: Mapping[str, str]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The pages in a thread with a loop of its own: schemathesis asks from this one."""
    ready, stop, found = threading.Event(), threading.Event(), []

    async def serve() -> None:
        demo = packaged_demo(tmp_path_factory.mktemp("demo"), lambda _at, _moved: None, "http://x")
        async with opened(demo) as world:
            await live_all_days(world)
            doors = Doors(hook_token=SecretStr("hook"), proxies=frozenset({"127.0.0.1"}))
            name = subscription_id("car-autoimmune", "email", SecretStr(READER))
            known = {"topic": "car-autoimmune", "pmid": "99000001", "name": name}
            until = world.house.clock() + timedelta(days=1)
            token = world.house.tokens.sign("manage", recipient("email", READER), until)
            async with served(make_web(replace(world.house, doors=doors)), "127.0.0.1", 0) as url:
                found.append(Served(url, token, known))
                ready.set()
                await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(120), "the pages did not come up"
    yield found[0]
    stop.set()
    thread.join(60)


def _operations(api: Served) -> list[APIOperation[Any, Any, Any, Any]]:
    """Every act of the description; what deletes comes last, when the others have had their say."""
    schema = schemathesis.openapi.from_url(f"{api.url}/api/openapi.json")
    found = list(schema.get_all_operations())
    assert all(isinstance(result, Ok) for result in found), found
    operations = [result.ok() for result in found if isinstance(result, Ok)]
    return sorted(operations, key=lambda operation: operation.method == "delete")


def _fire(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    known: Mapping[str, str],
    headers: Mapping[str, str],
) -> None:
    """Ask in many ways; half of them about what is there."""

    @seed(20260921)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[*HealthCheck]
    )
    @given(operation.as_strategy(generation_mode=mode), st.booleans(), st.ip_addresses(v=4))
    def ask(case: schemathesis.Case[Any], is_there: bool, asker: IPv4Address) -> None:
        named = known.keys() & (case.path_parameters or {}).keys() if is_there else ()
        case.path_parameters |= {name: known[name] for name in named}
        sent = {**headers, "X-Forwarded-For": str(asker)}
        case.call_and_validate(checks=PROMISED, headers=sent)

    ask()


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("who", ["stranger", "reader"])
def test_no_request_gets_a_5xx_or_what_the_description_does_not_say(
    api: Served, mode: GenerationMode, who: str
) -> None:
    operations = _operations(api)

    assert len(operations) >= 15
    for operation in operations:
        headers = {"Authorization": f"Bearer {api.token}"} if who == "reader" else {}
        # Where every value is right, as in a path that takes any words, none can be made up.
        with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
            _fire(operation, mode, api.known, headers)
