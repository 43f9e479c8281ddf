"""Whose digests would differ: the notifier's rule, on two sides at once."""

from datetime import datetime, timedelta

import pytest

from services.console.diff.digests import Arrival, Desk, DigestDifference, State
from services.notifier.project import Known
from services.notifier.subscription import Filters, Subscription
from shared.article import Correction
from shared.events import Classification
from tests.builders import NOON, a_classification, a_discovery, a_label, an_article, classified
from tests.unit.console.diff.past import a_reader, at

OLD = a_classification()
CAAR = a_classification(labels=(a_label(id="caar-t", name="CAAR-T"),))
UNCLEAR = a_classification(scope="unclear")
LUPUS = a_classification(labels=(a_label(), a_label(facet="disease", id="sle", name="Lupus")))
EVERYBODY = 0xFF


def a_state(
    pmid: int, found: Classification, when: datetime, wanted: int = EVERYBODY, **overrides: object
) -> State:
    article = an_article(pmid=pmid, **overrides)
    entry = classified(
        article=article, classification=found, discovered_at=when, relatedness=pmid / 100
    ).data
    return State(Known(entry, when, when, when), wanted)


def arrival(
    hours: float, pmid: int, old: Classification | None, new: Classification | None
) -> Arrival:
    when = at(hours)
    before, after = (a_state(pmid, one, when) if one else None for one in (old, new))
    return Arrival(when, pmid, "car-autoimmune", before, after)


def differing(reader: Subscription, *arrivals: Arrival, **known: object) -> list[DigestDifference]:
    return list(Desk([reader], **known).differences(arrivals))  # type: ignore[arg-type]


def told(found: DigestDifference) -> list[tuple[int, str]]:
    return [(one.pmid, one.how) for one in found.shifts]


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [
        (None, OLD, "comes"),
        (OLD, None, "goes"),
        (OLD, CAAR, "moves"),
        (OLD, UNCLEAR, "moves"),
        (OLD, LUPUS, "relabelled"),
    ],
)
def test_an_article_comes_goes_moves_or_has_other_labels(
    old: Classification | None, new: Classification | None, how: str
) -> None:
    (one,) = differing(a_reader(), arrival(1, 1, OLD, OLD), arrival(2, 2, old, new))

    assert told(one) == [(2, how)]
    assert one.due == at(19)


def test_without_a_difference_no_digest_differs() -> None:
    assert differing(a_reader(), arrival(1, 1, OLD, OLD), arrival(30, 2, LUPUS, LUPUS)) == []


def test_each_digest_is_cut_at_its_own_due_instant() -> None:
    found = differing(a_reader(), arrival(1, 1, OLD, CAAR), arrival(30, 2, OLD, CAAR))

    assert [one.due for one in found] == [at(19), at(43)]
    assert [told(one) for one in found] == [[(1, "moves")], [(2, "moves")]]


def test_what_was_told_is_not_told_again_by_a_revision() -> None:
    found = differing(a_reader(), arrival(1, 1, OLD, OLD), arrival(30, 1, OLD, CAAR))

    assert found == []


def test_what_was_told_to_one_reader_before_the_start_is_told_on_both_sides() -> None:
    assert differing(a_reader(), arrival(1, 1, OLD, CAAR), told={"reader": [1]}) == []


def test_a_side_that_gets_it_later_has_it_in_a_later_digest() -> None:
    late = arrival(30, 1, OLD, OLD)
    found = differing(a_reader(), arrival(1, 1, None, OLD), late)

    assert [told(one) for one in found] == [[(1, "comes")], [(1, "goes")]]


def test_nothing_is_due_before_a_subscription_begins_and_then_the_last_thirty_days() -> None:
    begun = a_reader(created_at=at(240), confirmed_at=at(240))
    old = arrival(-31 * 24, 1, None, OLD)

    found = differing(begun, old, arrival(1, 2, None, OLD))

    assert [(one.due, told(one)) for one in found] == [(at(259), [(2, "comes")])]


def test_who_has_no_room_has_it_by_its_title() -> None:
    reader = a_reader(max_items=1)

    (one,) = differing(reader, arrival(1, 1, OLD, OLD), arrival(1, 2, None, OLD))

    assert told(one) == [(2, "comes"), (1, "moves")]
    assert one.shifts[1].after == ("beyond", "listed by title only")


def test_a_digest_has_an_end_and_the_next_one_goes_on() -> None:
    many = [arrival(1, pmid, OLD, OLD) for pmid in range(1, 501)]

    found = differing(a_reader(max_items=500), *many, arrival(1, 501, None, OLD))

    assert [(one.before, one.after) for one in found] == [(500, 500), (0, 1)]
    assert told(found[0]) == [(501, "comes"), (1, "goes")]
    assert told(found[1]) == [(1, "comes")]


def test_a_preprint_gives_way_to_its_journal_version_only_where_that_comes() -> None:
    update = (Correction(ref_type="UpdateIn", pmid=2),)
    when = at(1)
    preprint = a_state(1, OLD, when, publication_types=("Preprint",), corrections=update)
    both = Arrival(when, 1, "car-autoimmune", preprint, preprint)
    journal = arrival(1, 2, None, OLD)

    (one,) = differing(a_reader(), both, journal)
    apart = differing(a_reader(preprints="both"), both, journal)

    assert told(one) == [(2, "comes"), (1, "goes")]
    assert told(apart[0]) == [(2, "comes")]


def test_immediate_readers_differ_in_the_quarter_of_an_hour() -> None:
    (one,) = differing(a_reader(cadence="immediate"), arrival(0.1, 1, None, OLD))

    assert one.due == NOON + timedelta(minutes=15)


def test_only_who_would_have_it_differs() -> None:
    when = at(1)
    wanted = State(a_state(1, OLD, when).known, 0b10)
    one = Arrival(when, 1, "car-autoimmune", None, wanted)
    readers = [a_reader("first"), a_reader("second"), a_reader("other", topic="another")]

    found = list(Desk(readers).differences([one]))

    assert [x.subscription_id for x in found] == ["second"]


def test_the_filters_were_asked_with_the_whole_text_at_hand() -> None:
    """What comes here has only its title left."""
    reader = a_reader(filters=Filters(words=("desmoglein",)))

    (one,) = differing(reader, arrival(1, 1, None, OLD))

    assert told(one) == [(1, "comes")]


def test_background_and_what_is_retracted_is_no_news_on_either_side() -> None:
    gone = a_state(1, OLD, at(1), status="retracted")
    entry = a_discovery()
    assert not entry.backfill
    known = a_state(2, OLD, at(1)).known
    background = State(
        Known(known.entry, known.discovered_at, known.first_seen_at, known.classified_at, True),
        EVERYBODY,
    )

    for state in (gone, background):
        pmid = state.known.pmid
        assert differing(a_reader(), Arrival(at(1), pmid, "car-autoimmune", None, state)) == []
