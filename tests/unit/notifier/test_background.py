"""What was there before the watch began: for those who ask for it, and never as news."""

from typing import Any

import pytest

from services.notifier.compose import Beside, with_room, without
from services.notifier.digest import Digest
from services.notifier.entries import parse
from services.notifier.render import atom, html, labels, slack, text
from services.notifier.subject import subject
from shared.article import Correction, Status
from shared.events import CloudEvent
from tests.builders import a_classification
from tests.unit.notifier.digests import a_digest, a_label, a_notice, an_entry
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event


def old(pmid: int, relatedness: float = 0.5, **more: Any) -> CloudEvent:
    return an_article_event(pmid, START, backfill=True, relatedness=relatedness, **more)


async def deliver_on(desk: Desk, day: int, *events: CloudEvent) -> Digest | None:
    """What is sent on that day of the month, if anything is."""
    at = START.replace(day=day)
    desk.clock.now = at
    await desk.receive(*events, a_poll_event(at, poll=f"p{day}"))
    return (await desk.contents())[-1] if await desk.at(8, day=day) else None


def background(digest: Digest | None) -> list[int]:
    assert digest is not None
    return [item.pmid for item in digest.all_background]


async def test_background_comes_to_who_asked_for_it_only(desk: Desk) -> None:
    await desk.subscribe(a_subscription(id="asked", background=True), a_subscription(id="other"))
    await deliver_on(desk, 7, old(1), an_article_event(2, START))
    assert await desk.told("asked") == {(1, "article"), (2, "article")}
    assert await desk.told("other") == {(2, "article")}


async def test_the_most_related_come_first_so_many_a_digest_and_each_once(desk: Desk) -> None:
    desk.background = 2
    await desk.subscribe(a_subscription(background=True))
    events = [old(pmid, relatedness=1 - pmid / 10) for pmid in range(1, 6)]
    assert background(await deliver_on(desk, 7, *events)) == [1, 2]
    assert background(await deliver_on(desk, 8)) == [3, 4]
    assert background(await deliver_on(desk, 9)) == [5]
    assert await deliver_on(desk, 10) is None


async def test_background_is_in_no_count_of_news(one: Desk) -> None:
    await one.subscribe(a_subscription(background=True))
    digest = await deliver_on(one, 7, old(1), an_article_event(2, START))
    assert digest is not None
    assert (digest.total, len(digest.items)) == (1, 1)
    assert subject(digest).startswith("1 new on ")
    assert "background" not in subject(digest)


async def test_what_is_retracted_withdrawn_or_deleted_is_no_background(one: Desk) -> None:
    await one.subscribe(a_subscription(background=True))
    gone = [
        old(pmid, status=status)
        for pmid, status in enumerate((Status.RETRACTED, Status.WITHDRAWN, Status.DELETED), 1)
    ]
    typed = old(4, publication_types=("Retracted Publication",))
    assert background(await deliver_on(one, 7, *gone, typed, old(5))) == [5]


async def test_background_passes_the_filters_as_news_does(one: Desk) -> None:
    filters = {"min_relatedness": 0.5, "modality": ["caar-t"]}
    await one.subscribe(a_subscription(background=True, filters=filters))
    caar = a_classification(labels=(a_label("caar-t"),))
    events = [
        old(1, classification=caar), old(2), old(3, 0.4, classification=caar),
        old(4, classification=a_classification(scope="oncology", labels=(a_label("caar-t"),))),
    ]  # fmt: skip
    assert background(await deliver_on(one, 7, *events)) == [1]


