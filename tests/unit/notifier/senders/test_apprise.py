"""A note through Apprise, with the guard in front of it."""

import json

import pytest

from services.notifier.senders import AnswerLost, Package, Target
from services.notifier.senders.apprise import AppriseSender
from services.notifier.senders.targets import Admission, BadTarget
from shared.errors import Retryable
from tests.unit.notifier.hookserver import HANG, Answer, HookServer

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""Apprise imports it with all its plugins, on the Python versions that still have it."""

GATE = Admission(frozenset({"127.0.0.1"}), frozenset({"ntfy", "mmost", "discord"}))
NARROW = Admission(apprise_schemes=frozenset({"discord", "zulip"}))
NOTE = Package("d1", json.dumps({"title": "2 new", "body": "Two papers."}).encode())


def target(server: HookServer) -> Target:
    return Target(f"ntfy://127.0.0.1:{server.port}/topic")


async def test_a_note_arrives() -> None:
    async with HookServer([Answer(200, "{}")]).running() as server:
        await AppriseSender(GATE).send(NOTE, target(server))
    (call,) = server.calls
    assert b"Two papers." in call.body


async def test_a_no_is_tried_again() -> None:
    async with HookServer([Answer(404, "{}")]).running() as server:
        with pytest.raises(Retryable, match="did not take the note") as fault:
            await AppriseSender(GATE).send(NOTE, target(server))
    assert not isinstance(fault.value, AnswerLost)


async def test_no_answer_in_time_is_no_answer() -> None:
    async with HookServer([HANG]).running() as server:
        with pytest.raises(AnswerLost):
            await AppriseSender(GATE, seconds=0.2).send(NOTE, target(server))


async def test_a_redirect_is_not_followed() -> None:
    async with HookServer().running() as inner:
        away = Answer(307, "", (("Location", f"{inner.url}/private"),))
        async with HookServer([away]).running() as server:
            with pytest.raises(Retryable):
                await AppriseSender(GATE).send(NOTE, target(server))
    assert inner.connections == 0


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost", "2130706433"])
async def test_a_private_host_is_not_called(host: str) -> None:
    with pytest.raises(Retryable, match=r"not public|cannot be resolved"):
        await AppriseSender(GATE).send(
            NOTE, Target(f"mmost://{host}/3ccdd113474722377935511fc85d3dd4")
        )


@pytest.mark.parametrize(
    "url", ["json://127.0.0.1/", "discord://", "ntfy://127.0.0.1/t?verify=no", "file:///etc/passwd"]
)
async def test_what_is_no_target_is_said(url: str) -> None:
    with pytest.raises(BadTarget):
        await AppriseSender(GATE).send(NOTE, Target(url))


@pytest.mark.parametrize("behind", ["?template=", "?tts=no;template=", "#?template="])
async def test_it_reads_no_address_that_only_this_machine_can_reach(behind: str) -> None:
    async with HookServer().running() as inside:
        url = f"discord://1234567890/abcdefghij{behind}{inside.url}/secret"
        with pytest.raises(BadTarget, match="options"):
            await AppriseSender(NARROW).send(NOTE, Target(url))
    assert inside.calls == []


async def test_the_host_that_an_organization_of_zulip_has_is_checked() -> None:
    url = "zulip://bot@intern.localhost/" + "a" * 32
    with pytest.raises(Retryable, match=r"not public|cannot be resolved"):
        await AppriseSender(NARROW).send(NOTE, Target(url))
