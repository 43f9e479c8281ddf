"""Settings that cannot work are refused at the start, with what to do."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from services.notifier import bounces
from services.notifier.senders.smtp import SmtpServer
from services.notifier.settings import Settings
from services.notifier.tokens import Tokens
from shared.errors import ConfigurationError
from shared.settings import load


def settings(**given: Any) -> Settings:
    urls = {"database_url": "sqlite+aiosqlite:///x.db", "amqp_url": "amqp://guest@localhost/"}
    return load(Settings, {**urls, **given}, folders=())


def test_by_default_nothing_real_is_sent() -> None:
    assert settings(smtp_host="mail.example.org").smtp_server() is None


def test_a_mail_server_is_taken_as_it_is_given() -> None:
    given = {"smtp_host": "mail.example.org", "smtp_port": 465, "smtp_tls": "tls"}
    found = settings(delivery="smtp", smtp_user="u", smtp_password="p", **given).smtp_server()
    assert found == SmtpServer("mail.example.org", 465, "tls", "u", SecretStr("p"))


def test_empty_user_and_password_are_none() -> None:
    found = settings(delivery="smtp", smtp_host="h", smtp_user="", smtp_password="").smtp_server()
    assert found is not None
    assert (found.user, found.password) == (None, None)


def test_the_longest_wait_is_in_minutes() -> None:
    assert settings(max_wait_minutes=5).patience().max_wait == timedelta(minutes=5)


def test_mail_is_written_as_the_identity_that_is_set() -> None:
    found = settings(mail_from="news@example.org", list_id="a.b", public_host="h").identity()
    assert (found.sender, found.list_id, found.host) == ("news@example.org", "a.b", "h")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"delivery": "smtp"}, "set NOTIFIER_SMTP_HOST, or use 'capture'"),
        ({"delivery": "pigeon"}, "NOTIFIER_DELIVERY: Input should be 'smtp' or 'capture'"),
        ({"smtp_user": "u"}, "set both NOTIFIER_SMTP_USER and NOTIFIER_SMTP_PASSWORD, or neither"),
        ({"smtp_port": 0}, "NOTIFIER_SMTP_PORT: Input should be greater"),
        ({"smtp_tls": "ssl"}, "NOTIFIER_SMTP_TLS: Input should be 'none', 'starttls' or 'tls'"),
        ({"mail_from": "nobody"}, "NOTIFIER_MAIL_FROM: Value error, not an address to write from"),
        ({"mail_from": "a@b\r\nBcc: c@d"}, "NOTIFIER_MAIL_FROM: Value error, not an address"),
        (
            {"bounce_address": "b" * 21 + "@example.org"},
            "NOTIFIER_BOUNCE_ADDRESS: Value error, its",
        ),
        ({"list_id": "<carillon>"}, "NOTIFIER_LIST_ID: String should match"),
        ({"public_host": "a b"}, "NOTIFIER_PUBLIC_HOST: String should match"),
        ({"max_wait_minutes": -1}, "NOTIFIER_MAX_WAIT_MINUTES: Input should be greater"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as fault:
        settings(**given)
    assert said in str(fault.value)


def test_the_longest_name_for_bounces_leaves_room_for_what_came_back() -> None:
    given = "b" * bounces.ROOM + "@example.org"
    assert settings(bounce_address=given).bounce_address == given
    tokens = Tokens([SecretStr("a key of the test")])
    made = bounces.address_for(tokens, given, "digest", "068beeae-8160-5dd2-aece-428b84339e10")
    assert len(made.rpartition("@")[0]) == bounces.LONGEST_LOCAL_PART


REAL = {
    "production": True,
    "delivery": "smtp",
    "smtp_host": "mail.example.org",
    "mail_from": "Carillon <news@example.org>",
    "list_id": "carillon.example.org",
    "public_url": "https://carillon.example.org",
}


def test_production_takes_what_reaches_real_readers() -> None:
    assert settings(**REAL).smtp_server() is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"delivery": "capture"}, "no mail is sent"),
        ({"smtp_host": "maildev"}, "maildev only shows mail to its developer"),
        ({"smtp_host": "MailHog.internal"}, "only shows mail to its developer"),
        ({"smtp_tls": "none"}, "mail would go in clear"),
        ({"public_url": "http://carillon.example.org"}, "must begin with https"),
        ({"public_url": "https://localhost"}, "not where readers are"),
        ({"public_url": "https://127.0.0.1:8000"}, "not where readers are"),
        ({"mail_from": "carillon@localhost"}, "must be of your own domain"),
        ({"list_id": "carillon.localhost"}, "must be of your own domain"),
    ],
)
def test_production_refuses_what_reaches_nobody(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        settings(**REAL | given)
    assert settings(**REAL | given | {"production": False})
