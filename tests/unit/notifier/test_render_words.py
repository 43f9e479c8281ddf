from datetime import UTC, datetime

import pytest

from services.notifier.digest import First, Usual
from services.notifier.item import Quote, item
from services.notifier.render import coverage, words
from services.notifier.render.summary import summary
from services.notifier.subject import subject
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


def test_a_digest_after_a_pause_says_since_when_it_makes_up_for_it() -> None:
    digest = a_digest(an_entry(), catch_up_from=datetime(2026, 8, 3, 22, 30, tzinfo=UTC))

    assert words.occasion(digest) == "Catch-up on your pause since 4 August 2026, around article"
    assert subject(digest).startswith("Catch-up: 1 new on CAR in autoimmunity")


def test_a_notice_at_once_says_what_it_is_and_nothing_of_what_is_new() -> None:
    digest = a_digest(notices=(a_notice(), a_notice(pmid=98)), kind="notice")

    assert words.headline(digest) == "2 notices about papers you were sent"
    assert words.occasion(digest) == "Sent at once, beside your digests, around article"
    assert subject(digest) == "Notice on CAR in autoimmunity: 2 retractions"


def test_what_is_sent_at_once_is_no_immediate_digest() -> None:
    digest = a_digest(an_entry(), cadence="immediate")

    assert words.occasion(digest) == "Sent as soon as it was found, around article"


@pytest.mark.parametrize(
    ("total", "changes", "told"),
    [
        (5, {}, ("As usual: 4 to 7 a week over the last 8 weeks.",)),
        (8, {}, ("More than usual: 4 to 7 a week over the last 8 weeks.",)),
        (3, {}, ("Fewer than usual: 4 to 7 a week over the last 8 weeks.",)),
        (1, {"cadence": "daily"}, ("Usual: 4 to 7 a week over the last 8 weeks.",)),
        (9, {"period_from": datetime(2026, 8, 15, 5, tzinfo=UTC)},
         ("Usual: 4 to 7 a week over the last 8 weeks.",)),
        (1, {"usual": Usual(low=3, high=3, over=5, unit="month"), "cadence": "monthly",
             "period_from": datetime(2026, 8, 14, 5, tzinfo=UTC)},
         ("Fewer than usual: 3 a month over the last 5 months.",)),
        (1, {"usual": None}, ()),
    ],
)  # fmt: skip
def test_a_number_is_compared_with_what_is_usual(
    total: int, changes: dict[str, object], told: tuple[str, ...]
) -> None:
    usual = Usual(low=4, high=7, over=8)
    digest = a_digest(*(an_entry(n) for n in range(1, total + 1))).model_copy(
        update={"usual": usual, **changes}
    )

    assert summary(digest) == told


@pytest.mark.parametrize(
    ("modality", "disease", "told"),
    [
        ("CAAR-T", "Myasthenia gravis", "First CAAR-T in myasthenia gravis here."),
        ("In vivo CAR", "ANCA vasculitis", "First in vivo CAR in ANCA vasculitis here."),
        ("mRNA CAR", "IgG4-related disease", "First mRNA CAR in IgG4-related disease here."),
        ("CAR-NK", "Sjogren disease", "First CAR-NK in Sjogren disease here."),
    ],
)
def test_a_first_is_a_sentence(modality: str, disease: str, told: str) -> None:
    first = First(pmid=1, modality=modality, disease=disease)

    assert summary(a_digest().model_copy(update={"firsts": (first,)})) == (told,)


def test_since_when_every_poll_was_complete_is_said_while_nothing_is_open() -> None:
    well = a_coverage(healthy_since=datetime(2026, 9, 7, 4, tzinfo=UTC))
    line = "Every poll since 2026-09-07 was complete."

    assert line in coverage.lines(a_digest(coverage=well))
    assert line not in coverage.lines(a_digest(coverage=a_coverage()))
