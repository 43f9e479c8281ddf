import pytest

from services.notifier.compose import compose, narrowed
from services.notifier.digest import Digest, NoticeKind
from services.notifier.item import MODALITIES
from shared.article import Status
from shared.events import Reason
from tests.unit.notifier.digests import (
    a_coverage,
    a_digest,
    a_full_digest,
    a_head,
    a_label,
    a_notice,
    an_entry,
)


def test_an_article_of_two_modalities_appears_once_under_the_more_specific() -> None:
    digest = a_digest(an_entry(1, a_label("car-t-general"), a_label("caar-t")))

    assert [(group.modality, group.count) for group in digest.groups] == [("caar-t", 1)]


def test_groups_stand_in_the_order_of_the_taxonomy_whatever_order_the_articles_came_in() -> None:
    entries = [an_entry(n, a_label(m)) for n, (m, _) in enumerate(MODALITIES, start=1)]

    assert [g.modality for g in a_digest(*entries[::2], *entries[-2::-2]).groups] == [
        m for m, _ in MODALITIES
    ]


def test_inside_a_group_the_more_related_come_first_and_then_the_newer() -> None:
    digest = a_digest(
        an_entry(1, a_label(), relatedness=0.2),
        an_entry(2, a_label(), relatedness=0.9),
        an_entry(3, a_label(), relatedness=0.2),
    )

    assert [item.pmid for item in digest.shown] == [2, 3, 1]


@pytest.mark.parametrize("status", [Status.RETRACTED, Status.WITHDRAWN])
def test_a_retracted_or_withdrawn_paper_is_counted_and_never_an_item(status: Status) -> None:
    digest = a_digest(an_entry(1, a_label(), status=status), an_entry(2, a_label()))

    assert [item.pmid for item in digest.items] == [2]
    assert (digest.total, digest.withheld_retracted) == (1, 1)


def test_a_paper_typed_as_retracted_is_left_out_even_if_its_status_lags() -> None:
    digest = a_digest(an_entry(1, a_label(), publication_types=("Retracted Publication",)))

    assert (digest.items, digest.withheld_retracted) == ((), 1)


@pytest.mark.parametrize(
    "kind", ["Retraction of Publication", "Published Erratum", "Expression of Concern"]
)
def test_a_record_that_is_a_notice_itself_goes_to_the_last_group(kind: str) -> None:
    digest = a_digest(
        an_entry(1, a_label(), publication_types=(kind,)), an_entry(2, a_label("car-t-general"))
    )

    assert [group.modality for group in digest.groups] == ["car-t-general", "notices"]


def test_what_the_classifier_could_not_tell_is_shown_apart_not_dropped() -> None:
    digest = a_digest(an_entry(1, a_label(), scope="unclear"))

    assert (digest.groups, [item.pmid for item in digest.other]) == ((), [1])
    assert (digest.other_count, digest.total) == (1, 1)


def test_an_article_without_a_modality_has_a_group_of_its_own_after_the_known_ones() -> None:
    digest = a_digest(
        an_entry(1, scope="none"), an_entry(2, a_label("car-b-cell")), an_entry(3, a_label())
    )

    assert [g.modality for g in digest.groups] == ["cd19-car-t", "car-b-cell", "no-modality"]


def test_of_several_revisions_only_the_last_is_shown() -> None:
    digest = a_digest(
        an_entry(1, a_label(), revision=2, title="Second"),
        an_entry(1, a_label(), revision=1, title="First"),
    )

    assert [item.title for item in digest.items] == ["Second"]


def test_items_beyond_the_maximum_are_the_least_related_and_stay_counted() -> None:
    digest = a_digest(
        *(an_entry(n, a_label(), relatedness=n / 10) for n in range(1, 6)), max_items=3
    )

    assert [item.pmid for item in digest.shown] == [5, 4, 3]
    assert [item.pmid for item in digest.beyond] == [2, 1]
    assert (digest.more, digest.total, digest.groups[0].count) == (2, 5, 5)


def test_narrowing_twice_keeps_what_was_beyond_already() -> None:
    digest = a_digest(*(an_entry(n, a_label(), relatedness=n / 10) for n in range(1, 6)))

    smaller = narrowed(narrowed(digest, 4), 2)

    assert [item.pmid for item in smaller.beyond] == [3, 2, 1]
    assert {item.pmid for item in smaller.items} == {1, 2, 3, 4, 5}


def test_graver_notices_come_first() -> None:
    kinds: list[NoticeKind] = ["corrected", "retracted", "expression-of-concern", "withdrawn"]
    digest = a_digest(notices=tuple(a_notice(kind=k, pmid=n) for n, k in enumerate(kinds, 1)))

    assert [n.kind for n in digest.notices] == [
        "retracted",
        "withdrawn",
        "expression-of-concern",
        "corrected",
    ]


def test_the_order_of_entries_and_notices_changes_nothing() -> None:
    entries = [an_entry(n, a_label("caar-t" if n % 2 else "car-nk")) for n in range(1, 9)]
    notices = [a_notice(pmid=n) for n in range(1, 4)]
    head, coverage = a_head(max_items=5), a_coverage()

    forwards = compose(entries, notices, head, coverage)
    backwards = compose(entries[::-1], notices[::-1], head, coverage)

    assert forwards == backwards


def test_a_digest_comes_back_from_json_as_it_was() -> None:
    digest = narrowed(a_full_digest(), 2)

    assert Digest.model_validate_json(digest.model_dump_json()) == digest


def test_items_stand_by_relatedness_whatever_the_relation_and_those_one_hop_away_too() -> None:
    hop = (Reason(relation="cites-tracked", cites=4),)
    digest = a_digest(
        an_entry(1, a_label(), relatedness=0.3),
        an_entry(2, a_label(), reasons=hop, relatedness=0.5),
        an_entry(3, a_label(), relatedness=0.7),
        an_entry(4, a_label(), reasons=hop, relatedness=0.5),
    )

    assert [item.pmid for item in digest.shown] == [3, 4, 2, 1]
