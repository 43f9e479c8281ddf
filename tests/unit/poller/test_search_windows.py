"""Searches longer than a page, and larger than PubMed's cap."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from services.poller.eutils import Window
from services.poller.eutils.search import Sizes, search
from services.poller.eutils.window import Minutes
from shared.errors import Permanent, Retryable
from tests.unit.poller.fakes import form, make_client

TENS = Sizes(page=10)
WEEK = Window(date(2026, 9, 1), date(2026, 9, 7))
DAY = Window(date(2026, 9, 7), date(2026, 9, 7))
MORNING = datetime(2026, 9, 7, tzinfo=UTC)
TUESDAY = datetime(2026, 9, 1, tzinfo=UTC)
TIMES = re.compile(r"AND (\S+(?: \d\d:\d\d)?):(\d{4}\S+(?: \d\d:\d\d)?)\[crdt\]$")
LOST = "<eSearchResult><ERROR>Unable to obtain query #1</ERROR></eSearchResult>"


def instant(text: str) -> datetime:
    day, _, minute = text.partition(" ")
    return datetime.fromisoformat(f"{day.replace('/', '-')}T{minute or '00:00'}+00:00")


def past(text: str) -> datetime:
    """The first instant after the minute or day that a text means."""
    return instant(text) + (timedelta(minutes=1) if " " in text else timedelta(days=1))


@dataclass
class DatedPubMed:
    """Ids by the instant they came; `before` is called with the number of each request."""

    entries: dict[int, datetime]
    keeps: bool = True
    knows_times: bool = True
    before: Callable[[int], None] = lambda _number: None
    asked: list[dict[str, str]] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append({name: values[0] for name, values in form(request).items()})
        self.before(len(self.asked))
        ask = self.asked[-1]
        ids = self.within(ask["term"])
        key = ""
        if "WebEnv" in ask:
            ids = [pmid for pmid in ids if pmid in self.kept]
        elif self.keeps and "usehistory" in ask:
            self.kept = set(ids)
            key = "<QueryKey>1</QueryKey><WebEnv>MCID_1</WebEnv>"
        start = int(ask.get("retstart", 0))
        listed = "".join(f"<Id>{pmid}</Id>" for pmid in ids[start : start + int(ask["retmax"])])
        body = f"<Count>{len(ids)}</Count>{key}<IdList>{listed}</IdList>"
        return httpx.Response(200, text=f"<eSearchResult>{body}</eSearchResult>")

    def within(self, term: str) -> list[int]:
        match = TIMES.search(term)
        assert match, term
        first, last = match[1], match[2]
        if not self.knows_times:
            first, last = first.split()[0], last.split()[0]
        start, end = instant(first), past(last)
        return sorted((p for p, at in self.entries.items() if start <= at < end), reverse=True)


def spread(many: int, over: timedelta, start: datetime = MORNING) -> dict[int, datetime]:
    return {pmid: start + over * (pmid / (many + 1)) for pmid in range(1, many + 1)}


async def test_pages_come_from_one_list_so_that_a_new_record_shifts_nothing() -> None:
    pubmed = DatedPubMed(spread(25, timedelta(hours=20)))
    pubmed.before = lambda number: pubmed.entries.update({100 + number: MORNING})

    answer = await search(make_client(pubmed), "x", DAY, sizes=TENS)

    assert set(answer.ids) == {101, *range(1, 26)}
    assert answer.count == 26
    assert [ask.get("WebEnv") for ask in pubmed.asked] == [None, "MCID_1", "MCID_1"]
    assert [ask["retstart"] for ask in pubmed.asked] == ["0", "10", "20"]


async def test_without_a_kept_list_pages_are_taken_as_they_are() -> None:
    pubmed = DatedPubMed(spread(25, timedelta(hours=20)), keeps=False)

    answer = await search(make_client(pubmed), "x", DAY, sizes=TENS)

    assert answer.ids == tuple(range(25, 0, -1))
    assert not any("WebEnv" in ask for ask in pubmed.asked)


async def test_a_list_that_moves_while_it_is_read_is_read_again() -> None:
    pubmed = DatedPubMed(spread(25, timedelta(hours=20)), keeps=False)
    pubmed.before = lambda number: pubmed.entries.update({100: MORNING} if number == 2 else {})

    answer = await search(make_client(pubmed), "x", DAY, sizes=TENS)

    assert len(answer.ids) == answer.count == 26


async def test_a_list_that_moves_again_is_no_answer() -> None:
    pubmed = DatedPubMed(spread(25, timedelta(hours=20)), keeps=False)
    pubmed.before = lambda number: pubmed.entries.update({100 + number: MORNING})

    with pytest.raises(Retryable, match=r"2026/09/07:2026/09/07 \[crdt\] moves while it is read"):
        await search(make_client(pubmed), "x", DAY, sizes=TENS)


async def test_a_list_that_ncbi_lost_is_read_without_it() -> None:
    pubmed = DatedPubMed(spread(25, timedelta(hours=20)))

    def handler(request: httpx.Request) -> httpx.Response:
        if "WebEnv" in form(request):
            return httpx.Response(200, text=LOST)
        return pubmed(request)

    answer = await search(make_client(handler), "x", DAY, sizes=TENS)

    assert len(answer.ids) == answer.count == 25


async def test_a_page_that_ncbi_refuses_though_nothing_was_kept_is_an_error() -> None:
    pubmed = DatedPubMed(spread(25, timedelta(hours=20)), keeps=False)

    def handler(request: httpx.Request) -> httpx.Response:
        return (
            httpx.Response(200, text=LOST) if "10" in form(request)["retstart"] else pubmed(request)
        )

    with pytest.raises(Permanent, match="Unable to obtain query"):
        await search(make_client(handler), "x", DAY, sizes=TENS)


async def test_more_than_9999_answers_are_asked_for_by_halves_of_the_window() -> None:
    pubmed = DatedPubMed(spread(25_000, timedelta(days=7), TUESDAY))

    answer = await search(make_client(pubmed), "x", WEEK)

    assert answer.count == 25_000
    assert answer.ids == tuple(range(25_000, 0, -1))
    assert not any(" 00:" in ask["term"] for ask in pubmed.asked)


async def test_a_day_over_the_cap_is_asked_for_by_its_hours() -> None:
    pubmed = DatedPubMed(spread(25_000, timedelta(hours=10)))

    answer = await search(make_client(pubmed), "x", DAY)

    assert len(set(answer.ids)) == answer.count == 25_000
    assert "(x) AND 2026/09/07 06:00:2026/09/07 11:59[crdt]" in {a["term"] for a in pubmed.asked}


async def test_a_minute_over_the_cap_fails_and_names_itself() -> None:
    pubmed = DatedPubMed(dict.fromkeys(range(1, 10_001), MORNING))

    minute = r"2026/09/07 00:00:2026/09/07 00:00 \[crdt\]"
    with pytest.raises(Permanent, match=rf"10000 answers on {minute}.*make the query narrower"):
        await search(make_client(pubmed), "x", DAY)


async def test_a_pubmed_that_ignores_times_is_found_out() -> None:
    pubmed = DatedPubMed(spread(12_000, timedelta(hours=20)), knows_times=False)

    with pytest.raises(Permanent) as caught:
        await search(make_client(pubmed), "x", DAY)

    assert "12000 answers on 2026/09/07:2026/09/07 [crdt]" in str(caught.value)
    assert "12000 + 12000 and not 12000" in str(caught.value)
    assert "make the query narrower" in str(caught.value)


async def test_a_record_that_comes_between_a_window_and_its_halves_is_no_disagreement() -> None:
    pubmed = DatedPubMed(spread(12_000, timedelta(hours=20)))
    pubmed.before = lambda number: pubmed.entries.update({20_000: MORNING} if number == 2 else {})

    answer = await search(make_client(pubmed), "x", DAY)

    assert len(answer.ids) == answer.count == 12_001


@pytest.mark.parametrize("lost", ["2026/09/05:", "2026/09/01:2026/09/04"])
async def test_halves_of_days_that_do_not_add_up_are_an_error(lost: str) -> None:
    pubmed = DatedPubMed(spread(12_000, timedelta(days=7), TUESDAY))

    def handler(request: httpx.Request) -> httpx.Response:
        if lost in form(request)["term"][0]:
            return httpx.Response(200, text="<eSearchResult><Count>0</Count></eSearchResult>")
        return pubmed(request)

    with pytest.raises(Permanent, match="does not divide it so"):
        await search(make_client(handler), "x", WEEK)


async def test_a_half_that_was_not_understood_is_an_error() -> None:
    pubmed = DatedPubMed(spread(12_000, timedelta(hours=20)))
    error = "<ErrorList><FieldNotFound>crdt</FieldNotFound></ErrorList>"

    def handler(request: httpx.Request) -> httpx.Response:
        answer = pubmed(request)
        if " 12:00:" not in form(request)["term"][0]:
            return answer
        return httpx.Response(200, text=answer.text.replace("<IdList>", f"{error}<IdList>"))

    with pytest.raises(Permanent, match="does not divide it so"):
        await search(make_client(handler), "x", DAY)


def test_every_minute_of_a_day_is_in_one_part() -> None:
    parts: list[Minutes] = []
    waiting = list(DAY.halves())
    while waiting:
        part = waiting.pop(0)
        assert isinstance(part, Minutes)
        halves = part.halves()
        waiting += halves or ()
        parts += () if halves else [part]

    minutes = [f"2026/09/07 {n // 60:02}:{n % 60:02}" for n in range(24 * 60)]
    assert sorted(map(str, parts)) == [f"{minute}:{minute}" for minute in minutes]
