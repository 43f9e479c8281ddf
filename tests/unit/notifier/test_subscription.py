"""What an operator may write into the subscriptions file, and what is said when it is wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.notifier.entries import load, parse
from services.notifier.subscription import Subscription, subscription_id
from shared.errors import ConfigurationError

NOW = datetime(2026, 9, 7, 5, tzinfo=UTC)
ADDRESS = "reader@example.org"


def entry(**fields: str) -> str:
    lines = {"topic": '"car-autoimmune"', "address": f'"{ADDRESS}"', **fields}
    body = "\n".join(f"{name} = {value}" for name, value in lines.items() if value)
    return f"[[subscription]]\n{body}\n"


def only(**fields: str) -> Subscription:
    (found,) = parse(entry(**fields), "subs.toml", NOW)
    return found


def test_a_short_entry_is_a_weekly_mail_on_monday_at_seven_utc() -> None:
    found = only()
    assert (found.channel, found.cadence, found.weekday, found.hour) == (
        "email", "weekly", "monday", 7,
    )  # fmt: skip
    assert (found.time_zone, found.max_items, found.when_empty) == ("UTC", 50, "skip")


def test_cancer_and_articles_without_car_cells_are_left_out_unless_asked_for() -> None:
    assert only().filters.scope == {"core", "adjacent", "unclear"}


def test_an_entry_is_unconfirmed_until_the_operator_says_otherwise() -> None:
    assert only().confirmed_at is None
    assert only(confirmed="true").confirmed_at == NOW


def test_a_subscription_may_count_from_an_earlier_moment() -> None:
    found = only(confirmed="true", since="2026-09-01T00:00:00Z")
    assert found.created_at == found.confirmed_at == datetime(2026, 9, 1, tzinfo=UTC)


def test_the_address_is_in_no_representation() -> None:
    found = only()
    assert found.address.get_secret_value() == ADDRESS
    for shown in (repr(found), str(found), found.model_dump_json()):
        assert ADDRESS not in shown


def test_the_id_is_the_same_each_time_and_ignores_the_case_of_the_address() -> None:
    one = subscription_id("t", "email", SecretStr(ADDRESS))
    assert one == subscription_id("t", "email", SecretStr(ADDRESS.upper()))
    assert one != subscription_id("t", "capture", SecretStr(ADDRESS))
    assert one != subscription_id("other", "email", SecretStr(ADDRESS))
    assert only().id == subscription_id("car-autoimmune", "email", SecretStr(ADDRESS))


def test_an_id_that_is_given_is_kept() -> None:
    assert only(id='"head-of-lab"').id == "head-of-lab"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"topic": ""}, "topic: missing; add it"),
        ({"address": ""}, "address: missing; add it"),
        ({"hours": "7"}, "hours: unknown field; the fields are topic,"),
        ({"hour": "24"}, "hour: Input should be less than or equal to 23"),
        (
            {"cadence": '"hourly"'},
            "cadence: Input should be 'immediate', 'daily', 'weekly' or 'monthly'",
        ),
        (
            {"channel": '"pigeon"'},
            "channel: Input should be 'email', 'slack', 'webhook', 'apprise' or 'capture'",
        ),
        ({"weekday": '"Moonday"'}, "weekday: Input should be 'monday'"),
        ({"time_zone": '"Europe/Beograd"'}, "time_zone: unknown time zone 'Europe/Beograd'"),
        ({"time_zone": '"Europe"'}, "time_zone: unknown time zone 'Europe'"),
        ({"time_zone": '"../../etc/passwd"'}, "time_zone: unknown time zone"),
        ({"filters": '{modality = ["car-treq"]}'}, "did you mean 'car-treg'?"),
        ({"filters": '{modality = ["zebra"]}'}, "known are cd19-car-t, bcma-car-t"),
        ({"filters": '{scope = ["core", "all"]}'}, "filters.scope.1: Input should be 'core'"),
        ({"filters": '{diseases = ["mg"]}'}, "filters.diseases: unknown field"),
        ({"filters": "{min_relatedness = 7}"}, "filters.min_relatedness: Input should be less"),
        ({"filters": '{words = ["--"]}'}, "filters.words.0: nothing to look for"),
        ({"cadence": '"immediate"', "when_empty": '"heartbeat"'}, "when_empty: a heartbeat every"),
        ({"secret": '"whsec_QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD"'}, "only the messages of a webhook"),
        ({"channel": '"slack"'}, "address: a slack subscription needs the URL of its target"),
        ({"day": "32"}, "day: Input should be less than or equal to 31"),
        ({"max_items": "0"}, "max_items: Input should be greater than or equal to 1"),
        ({"since": "2026-09-01T00:00:00"}, "since: Input should have timezone info"),
        ({"id": '"Head of lab"'}, "id: String should match pattern"),
    ],
)
def test_a_wrong_entry_is_refused_by_file_number_and_field(
    fields: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError) as fault:
        parse(entry() + entry(**fields), "subs.toml", NOW)
    assert str(fault.value).startswith("subs.toml: subscription 2: ")
    assert said in str(fault.value)
    assert ADDRESS not in str(fault.value)


@pytest.mark.parametrize(
    "address",
    [
        "reader", "reader@", "@example.org", "two@example.org, three@example.org",
        "Reader <reader@example.org>", "reader@example.org\\nBcc: all@example.org",
        "reader @example.org", "r\u00e9ader@example.org", f"{'a' * 250}@example.org",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigurationError, match="address: not an e-mail address") as fault:
        only(address=f'"{address}"')
    assert address not in str(fault.value)
    assert address not in str(fault.value.__cause__)


def test_a_webhook_in_the_file_has_its_key() -> None:
    hook = {"channel": '"webhook"', "address": '"https://example.org/hook"'}
    key = "whsec_" + "QUJD" * 10
    assert only(**hook, secret=f'"{key}"').secret == SecretStr(key)
    with pytest.raises(ConfigurationError, match="subscription 1: secret: missing"):
        only(**hook)


def test_every_field_can_be_said_in_the_file() -> None:
    found = only(
        channel='"slack"', address='"https://hooks.slack.com/services/T0/B0/x"',
        owner='"head@example.org"', cadence='"monthly"', day="31", notices='"at-once"',
        filters='{target = ["cd19"], words = ["lupus"], journals = ["Nature"], authors = ["Doe J"],'
        ' muted_journals = ["Other"], muted_authors = ["Roe R"], scope = ["core"]}',
    )  # fmt: skip
    assert (found.channel, found.day, found.notices) == ("slack", 31, "at-once")
    assert found.filters.muted_authors == ("Roe R",)


def test_two_entries_with_one_id_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="subscriptions 1 and 2 have the same id"):
        parse(entry() * 2, "subs.toml", NOW)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[subscription]\n", "subs.toml: not TOML"),
        ("[[subscriber]]\n", "subs.toml: subscriber: unknown field"),
        ("subscription = 3\n", "subs.toml: subscription: Input should be a valid list"),
        ("subscription = [3]\n", "subs.toml: subscription 1: entry: "),
    ],
)
def test_a_file_that_is_no_list_of_subscriptions_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as fault:
        parse(text, "subs.toml", NOW)
    assert said in str(fault.value)


def test_an_empty_file_has_no_subscriptions() -> None:
    assert parse("", "subs.toml", NOW) == ()


def test_a_file_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "subs.toml"
    path.write_text(entry() + entry(channel='"capture"'))
    assert [one.channel for one in load(path, NOW)] == ["email", "capture"]


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"No such file.*NOTIFIER_SUBSCRIPTIONS_FILE"):
        load(tmp_path / "none.toml", NOW)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "subs.toml"
    path.write_bytes(b"\xff\xfe[")
    with pytest.raises(ConfigurationError, match="not UTF-8 text"):
        load(path, NOW)