async def test_filters_that_pass_few_look_further_than_one_page(
    one: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notifier.assemble.PAGE", 2)
    filters = {"modality": ["caar-t"]}
    await one.subscribe(a_subscription(background=True, filters=filters))
    caar = a_classification(labels=(a_label("caar-t"),))
    others = [old(pmid, 0.9) for pmid in range(1, 6)]
    assert background(await deliver_on(one, 7, *others, old(9, 0.1, classification=caar))) == [9]


async def test_of_a_pair_in_the_background_the_journal_version_comes(one: Desk) -> None:
    await one.subscribe(a_subscription(background=True))
    update = (Correction(ref_type="UpdateOf", pmid=1),)
    preprint = old(1, publication_types=("Preprint",))
    assert background(await deliver_on(one, 7, preprint, old(2, corrections=update))) == [2]
    assert await one.told() == {(1, "article"), (2, "article")}


async def test_a_preprint_in_the_background_gives_way_to_news(one: Desk) -> None:
    await one.subscribe(a_subscription(background=True))
    update = (Correction(ref_type="UpdateOf", pmid=1),)
    preprint = old(1, publication_types=("Preprint",))
    await deliver_on(one, 7, an_article_event(3, START))
    news = an_article_event(2, START, corrections=update)
    assert background(await deliver_on(one, 8, preprint, news)) == []
    assert await one.told() == {(1, "article"), (2, "article"), (3, "article")}


def test_background_that_is_retracted_while_it_waits_is_left_out() -> None:
    digest = a_digest(an_entry(9), beside=Beside(background=(an_entry(1), an_entry(2))))
    assert digest.told.keys() == {9, 2, 1}
    left = without(digest, {1: Status.RETRACTED})
    assert [item.pmid for item in left.background] == [2]
    assert (left.total, left.withheld_retracted) == (1, 1)


def test_where_nothing_is_new_the_subject_says_so_and_names_the_background() -> None:
    beside = Beside(background=(an_entry(1), an_entry(2)))
    assert subject(a_digest(beside=beside)) == (
        "Nothing new on CAR in autoimmunity by 14 Sep 2026: 2 from the background"
    )
    assert subject(a_digest(notices=(a_notice(),), beside=beside)) == (
        "Notice on CAR in autoimmunity: 1 retraction, 2 from the background"
    )


def test_every_form_has_the_section_after_the_news() -> None:
    beside = Beside(background=(an_entry(1, title="An old paper"),))
    digest = a_digest(an_entry(2, a_label(), title="A new paper"), beside=beside)
    blocks = [block for message in slack.payloads(digest) for block in message["blocks"]]
    for page in (html.render(digest), text.render(digest), str(blocks)):
        assert page.index("A new paper") < page.index("Background") < page.index("An old paper")
        assert "Not counted among what is new." in " ".join(page.split())
    assert "An old paper" in atom.feed([digest], "https://c.example/f", "Feed").decode()
    assert len(list(labels.lines(digest))) == 2


def test_what_is_news_already_is_no_background_of_the_same_digest() -> None:
    digest = a_digest(an_entry(1), beside=Beside(background=(an_entry(1), an_entry(2))))
    assert [item.pmid for item in digest.background] == [2]


def test_of_a_page_that_is_too_long_the_background_goes_first_and_stays_linked() -> None:
    long = "x" * 6_000
    news = [an_entry(n, a_label(), title=long) for n in range(1, 8)]
    beside = Beside(background=tuple(an_entry(n, title=long) for n in range(100, 110)))
    digest = a_digest(*news, beside=beside)
    smaller, page = html.fitted(digest).digest, html.render(digest)

    assert len(page.encode()) <= html.LIMIT
    assert len(smaller.shown) == 7
    assert 0 < len(smaller.background) < 10
    assert len(smaller.all_background) == 10
    for item in smaller.background_beyond:
        assert f"/{item.pmid}/" in page
        assert f"/{item.pmid}/" in text.render(smaller)


@pytest.mark.parametrize(("room", "news", "beside"), [(9, 2, 3), (3, 2, 1), (2, 2, 0), (1, 1, 0)])
def test_room_goes_to_news_first(room: int, news: int, beside: int) -> None:
    made = Beside(background=tuple(an_entry(n) for n in (7, 8, 9)))
    digest = with_room(a_digest(an_entry(1), an_entry(2), beside=made), room)
    assert (len(digest.shown), len(digest.background)) == (news, beside)
    assert len(digest.everything) == 5


def test_it_is_asked_for_in_the_file() -> None:
    entry = '[[subscription]]\ntopic = "car"\naddress = "a@example.org"\n'
    (default,) = parse(entry, "f.toml", START)
    (asked,) = parse(entry + 'background = true\npreprints = "both"\n', "f.toml", START)
    assert (default.background, default.preprints) == (False, "once")
    assert (asked.background, asked.preprints) == (True, "both")
