"""The signature of a webhook, as the reference implementation reads it."""

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notifier.senders.signing import headers
from services.notifier.vault import webhook_key
from shared.errors import Permanent

BODY = '{"type":"carillon.digest.v1","data":{"title":"Sjögren"}}'.encode()


def signed(secret: str, body: bytes = BODY) -> dict[str, str]:
    return headers(secret, "7c3f2a9e", int(datetime.now(UTC).timestamp()), body)


def test_the_reference_implementation_accepts_it() -> None:
    secret = webhook_key().get_secret_value()
    assert Webhook(secret).verify(BODY, signed(secret))["type"] == "carillon.digest.v1"


def test_another_body_secret_or_id_is_refused() -> None:
    secret = webhook_key().get_secret_value()
    given = signed(secret)
    for body, key, sent in (
        (BODY + b" ", secret, given),
        (BODY, webhook_key().get_secret_value(), given),
        (BODY, secret, {**given, "webhook-id": "another"}),
        (BODY, secret, {**given, "webhook-timestamp": str(int(given["webhook-timestamp"]) - 1)}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(key).verify(body, sent)


def test_a_secret_that_is_none_of_ours_is_said() -> None:
    with pytest.raises(Permanent, match="cannot be read"):
        signed("whsec_not base 64")
