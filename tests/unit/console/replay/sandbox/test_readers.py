"""Readers in a sandbox have no addresses, and are the same persons."""

from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from services.console.archive.recorded import LONG_AGO
from services.console.replay.sandbox.readers import examples, nameless, of_file, since
from services.notifier.entries import parse
from services.notifier.subscription import Subscription
from tests.builders import NOON

FILE = """
[[subscription]]
topic = "car-autoimmune"
address = "Ada@example.org"
confirmed = true
cadence = "daily"

[[subscription]]
topic = "other"
address = "ada@example.org"
confirmed = true
since = 2026-09-01T00:00:00Z

[[subscription]]
topic = "other"
address = "bob@example.org"

[[subscription]]
topic = "other"
channel = "webhook"
address = "https://hooks.example.org/secret"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
owner = "owner@example.org"
confirmed = true
"""


def _read(tmp_path: Path) -> tuple[Subscription, ...]:
    (tmp_path / "subscriptions.toml").write_text(FILE)
    return of_file(tmp_path / "subscriptions.toml")


def _everything(found: tuple[Subscription, ...]) -> str:
    secrets = [(one.address.get_secret_value(), one.secret, one.owner) for one in found]
    return repr([found, secrets])


def test_no_address_owner_or_key_is_left(tmp_path: Path) -> None:
    found = _read(tmp_path)

    told = _everything(found).lower()
    assert "example.org" not in told
    assert "mdeymzq1" not in told
    assert all(one.owner is None for one in found)


def test_one_person_stays_one_and_who_is_not_confirmed_gets_nothing(tmp_path: Path) -> None:
    by_topic: dict[str, list[str]] = {}
    for one in _read(tmp_path):
        by_topic.setdefault(one.topic, []).append(one.address.get_secret_value())

    (ada,) = by_topic["car-autoimmune"]
    assert ada.endswith("@sandbox.invalid")
    assert sorted(by_topic["other"])[1] == ada
    assert len(by_topic["other"]) == 2


def test_ids_are_those_that_the_deployment_has(tmp_path: Path) -> None:
    known = parse(FILE, "file", LONG_AGO)

    assert {one.id for one in _read(tmp_path)} == {one.id for one in known if one.confirmed_at}


def test_a_pause_of_today_is_none_of_the_past(tmp_path: Path) -> None:
    one = _read(tmp_path)[0].model_copy(update={"paused_at": NOON})

    (free,) = nameless([(one, "somebody")])

    assert free.paused_at is None


def test_nothing_was_due_before_the_first_event(tmp_path: Path) -> None:
    later = NOON + timedelta(days=3)
    young = _read(tmp_path)[0].model_copy(update={"created_at": later, "confirmed_at": later})

    (old, new) = since([_read(tmp_path)[0], young], NOON)

    assert (old.created_at, old.confirmed_at) == (NOON, NOON)
    assert (new.created_at, new.confirmed_at) == (later, later)


def test_examples_are_three_for_each_topic_in_one_order() -> None:
    found = examples({"b", "a"})

    assert [one.id for one in found] == [
        f"{topic}-{name}" for topic in "ab" for name in ("daily", "weekly", "slack")
    ]
    assert len({one.address.get_secret_value() for one in found if one.channel == "email"}) == 4
    assert isinstance(found[0].address, SecretStr)
