"""Whom the files name, and what a service may."""

import re
from pathlib import Path

import pytest

from services.console.accounts.account import accounts
from services.console.accounts.rights import rights
from services.console.accounts.verifier import verifier
from shared import topology
from shared.errors import ConfigurationError

ADMINISTRATOR = "amqp://carillon:hush@broker:5672/"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for service in ("poller", "classifier", "notifier"):
        url = f"amqp://carillon_{service}:hush%2F{service}@broker:5672/\n"
        (tmp_path / f"{service}_amqp_url").write_text(url, encoding="utf-8")
    return tmp_path


def test_each_service_has_the_account_of_its_url(folder: Path) -> None:
    found = accounts(folder, "amqp", ADMINISTRATOR)

    assert [(one.service, one.user) for one in found] == [
        ("poller", "carillon_poller"),
        ("classifier", "carillon_classifier"),
        ("notifier", "carillon_notifier"),
    ]
    assert found[0].password.get_secret_value() == "hush/poller"
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "cannot be read"),
        ("amqp://broker:5672/", "needs a user"),
        ("amqp://carillon_poller@broker/", "and a password"),
        ('amqp://a"b:hush@broker/', "needs a user"),
        ("amqp://carillon_poller:h%C3%BCsh@broker/", "a password of ASCII"),
        ("amqp://carillon:hush@broker/", "a user of its own"),
        ("amqp://carillon_notifier:hush@broker/", "a user of its own"),
    ],
)
def test_a_url_that_names_no_account_of_its_own_is_refused(
    folder: Path, url: str | None, said: str
) -> None:
    path = folder / "poller_amqp_url"
    path.unlink()
    if url is not None:
        path.write_text(url, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=said) as fault:
        accounts(folder, "amqp", ADMINISTRATOR)
    assert "hush" not in str(fault.value)


def test_a_service_may_read_its_own_queues_and_send_its_own_events() -> None:
    poller, classifier, notifier = map(rights, ("poller", "classifier", "notifier"))

    assert {one.configure for one in (poller, classifier, notifier)} == {"^$"}
    assert not any(re.search(poller.read, queue.name) for queue in topology.CONSUMERS)
    assert re.search(classifier.read, "classifier.suspects")
    assert not re.search(classifier.read, "notifier")
    assert not re.search(notifier.read, "notifier.retry.1")
    assert re.search(poller.keys, "article.discovered")
    assert not re.search(poller.keys, "article.classified")
    assert re.search(notifier.write, topology.ARCHIVE_EXCHANGE)
    assert not re.search(notifier.write, topology.EXCHANGE), "it tells no service anything"
    assert re.search(notifier.write, "notifier.own")
    assert not re.search(notifier.write, "classifier.own")
    for one in (poller, classifier, notifier):
        assert not re.search(one.write, "amq.default"), "it would reach every queue"


def test_a_password_is_kept_as_postgresql_keeps_it() -> None:
    """Salt and password of the example in RFC 7677, section 3."""
    salt = b"[m\x99h\x9d\x125\x8e\xec\xa0K\x14\x126\xfa\x81"

    kept = verifier("pencil", salt)

    assert kept == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
    assert verifier("pencil") != verifier("pencil")
