"""Preprints and their journal versions, from the events to the mail and the ledger."""

from typing import Any

import pytest

from services.notifier import tables
from shared.article import Correction, Status
from shared.errors import Retryable
from shared.events import CloudEvent
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event

PREPRINT, JOURNAL = 1, 2


def a_preprint(**more: Any) -> CloudEvent:
    return an_article_event(PREPRINT, START, publication_types=("Preprint",), **more)


def named(ref_type: str, pmid: int) -> dict[str, Any]:
    return {"corrections": (Correction(ref_type=ref_type, pmid=pmid),)}


def a_journal_version(**more: Any) -> CloudEvent:
    return an_article_event(JOURNAL, START, **{**named("UpdateOf", PREPRINT), **more})


def mail(desk: Desk, number: int = 0) -> str:
    body = desk.sender.sent[number][1].get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


async def deliver_on(desk: Desk, day: int, *events: CloudEvent) -> int:
    """Receive and deliver on that day of the month, with a poll of its own."""
    at = START.replace(day=day)
    desk.clock.now = at
    await desk.receive(*events, a_poll_event(at, poll=f"p{day}"))
    return await desk.at(8, day=day)


async def test_of_a_pair_in_one_digest_one_is_shown_and_both_count_as_told(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    assert await deliver_on(desk, 7, a_preprint(), a_journal_version()) == 1

    (digest,) = await desk.contents()
    assert [item.pmid for item in digest.items] == [JOURNAL]
    assert digest.total == 1
    assert await desk.told() == {(PREPRINT, "article"), (JOURNAL, "article")}
    assert (
        "Published version of preprint PMID 1. "
        "The preprint is told with it, and will not come by itself."
    ) in mail(desk)
    assert await deliver_on(desk, 8) == 0


async def test_who_was_sent_the_preprint_reads_when_with_the_journal_version(one: Desk) -> None:
    await one.subscribe(a_subscription(time_zone="America/New_York", hour=2))
    assert await deliver_on(one, 7, a_preprint()) == 1
    assert await deliver_on(one, 9, a_journal_version()) == 1
    assert "You were sent its preprint on 7 September 2026." in mail(one, 1)


async def test_a_preprint_that_comes_after_its_journal_version_is_not_told(one: Desk) -> None:
    await one.subscribe(a_subscription())
    assert await deliver_on(one, 7, an_article_event(JOURNAL, START)) == 1
    assert await deliver_on(one, 8, a_preprint(**named("UpdateIn", JOURNAL))) == 0
    assert await one.told() == {(JOURNAL, "article")}


async def test_who_wants_both_is_sent_both_each_naming_the_other(one: Desk) -> None:
    await one.subscribe(a_subscription(preprints="both"))
    assert await deliver_on(one, 7, a_preprint(), a_journal_version()) == 1
    (digest,) = await one.contents()
    assert {item.pmid for item in digest.items} == {PREPRINT, JOURNAL}
    assert "Preprint, now published: PMID 2." in mail(one)
    assert "Published version of preprint PMID 1. " in mail(one)
    assert "will not come by itself" not in mail(one)


async def test_a_preprint_that_appears_in_a_journal_is_no_notice(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await deliver_on(one, 7, a_preprint())
    update = a_preprint(revision=2, status=Status.UPDATED, **named("UpdateIn", JOURNAL))
    assert await deliver_on(one, 8, update) == 0


async def test_another_paper_that_was_updated_is_a_mild_notice(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await deliver_on(one, 7, an_article_event(5, START))
    update = named("UpdateIn", 6)
    again = an_article_event(5, START, revision=2, status=Status.UPDATED, **update)
    assert await deliver_on(one, 8, again) == 1
    assert "Updated: Paper 5" in mail(one, 1)
    assert "Update: PubMed 6" in mail(one, 1)


async def test_a_record_that_pubmed_took_out_is_told_once_to_who_was_sent_it(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    await deliver_on(desk, 7, an_article_event(5, START))
    gone = an_article_event(5, START, revision=2, status=Status.DELETED)
    assert await deliver_on(desk, 8, gone) == 1
    assert "PubMed has taken this record out: Paper 5" in mail(desk, 1)
    assert "1 deletion" in str(desk.sender.sent[1][1]["Subject"])
    assert await deliver_on(desk, 9, gone) == 0


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (Status.RETRACTED, "1 retracted or withdrawn paper left out."),
        (Status.DELETED, "1 record left out that PubMed has taken out."),
    ],
)
async def test_what_is_gone_while_its_digest_waits_frees_the_preprint_it_stood_for(
    one: Desk, status: Status, told: str
) -> None:
    await one.subscribe(a_subscription())
    one.sender.faults = [Retryable("the mail server is away")]
    pair = (a_preprint(), a_journal_version())
    assert await deliver_on(one, 7, *pair, an_article_event(3, START)) == 0
    assert len(await one.told()) == 3

    await one.receive(a_journal_version(revision=2, status=status))
    assert await one.at(10) == 1
    assert await one.told() == {(3, "article")}
    assert told in mail(one)

    assert await deliver_on(one, 8) == 1
    assert (PREPRINT, "article") in await one.told()
    assert "Paper 1" in mail(one, 1)


async def test_a_link_that_a_record_no_longer_names_is_forgotten(one: Desk) -> None:
    await one.receive(a_preprint(**named("UpdateIn", JOURNAL)))
    assert [(row.earlier, row.later) for row in await one.rows(tables.versions)] == [(1, 2)]
    await one.receive(a_preprint(revision=2))
    assert await one.rows(tables.versions) == []


async def test_a_notice_in_the_literature_is_linked_to_the_paper_that_was_sent(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await deliver_on(one, 7, an_article_event(5, START))
    erratum = an_article_event(
        6, START, publication_types=("Published Erratum",), **named("ErratumFor", 5)
    )
    assert await deliver_on(one, 8, erratum) == 1
    assert "Notices in the literature (1)" in mail(one, 1)
    assert "Notice about Paper 5 (PMID 5). You were sent it on 7 September 2026." in mail(one, 1)
