"""What an audit finds, by the facts."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.console.audit.facts import Archived, Facts, Found, Key, Sent
from services.console.audit.judge import judge
from tests.builders import NOON

TOPIC = "car-autoimmune"
DAY = timedelta(days=1)


def key(pmid: int) -> Key:
    return TOPIC, pmid


def healthy(**changes: Any) -> Facts:
    """Three articles have arrived, two of them were told to two readers."""
    revisions = {key(1): 1, key(2): 2, key(3): 1}
    sent = [Sent("d1", "a", (1, 2), NOON + DAY), Sent("d2", "b", (1,), NOON + DAY)]
    facts = Facts(
        at=NOON + 2 * DAY,
        found={one: Found(revision, NOON + DAY) for one, revision in revisions.items()},
        labelled=revisions,
        arrived=revisions,
        unpublished={"poller": frozenset(), "classifier": frozenset()},
        digests=frozenset(),
        queued={},
        parked={},
        ledger={("a", 1): "d1", ("a", 2): "d1", ("b", 1): "d2"},
        accepted={"d1": NOON + DAY, "d2": NOON + DAY},
        people={"a": "anna", "b": "bert"},
        archived=Archived(NOON, revisions, sent, frozenset()),
    )
    return replace(facts, **changes)


def kinds(facts: Facts) -> list[str]:
    return [one.kind for one in judge(facts).findings]


def archived(**changes: Any) -> Facts:
    return healthy(archived=replace(healthy().archived, **changes))


def test_of_a_healthy_line_nothing_is_said() -> None:
    verdict = judge(healthy())
    assert (verdict.articles, verdict.places, verdict.told) == (3, {"at the notifier": 3}, 3)
    assert verdict.findings == ()


HERE = {key(1): 1, key(3): 1}
"""Of the second only an older revision has arrived, or none."""


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"unpublished": {"poller": {key(2)}, "classifier": set()}}, "in the poller's outbox"),
        ({"unpublished": {"poller": set(), "classifier": {key(2)}}}, "in the classifier's outbox"),
        ({"parked": {"notifier": {2}}}, "parked at the notifier"),
        ({"labelled": HERE, "parked": {"classifier": {2}}}, "parked at the classifier"),
        ({"queued": {"notifier": 1}}, "queued for the notifier"),
        ({"labelled": HERE, "queued": {"classifier": 5}}, "queued for the classifier"),
    ],
)
def test_what_is_on_its_way_is_found_there(changes: dict[str, Any], place: str) -> None:
    for revision in (None, 1):
        arrived = HERE if revision is None else HERE | {key(2): revision}
        verdict = judge(healthy(arrived=arrived, **changes))
        assert verdict.places == {"at the notifier": 2, place: 1}
        assert verdict.findings == ()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"queued": {"classifier": 9}},
        {"parked": {"classifier": {2}}},
        {"labelled": HERE, "queued": {"notifier": 9}},
        {"unpublished": {"poller": {key(1)}, "classifier": {key(3)}}},
    ],
)
def test_what_is_nowhere_is_lost(changes: dict[str, Any]) -> None:
    assert kinds(healthy(arrived=HERE, **changes)) == ["lost"]


def test_what_an_operator_discarded_is_accounted_for() -> None:
    facts = replace(archived(dropped={("notifier", key(2))}), arrived=HERE)
    assert judge(facts).places == {"at the notifier": 2, "discarded by an operator": 1}
    assert kinds(facts) == []


def test_what_the_archive_lacks_is_told_unless_it_began_later() -> None:
    assert kinds(archived(told={key(1): 1, key(2): 1, key(3): 1})) == ["not in the archive"]
    assert kinds(archived(told={}, first=NOON + DAY)) == []
    more = {key(1): 1, key(2): 2, key(3): 1, key(4): 1, ("another", 9): 1}
    assert kinds(archived(told=more)) == ["not known"]


def test_a_paper_is_told_to_a_person_once_by_whatever_subscription() -> None:
    assert kinds(healthy(people={"a": "anna", "b": "anna"})) == ["told twice"]
    again = [*healthy().archived.sent, Sent("d3", "a", (2,), NOON + DAY)]
    facts = replace(archived(sent=again), accepted={**healthy().accepted, "d3": NOON + DAY})
    assert kinds(facts) == ["told twice"]
    same = [*healthy().archived.sent, healthy().archived.sent[0]]
    assert kinds(archived(sent=same)) == [], "one digest, told of twice"


def test_what_was_sent_and_is_not_in_the_ledger_would_be_told_again() -> None:
    """As after a restore that did not know better."""
    old = {("a", 1): "d1", ("b", 1): "d2"}
    verdict = judge(healthy(ledger=old))
    assert [one.kind for one in verdict.findings] == ["not in the ledger"]
    assert "for a told 2" in verdict.findings[0].says
    assert kinds(healthy(ledger=old, people={"b": "bert"})) == [], "whose reader was forgotten"
    assert kinds(healthy(ledger=old, at=NOON)) == [], "it was sent while we looked"


def test_a_digest_without_its_event_is_found() -> None:
    silent = [one for one in healthy().archived.sent if one.digest_id != "d1"]
    assert kinds(archived(sent=silent)) == ["no event"]
    assert kinds(replace(archived(sent=silent), digests={"d1"})) == []
    before: datetime = NOON - DAY
    earlier = replace(archived(sent=silent), accepted={"d1": before, "d2": NOON + DAY})
    assert kinds(earlier) == []
