from datetime import UTC, datetime

import pytest

from services.notifier.item import Quote, item
from services.notifier.render import coverage, words
from shared.article import Status
from tests.unit.notifier.digests import (
    a_coverage,
    a_digest,
    a_head,
    a_label,
    a_notice,
    an_entry,
)


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (
            datetime(2026, 9, 7, 5, tzinfo=UTC),
            datetime(2026, 9, 14, 5, tzinfo=UTC),
            "7 to 14 September 2026",
        ),
        (
            datetime(2026, 8, 31, tzinfo=UTC),
            datetime(2026, 9, 7, tzinfo=UTC),
            "31 August to 7 September 2026",
        ),
        (
            datetime(2025, 12, 29, tzinfo=UTC),
            datetime(2026, 1, 5, tzinfo=UTC),
            "29 December 2025 to 5 January 2026",
        ),
        (
            datetime(2026, 9, 14, 1, tzinfo=UTC),
            datetime(2026, 9, 14, 5, tzinfo=UTC),
            "14 September 2026",
        ),
        (
            datetime(2026, 9, 12, 23, tzinfo=UTC),
            datetime(2026, 9, 13, 23, tzinfo=UTC),
            "13 to 14 September 2026",
        ),
    ],
)
def test_a_period_is_told_in_days_of_the_subscribers_zone(
    start: datetime, end: datetime, told: str
) -> None:
    assert words.period(a_digest(period_from=start, period_to=end)) == told


def test_the_heading_does_not_come_back_as_a_label() -> None:
    shown = item(an_entry(1, a_label(), a_label("car-nk"), a_label("sle", "disease")))

    assert [chip.text for chip in words.chips(shown, "cd19-car-t")] == [
        "CAR-NK",
        "Systemic lupus erythematosus",
    ]


def test_status_preprint_and_unusual_scope_are_shown_before_the_labels() -> None:
    entry = an_entry(
        1, a_label(), status=Status.CORRECTED, publication_types=("Preprint",), scope="adjacent"
    )

    assert [chip.text for chip in words.chips(item(entry))] == [
        "Corrected",
        "Preprint, not peer reviewed",
        "Adjacent to autoimmunity",
        "CD19 CAR-T",
    ]


def test_a_registry_without_a_known_address_is_named_and_not_linked() -> None:
    shown = item(an_entry(1, trial_ids=("ISRCTN1", "NCT1")))

    assert words.links(shown)[1:] == (
        words.Link("Trial ISRCTN1", None),
        words.Link("NCT1", "https://clinicaltrials.gov/study/NCT1"),
    )


def test_of_a_title_only_the_marked_words_are_quoted() -> None:
    quote = Quote(
        sentence="CD19 and BCMA and CD19", spans=((0, 4), (9, 13), (18, 22)), place="title"
    )
    shown = item(an_entry()).model_copy(update={"evidence": quote})

    assert words.quote_lead(shown) == "In the title"
    assert words.quote_pieces(shown) == (("CD19", True), (", ", False), ("BCMA", True))


def test_a_notice_without_pmid_or_source_has_no_link() -> None:
    assert words.notice_link(a_notice(notice_pmid=None, notice_source=None)) is None
    assert words.notice_link(a_notice(notice_pmid=None)) == words.Link(
        "Notice: J Ex. 2026 Sep 10", None
    )
    assert words.notice_link(a_notice(notice_source=None)) == words.Link(
        "Notice: PubMed 100", "https://pubmed.ncbi.nlm.nih.gov/100/"
    )


def test_numbers_that_disagree_are_said_to() -> None:
    digest = a_digest(coverage=a_coverage(polls=1, counted=33))

    assert coverage.lines(digest) == (
        "Checked 2026-09-07 to 2026-09-14: 1 poll, PubMed counted 33, we hold 31: 2 still to come.",
    )


def test_a_period_without_a_poll_says_so() -> None:
    digest = a_digest(coverage=a_coverage(polls=0, checked_from=None, checked_to=None))

    assert coverage.lines(digest) == ("No poll ended between 2026-09-07 and 2026-09-14.",)


def test_the_banner_says_since_when_in_the_subscribers_zone() -> None:
    since = datetime(2026, 9, 12, 5, tzinfo=UTC)
    digest = a_digest(coverage=a_coverage(healthy=False, unhealthy_since=since))

    (line,) = coverage.banner(digest)
    assert line.startswith("Source unhealthy since 2026-09-12 07:00 (Europe/Berlin).")


def test_the_banner_does_without_a_time_and_is_empty_in_health() -> None:
    unwell = a_digest(coverage=a_coverage(healthy=False))

    assert coverage.banner(unwell)[0].startswith("Source unhealthy. ")
    assert coverage.banner(a_digest()) == ()


def test_when_all_are_demo_records_the_note_says_all() -> None:
    digest = a_digest(an_entry(1, a_label(), copyright="Demo record: ours."))

    assert coverage.demo_note(digest).startswith("Demo records (all articles)")
    assert coverage.demo_note(a_digest(an_entry(1, a_label()))) == ""


def test_notices_without_an_article_do_not_read_as_nothing_new() -> None:
    assert (
        words.headline(a_digest(notices=(a_notice(),))) == "No new article, 7 to 14 September 2026"
    )
    assert words.headline(a_digest(an_entry(1))) == "1 new article, 7 to 14 September 2026"


def test_a_head_wants_room_for_one_item_at_least() -> None:
    with pytest.raises(ValueError, match="max_items"):
        a_head(max_items=0)
