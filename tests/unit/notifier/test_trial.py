"""A target is tried with a small message before it is kept."""

import json

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from services.notifier.packing import Means
from services.notifier.senders import RecipientRejected, Senders
from services.notifier.senders.outgoing import Outgoing
from services.notifier.senders.signing import new_secret
from services.notifier.senders.slack import SlackSender
from services.notifier.senders.targets import Admission, BadTarget
from services.notifier.senders.webhook import WebhookSender
from services.notifier.trial import try_target
from services.notifier.vault import Vault
from shared.errors import Retryable
from tests.unit.notifier.hookserver import Answer, HookServer
from tests.unit.notifier.kit import a_subscription

VAULT = Vault([SecretStr("the key of this house, long enough")])


def senders(*hosts: str) -> Senders:
    outgoing = Outgoing(Admission(frozenset(hosts)), seconds=1.0)
    return {"slack": SlackSender(outgoing), "webhook": WebhookSender(outgoing)}


async def test_slack_is_told_what_will_come() -> None:
    async with HookServer().running() as server:
        one = a_subscription(channel="slack", address=SecretStr(f"{server.url}/services/x"))
        await try_target(senders("127.0.0.1"), one, Means())
    (call,) = server.calls
    assert "car-autoimmune" in json.loads(call.body)["text"]


async def test_a_webhooks_trial_is_signed_with_what_was_sealed() -> None:
    secret = new_secret()
    async with HookServer().running() as server:
        one = a_subscription(
            channel="webhook",
            address=SecretStr(VAULT.seal(f"{server.url}/x")),
            secret=SecretStr(VAULT.seal(secret)),
        )
        await try_target(senders("127.0.0.1"), one, Means(vault=VAULT))
    (call,) = server.calls
    assert Webhook(secret).verify(call.body, call.headers)["type"] == "carillon.test.v1"


async def test_a_target_that_is_not_there_or_not_allowed_is_said() -> None:
    async with HookServer([Answer(404, "no_service")]).running() as server:
        one = a_subscription(channel="slack", address=SecretStr(f"{server.url}/services/x"))
        with pytest.raises(RecipientRejected):
            await try_target(senders("127.0.0.1"), one, Means())
        with pytest.raises(BadTarget):
            await try_target(senders(), one, Means())
        with pytest.raises(Retryable, match="no sender"):
            await try_target({}, one, Means())
    assert len(server.calls) == 1


async def test_a_mailbox_is_not_tried() -> None:
    await try_target({}, a_subscription(), Means())
