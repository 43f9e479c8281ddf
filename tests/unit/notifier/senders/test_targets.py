"""Where a message that a stranger asked for may go, and where never."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.senders.targets import (
    Admission,
    BadTarget,
    check_target,
    is_public,
    placed,
    resolve,
)
from shared.errors import Retryable

OPEN = Admission()
TESTS = Admission(frozenset({"127.0.0.1", "sink.test"}), frozenset({"discord", "mmosts"}))

CLOSED = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/128", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
    "2001::/32", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    "::/96",
)  # fmt: skip


@pytest.mark.parametrize("network", CLOSED)
@given(data=st.data())
def test_no_address_of_a_special_network_is_public(network: str, data: st.DataObject) -> None:
    wide = IPv6Network(network) if ":" in network else IPv4Network(network)
    offset = data.draw(st.integers(0, wide.num_addresses - 1))
    assert not is_public(str(wide.network_address + offset))


@given(st.ip_addresses())
def test_what_counts_as_public_is_global_to_python_too(
    address: IPv4Address | IPv6Address,
) -> None:
    if is_public(str(address)):
        special = (address.is_multicast, address.is_loopback, address.is_link_local)
        assert (address.is_global, special) == (True, (False, False, False))


@given(st.ip_addresses(v=4))
def test_an_address_that_carries_another_is_never_public(inner: IPv4Address) -> None:
    number = int(inner)
    for carried in (
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address(number),
        IPv6Address((0x2002 << 112) | (number << 80) | 1),
        IPv6Address((0x0064FF9B << 96) | number),
        IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    ):
        assert not is_public(str(carried))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"])
def test_an_address_of_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)
    assert ip_address(address).is_global


def test_a_zone_does_not_hide_a_link_local_address() -> None:
    assert not is_public("fe80::1%eth0")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "ftp://example.org/",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "https://@example.org/",
        "https:///path",
        "https://",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/",
        "https://localhost./",
        "https://a.localhost/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org\\@127.0.0.1/",
        "https://exa mple.org/",
        "https://example.org/\r\nX: y",
        "https://exämple.org/",
        "https://[::1/",
        "javascript:alert(1)",
        "//example.org/",
        "",
    ],
)
@pytest.mark.parametrize("channel", ["webhook", "slack"])
def test_a_url_that_may_not_be_posted_to(channel: str, url: str) -> None:
    with pytest.raises(BadTarget) as fault:
        check_target(channel, url, OPEN)
    assert not url or url not in str(fault.value)


@pytest.mark.parametrize(
    "url",
    ["https://example.org/hook?a=b", "https://example.org", "https://hooks.example.org:8443/x"],
)
def test_a_public_https_url_is_a_webhook_and_no_slack_target(url: str) -> None:
    check_target("webhook", url, OPEN)
    with pytest.raises(BadTarget, match="not a Slack webhook"):
        check_target("slack", url, OPEN)


@pytest.mark.parametrize("host", ["hooks.slack.com", "hooks.slack-gov.com", "HOOKS.slack.COM"])
def test_slacks_own_hosts(host: str) -> None:
    check_target("slack", f"https://{host}/services/T0/B0/x", OPEN)


@pytest.mark.parametrize(
    "host",
    ["hooks.slack.com.example.org", "xhooks.slack.com", "slack.com", "hooks.slack.com@h.org"],
)
def test_hosts_that_only_look_like_slacks(host: str) -> None:
    with pytest.raises(BadTarget):
        check_target("slack", f"https://{host}/services/T0/B0/x", OPEN)


def test_a_test_host_is_admitted_without_https_and_for_slack() -> None:
    check_target("slack", "http://127.0.0.1:8080/services/x", TESTS)
    check_target("webhook", "http://sink.test/hook", TESTS)
    with pytest.raises(BadTarget):
        check_target("webhook", "http://127.0.0.2:8080/", TESTS)


def test_the_parts_that_a_request_is_made_of() -> None:
    place = placed("https://Example.org./a/b?c=d#e", OPEN)
    assert (place.host, place.port, place.path) == ("example.org", 443, "/a/b?c=d")


@pytest.mark.parametrize(
    "url",
    [
        "mailto://u:p@example.org",
        "json://127.0.0.1/",
        "mmosts://host/token?verify=no",
        "mmosts://host/token?Redirect=yes",
        "discord://1/2?rto=3600",
        "discord://1/2?tts=no;rto=3600",
        "discord://1/2?tts=no&TEMPLATE=/etc/hostname",
        "discord://1/2?%74emplate=/etc/hostname",
        "discord://1/2#?template=/etc/hostname",
        "discord://1/2?+header=x",
        "discord://1/2?:token=x",
        "discord://1/2?retry=100&wait=60",
        "discord:1/2",
        "discord://1/2 3",
        "",
    ],
)
def test_an_apprise_address_that_is_not_allowed(url: str) -> None:
    with pytest.raises(BadTarget):
        check_target("apprise", url, TESTS)


def test_an_apprise_address_of_an_allowed_kind() -> None:
    check_target("apprise", "discord://123/abc?tts=no", TESTS)
    with pytest.raises(BadTarget, match="allowed are: none"):
        check_target("apprise", "discord://123/abc", OPEN)


@pytest.mark.parametrize("url", ["https://2130706433/", "https://0x7f.1/", "https://127.1/"])
async def test_an_odd_spelling_of_a_private_address_is_found_when_it_is_resolved(url: str) -> None:
    with pytest.raises(Retryable, match=r"not public|cannot be resolved"):
        await resolve(placed(url, OPEN))


async def test_a_name_that_does_not_exist_may_be_put_right() -> None:
    with pytest.raises(Retryable, match="cannot be resolved"):
        await resolve(placed("https://no-such-host.invalid/", OPEN))


async def test_an_admitted_host_may_be_private() -> None:
    assert await resolve(placed("http://127.0.0.1:1/", TESTS)) == ["127.0.0.1"]
