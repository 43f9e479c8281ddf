"""A poll ends in time, and an NCBI that is down costs it little."""

from datetime import timedelta

import httpx
import pytest

from services.poller.eutils import Access, Client, Conduct, Eutils, Patience, Timing
from services.poller.eutils.budget import FAILURES, Budget
from services.poller.eutils.limit import Limiter
from shared.errors import Permanent, Retryable
from tests.unit.poller.fakes import BASE, Handler

FOUND = "<eSearchResult><Count>1</Count><IdList><Id>1</Id></IdList></eSearchResult>"


class Time:
    """A clock that only sleeping moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Counting:
    """Answers each utility with what it was given, and counts the requests."""

    def __init__(self, **answers: httpx.Response) -> None:
        self.answers = answers
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return self.answers[request.url.path.rsplit("/", 1)[-1].removesuffix(".fcgi")]


def client_of(handler: Handler, time: Time, attempts: int = 1) -> Client:
    timing = Timing(time, time.sleep, chance=lambda: 1.0)
    conduct = Conduct(Limiter(1000, timing=timing), Patience(attempts), timing)
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return Client(http, Access(BASE), conduct)


async def test_after_its_time_a_poll_asks_nothing_more() -> None:
    time, ncbi = Time(), Counting(esearch=httpx.Response(200, text=FOUND))
    eutils = Eutils(client_of(ncbi, time)).for_poll(timedelta(minutes=20))
    await eutils.count("x")
    time.now = 1200

    with pytest.raises(Retryable, match=r"esearch: not asked: the poll's 20 minutes are over"):
        await eutils.count("x")
    assert ncbi.asked == 1


async def test_a_call_ends_with_its_poll_though_it_could_wait_longer() -> None:
    time, ncbi = Time(), Counting(esearch=httpx.Response(500))
    client = client_of(ncbi, time, attempts=100).within(Budget(timedelta(seconds=10), time))

    with pytest.raises(Retryable, match="esearch: HTTP 500 with an empty body"):
        await client.call("esearch", {})
    assert time.now < 10


async def test_no_time_is_spent_in_waiting_after_the_last_attempt() -> None:
    time, ncbi = Time(), Counting(esearch=httpx.Response(500))

    with pytest.raises(Retryable, match="HTTP 500"):
        await client_of(ncbi, time, attempts=2).call("esearch", {})
    assert time.now == pytest.approx(1.0, abs=0.1)


async def test_the_budget_of_one_poll_does_not_bind_the_next() -> None:
    time, ncbi = Time(), Counting(esearch=httpx.Response(200, text=FOUND))
    eutils = Eutils(client_of(ncbi, time))
    eutils.for_poll(timedelta(seconds=1))
    time.now = 2

    assert await eutils.for_poll(timedelta(seconds=1)).count("x") == 1
    assert await eutils.count("x") == 1


async def test_a_utility_that_failed_in_a_row_is_not_asked_again_in_that_poll() -> None:
    time, ncbi = (
        Time(),
        Counting(elink=httpx.Response(500), esearch=httpx.Response(200, text=FOUND)),
    )
    client = client_of(ncbi, time, attempts=2).within(Budget(timedelta(hours=1), time))
    for _ in range(FAILURES):
        with pytest.raises(Retryable, match="HTTP 500"):
            await client.call("elink", {})

    with pytest.raises(
        Retryable, match=r"elink: not asked: elink failed 3 times in a row .* HTTP 500"
    ):
        await client.call("elink", {})
    assert ncbi.asked == 2 * FAILURES
    assert not (await client.call("esearch", {})).empty, "the others go on"


async def test_calls_under_way_give_up_when_their_utility_is_found_to_be_down() -> None:
    time, budget = Time(), Budget(timedelta(hours=1), lambda: 0.0)

    def handler(_request: httpx.Request) -> httpx.Response:
        for _ in range(FAILURES):
            budget.failed("elink", "an outage")
        return httpx.Response(500)

    with pytest.raises(Retryable, match="in a row"):
        await client_of(handler, time, attempts=50).within(budget).call("elink", {})
    assert time.now < 2


async def test_an_answer_between_failures_begins_the_count_anew() -> None:
    time, ncbi = Time(), Counting(elink=httpx.Response(500))
    client = client_of(ncbi, time).within(Budget(timedelta(hours=1), time))
    refused = httpx.Response(400, text="Mandatory parameter: db")
    for answer in (ncbi.answers["elink"], ncbi.answers["elink"], refused) * 2:
        ncbi.answers["elink"] = answer
        with pytest.raises((Retryable, Permanent), match=r"HTTP 500|Mandatory"):
            await client.call("elink", {})

    assert ncbi.asked == 6


async def test_a_try_with_fewer_attempts_does_not_count_as_a_failure() -> None:
    time, ncbi = Time(), Counting(elink=httpx.Response(500))
    client = client_of(ncbi, time).within(Budget(timedelta(hours=1), time))
    for _ in range(FAILURES + 1):
        with pytest.raises(Retryable, match="HTTP 500"):
            await client.call("elink", {}, attempts=1)

    assert ncbi.asked == FAILURES + 1


def test_a_short_budget_is_named_in_seconds() -> None:
    assert Budget(timedelta(0), lambda: 0.0).refusal("efetch") == "the poll's 0 seconds are over"
