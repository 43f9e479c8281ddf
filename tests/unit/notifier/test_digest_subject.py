from datetime import UTC, datetime

import pytest

from services.notifier.subject import subject
from shared.events import Classified
from tests.unit.notifier.digests import a_coverage, a_digest, a_label, a_notice, an_entry


def some(modality: str, number: int, first: int) -> list[Classified]:
    return [an_entry(first + n, a_label(modality)) for n in range(number)]


def test_it_tells_the_counts_by_modality_and_the_retraction() -> None:
    digest = a_digest(*some("cd19-car-t", 4, 1), *some("caar-t", 2, 10), notices=(a_notice(),))

    assert subject(digest) == "6 new on CAR in autoimmunity: 4 CD19 CAR-T, 2 CAAR-T, 1 retraction"


def test_the_numbers_add_up_when_not_every_group_has_room() -> None:
    kinds = ("cd19-car-t", "caar-t", "car-nk", "car-treg", "in-vivo-car", "mrna-car")
    entries = [e for n, kind in enumerate(kinds) for e in some(kind, 9 - n, 100 * n + 1)]

    told = subject(a_digest(*entries, notices=(a_notice(),)))

    numbers = [int(part.split()[0]) for part in told.split(": ")[1].split(", ")]
    assert sum(numbers[:-1]) == 39
    assert told.endswith("other, 1 retraction")


def test_notices_alone_make_a_subject() -> None:
    notices = (a_notice(), a_notice(pmid=98, kind="corrected"), a_notice(pmid=97, kind="corrected"))

    assert subject(a_digest(notices=notices)) == (
        "Notice on CAR in autoimmunity: 1 retraction, 2 corrections"
    )


def test_nothing_new_tells_the_day_in_the_subscribers_zone() -> None:
    late = datetime(2026, 9, 13, 23, 30, tzinfo=UTC)

    assert subject(a_digest(period_to=late)) == "Nothing new on CAR in autoimmunity by 14 Sep 2026"


def test_an_unhealthy_source_is_not_passed_over() -> None:
    digest = a_digest(coverage=a_coverage(healthy=False))

    assert subject(digest).startswith("Incomplete: Nothing new on")


@pytest.mark.parametrize("title", ["x" * 300, "Long title " * 30, "a\r\nBcc: x", "short"])
@pytest.mark.parametrize("healthy", [True, False])
@pytest.mark.parametrize("articles", [0, 1, 120])
@pytest.mark.parametrize("notices", [0, 1, 40])
def test_it_is_one_line_of_at_most_90_characters(
    title: str, healthy: bool, articles: int, notices: int
) -> None:
    kinds = ["retracted", "withdrawn", "expression-of-concern", "corrected"]
    digest = a_digest(
        *(
            an_entry(n, a_label(("caar-t", "car-nk", "a very long new modality")[n % 3]))
            for n in range(articles)
        ),
        notices=tuple(a_notice(pmid=n, kind=kinds[n % 4]) for n in range(notices)),
        topic_title=title,
        coverage=a_coverage(healthy=healthy),
    )

    told = subject(digest)

    assert 0 < len(told) <= 90
    assert told.isprintable()
    assert ("retraction" in told) == (notices > 0)
