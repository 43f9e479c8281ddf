from datetime import timedelta
from typing import Any

from services.notifier.archive.history import history
from services.notifier.archive.index import told
from services.notifier.archive.store import Step
from shared.article import Status
from shared.events import Reason
from tests.builders import NOON, a_classification, a_label, classified


def _step(
    revision: int = 1, hours: int = 0, status: Status = Status.PUBLISHED, **data: Any
) -> Step:
    entry = classified(revision=revision, **data).data
    return Step(revision, NOON + timedelta(hours=hours), status, told(entry))


def test_it_begins_with_why_it_was_found_and_how_it_was_labelled() -> None:
    (first,) = history([_step()], background=False)

    assert (first.title, first.at) == ("Found", NOON)
    assert first.lines == (
        "Matches query 'core'", "Labels: CD19 CAR-T", "Labelled with taxonomy 1, classifier 1",
    )  # fmt: skip


def test_background_was_not_found_by_the_watch() -> None:
    assert history([_step()], background=True)[0].title.startswith("Taken in as background")


def test_a_history_that_begins_late_says_so() -> None:
    assert history([_step(3)], background=False)[0].title == "As on record in revision 3"


def test_a_retraction_is_told_as_such_and_is_grave() -> None:
    last, _ = history(
        [_step(), _step(2, 5, Status.RETRACTED, changed=("status", "corrections"))],
        background=False,
    )

    assert (last.title, last.is_grave) == ("Retracted", True)
    assert last.lines == ("Changed: linked notices and versions",)


def test_a_change_says_which_labels_came_and_went() -> None:
    other = a_classification(labels=(a_label(id="caar-t", name="CAAR-T"),), scope="adjacent")
    change, _ = history(
        [_step(), _step(2, 5, changed=("abstract",), classification=other)], background=False
    )

    assert change.title == "Changed in PubMed"
    assert change.lines == (
        "Changed: abstract", "Scope: core became adjacent", "Labels gained: CAAR-T",
        "Labels lost: CD19 CAR-T",
    )  # fmt: skip


def test_other_rules_for_the_same_revision_are_no_change_in_pubmed() -> None:
    change, _ = history(
        [_step(), _step(1, 5, classification=a_classification(taxonomy_version="2"))],
        background=False,
    )

    assert change.title == "Labelled anew"
    assert change.lines == ("Labelled with taxonomy 2, classifier 1",)


def test_a_new_reason_is_told() -> None:
    reasons = (Reason(relation="query", name="core"), Reason(relation="cited-by"))
    change, _ = history(
        [_step(), _step(2, 5, changed=("reasons",), reasons=reasons)], background=False
    )

    assert change.title == "More is known of why it is here"
    assert "Why it is here: cites the seed; matches query 'core'" in change.lines


def test_nothing_is_known_of_what_has_no_event() -> None:
    assert history([], background=False) == []
