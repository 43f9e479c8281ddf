"""What an Apprise URL must not make this machine do."""

import json

import pytest

from services.notifier.senders import Package, Target
from services.notifier.senders.apprise import AppriseSender
from services.notifier.senders.targets import Admission, BadTarget
from shared.errors import Retryable
from tests.unit.notifier.hookserver import HookServer

pytestmark = pytest.mark.filterwarnings("ignore:.*imghdr")
"""One of Apprise's hundred plugins reads a module that Python is taking away."""

GATE = Admission(apprise_schemes=frozenset({"discord", "zulip"}))
NOTE = Package("note", json.dumps({"title": "News", "body": "A paper."}).encode())


@pytest.mark.parametrize("behind", ["?template=", "?tts=no;template=", "#?template="])
async def test_it_reads_no_address_that_only_this_machine_can_reach(behind: str) -> None:
    async with HookServer().running() as inside:
        url = f"discord://1234567890/abcdefghij{behind}{inside.url}/secret"
        with pytest.raises(BadTarget, match="options"):
            await AppriseSender(GATE).send(NOTE, Target(url))
    assert inside.calls == []


async def test_the_host_that_an_organization_of_zulip_has_is_checked() -> None:
    url = "zulip://bot@intern.localhost/" + "a" * 32
    with pytest.raises(Retryable, match=r"not public|cannot be resolved"):
        await AppriseSender(GATE).send(NOTE, Target(url))
