"""What the doctor makes of facts; the rest is planted in real parts (tests/integration/doctor)."""

import asyncio
import re
from pathlib import Path

import pytest

from services.console.doctor.codes import Code
from services.console.doctor.facts.settings import known
from services.console.doctor.finding import Finding, Told, Unchecked, causes
from services.console.doctor.report import Check, examine
from services.console.doctor.rules.documents import LEAST_FREE, Machine, judge_machine
from services.console.doctor.rules.outside import Clocks, judge_clocks
from services.console.doctor.rules.settings import OF_COMPOSE, Settings, judge
from services.console.doctor.rules.topology import Broker, Permission, Policy, wanted_queues
from services.console.doctor.rules.topology import judge as judge_topology
from shared.errors import Away

ROOT = Path(__file__).parents[4]
DOCS = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")


def _codes(told: Told) -> list[Code]:
    return [one.code for one in told if isinstance(one, Finding)]


def test_every_code_has_its_entry_in_the_docs_and_every_entry_its_code() -> None:
    entries = dict(re.findall(r"^### (\S+)\n((?:.+\n)+)", DOCS, re.MULTILINE))

    assert sorted(entries) == sorted(code.title for code in Code)
    assert DOCS.count("\n### ") == len(entries)
    for title, text in entries.items():
        assert re.match(r"\*\*It means\*\* (?:.+\n)+\*\*Do\*\* .+", text), title


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_remedy_of_its_own_that_can_be_read_with_any_subject(code: Code) -> None:
    assert len(code.remedy("a {strange} subject")) > 15
    assert list(Code).count(code) == 1


def test_every_variable_of_the_example_is_known() -> None:
    example = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")
    names = set(re.findall(r"^#([A-Z][A-Z0-9_]*)=", example, re.MULTILINE))

    assert names <= known() | OF_COMPOSE


@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        ("POLER_NCBI_EMAIL", True),
        ("POLLER_NCBI_MAIL", True),
        ("NOTIFIER_SMTP_PASSWORD_FILES", True),
        ("CARILON_STATE", True),
        ("POLLER_NCBI_EMAIL", False),
        ("NOTIFIER_SMTP_PASSWORD_FILE", False),
        ("CARILLON_SUBSCRIPTIONS", False),
        ("COMPOSE_FILE", False),
        ("PATH", False),
        ("SMTP_HOST", False),
        # What Kubernetes puts into every container, of services that are called as ours are.
        ("NOTIFIER_SERVICE_HOST", False),
        ("NOTIFIER_PORT_8080_TCP_ADDR", False),
    ],
)
def test_a_variable_that_looks_like_ours_and_is_read_by_nobody_is_told(
    name: str, is_told: bool
) -> None:
    told = judge(Settings(names=frozenset({name}), known=known()))

    assert _codes(told) == [Code.SETTING_UNKNOWN] * is_told


def test_a_disk_is_nearly_full_below_a_gigabyte() -> None:
    free = (("/", LEAST_FREE), ("/state", LEAST_FREE - 1))

    assert [one.about for one in judge_machine(Machine(free)) if isinstance(one, Finding)] == [
        "/state"
    ]


@pytest.mark.parametrize(
    ("ahead", "whose"),
    [
        ({"database": 0.4, "broker": -1.0, "PubMed": 2.0}, None),
        ({"database": 300.0, "broker": 0.0, "PubMed": 0.0}, "database"),
        ({"database": -90.0, "broker": -90.0, "PubMed": -89.0}, "this machine"),
    ],
)
def test_the_clock_that_differs_from_most_is_the_wrong_one(
    ahead: dict[str, float], whose: str | None
) -> None:
    told = judge_clocks(Clocks(ahead))

    assert [one.about for one in told if isinstance(one, Finding)] == ([whose] if whose else [])


def test_what_follows_from_another_finding_is_not_told_beside_it() -> None:
    away = Finding(Code.BROKER_UNREACHABLE, "classifier", "nobody listens at that port")
    lacks = Finding(Code.SERVICE_NOT_READY, "classifier", "broker: away")
    unread = Finding(Code.QUEUE_UNREAD, "classifier", "nobody reads its queue")

    assert causes([unread, lacks, away]) == [away]


def test_what_one_service_suffers_does_not_hide_what_another_does() -> None:
    silent = Finding(Code.SERVICE_SILENT, "classifier", "its probe does not answer")
    unread = Finding(Code.QUEUE_UNREAD, "notifier", "nobody reads its queue")

    assert set(causes([unread, silent])) == {unread, silent}


def test_the_same_of_several_is_told_once() -> None:
    found = [
        Finding(Code.BROKER_LOGIN, who, "user or password is refused")
        for who in ("poller", "classifier")
    ]

    (one,) = causes(found)
    assert one.about == "classifier, poller"


@pytest.mark.parametrize(
    ("policy", "is_told"),
    [
        (Policy("short", ".*", "all", {"max-length": 5}), True),
        (Policy("short", "^notifier$", "quorum_queues", {"message-ttl": 1}), True),
        (Policy("short", "^notifier$", "classic_queues", {"message-ttl": 1}), False),
        (Policy("short", "^other", "all", {"max-length": 5}), False),
        (Policy("more", ".*", "all", {"queue-leader-locator": "balanced"}), False),
        (Policy("carillon-archive", "^carillon.archive$", "streams", {"max-age": "9D"}), False),
        (Policy("short", ".*", "queues", {"max-length": 5}), True),
    ],
)
def test_a_policy_is_in_the_way_where_it_meets_our_queues_and_loses_messages(
    policy: Policy, is_told: bool
) -> None:
    told = judge_topology(Broker(queues=wanted_queues(), policies=(policy,)))

    assert _codes(told) == [Code.POLICY_IN_WAY] * is_told


@pytest.mark.parametrize(
    ("permission", "lacks"),
    [
        (Permission("^$", ".*", ".*"), ""),
        (Permission("^$", "^(carillon.events|carillon.archive.in)$", "^$"), ""),
        (Permission("^$", "", ".*"), "write to carillon.events"),
        (Permission("^$", "^carillon.events$", "^$"), "write to carillon.archive.in"),
        (
            Permission("^$", ".*", "^$", {"carillon.events": "^article.discovered$"}),
            "write of article.revised to carillon.events",
        ),
        (None, "any right"),
    ],
)
def test_what_the_poller_may_is_held_against_what_it_needs(
    permission: Permission | None, lacks: str
) -> None:
    told = judge_topology(Broker(permissions={"poller": permission}))

    assert _codes(told) == [Code.BROKER_RIGHTS] * bool(lacks)
    assert all(lacks in one.seen for one in told if isinstance(one, Finding))


async def test_a_check_that_cannot_be_done_says_so_and_the_others_are_done() -> None:
    async def away() -> Told:
        raise Away("database: ConnectionRefusedError")

    async def broken() -> Told:
        raise ValueError("user@example.org")

    async def hangs() -> Told:
        await asyncio.sleep(60)
        return []

    async def well() -> Told:
        return []

    report = await examine(
        [Check("a", away), Check("b", broken), Check("c", hangs, 0.05), Check("d", well)]
    )

    assert report.unchecked == (
        Unchecked("a", "database: ConnectionRefusedError"),
        Unchecked("b", "it ended with ValueError"),
        Unchecked("c", "no answer within 0 s"),
    )
    assert (report.well, report.findings, report.exit_code) == (("d",), (), 2)
