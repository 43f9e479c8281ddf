"""One call: within the limit, retried with patience, never telling a secret."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from services.poller.eutils import Access, Conduct, Patience, Timing, make_eutils
from services.poller.eutils.budget import Budget
from services.poller.eutils.client import CONNECTIONS, Client, Reply
from services.poller.eutils.limit import Limiter, limiter_for
from services.poller.settings import Settings
from shared.errors import Permanent, Retryable
from tests.unit.poller.fakes import BASE, Handler, form, make_client, no_sleep

FOUND = "<eSearchResult><Count>1</Count><IdList><Id>1</Id></IdList></eSearchResult>"
OUTAGE = "<eSearchResult><ERROR>Search Backend failed</ERROR></eSearchResult>"


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def replies(*answers: httpx.Response | Exception) -> Handler:
    left = list(answers)

    def handler(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler


def patient(handler: Handler, time: Time, patience: Patience) -> Client:
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    timing = Timing(monotonic=time, sleep=time.sleep, chance=lambda: 1.0)
    return Client(http, Access(BASE), Conduct(Limiter(1000, timing=timing), patience, timing))


async def test_tool_email_and_key_go_with_every_request_by_post() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, text=FOUND)

    access = Access(BASE, tool="carillon", email="me@example.org", api_key="k")
    await make_client(handler, access=access).call("esearch", {"db": "pubmed"})

    assert seen[0].method == "POST"
    assert "api_key" not in str(seen[0].url)
    assert form(seen[0]) == {
        "tool": ["carillon"],
        "email": ["me@example.org"],
        "api_key": ["k"],
        "db": ["pubmed"],
    }


async def test_an_outage_is_asked_again_until_it_ends() -> None:
    client = make_client(
        replies(httpx.Response(200, text=OUTAGE), httpx.Response(200, text=FOUND)), 2
    )

    assert (await client.call("esearch", {})).body == FOUND.encode()


async def test_an_outage_that_stays_is_retryable_and_never_empty() -> None:
    client = make_client(replies(*[httpx.Response(200, text=OUTAGE)] * 3), 3)

    with pytest.raises(Retryable, match="esearch: Search Backend failed"):
        await client.call("esearch", {})


async def test_a_wrong_request_is_not_repeated() -> None:
    client = make_client(replies(httpx.Response(400, text="Mandatory parameter: db")), 5)

    with pytest.raises(Permanent, match="Mandatory parameter"):
        await client.call("esearch", {})


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout(""),
        httpx.RemoteProtocolError("incomplete read"),
        httpx.ReadError("reset"),
    ],
)
async def test_a_broken_connection_is_asked_again(error: Exception) -> None:
    client = make_client(replies(error, httpx.Response(200, text=FOUND)), 2)

    assert not (await client.call("esearch", {})).empty


async def test_a_url_without_a_scheme_we_speak_is_a_wrong_setting() -> None:
    client = make_client(replies(httpx.UnsupportedProtocol("ftp")), 3)

    with pytest.raises(Permanent, match="correct the E-utilities URL"):
        await client.call("esearch", {})


async def test_waits_double_and_honour_what_ncbi_asks() -> None:
    time = Time()
    throttled = httpx.Response(429, headers={"Retry-After": "7"}, text="{}")
    answers = [httpx.Response(200, text=OUTAGE)] * 2 + [throttled, httpx.Response(200, text=FOUND)]

    await patient(replies(*answers), time, Patience(attempts=4)).call("esearch", {})

    assert [round(wait, 1) for wait in time.slept if wait > 0.1] == [1.0, 2.0, 11.0]


async def test_the_deadline_ends_it_before_a_wait_that_would_pass_it() -> None:
    time = Time()
    throttled = httpx.Response(429, headers={"Retry-After": "500"}, text="{}")

    with pytest.raises(Retryable) as caught:
        await patient(replies(throttled), time, Patience(deadline=60)).call("esearch", {})

    assert caught.value.retry_after == timedelta(seconds=500)
    assert time.now < 1


async def test_messages_never_hold_the_key() -> None:
    body = '{"error":"API key invalid","api-key":"s3cret"}'
    access = Access(BASE, api_key="s3cret")

    with pytest.raises(Permanent) as caught:
        await make_client(replies(httpx.Response(400, text=body)), access=access).call("efetch", {})

    assert "s3cret" not in str(caught.value)


async def test_slots_are_spaced_so_that_no_second_holds_more_than_the_limit() -> None:
    time = Time()
    limiter = Limiter(3, timing=Timing(time, time.sleep))
    starts = []
    for _ in range(30):
        await limiter.slot()
        starts.append(time.now)

    assert max(sum(1 for s in starts if start <= s < start + 1) for start in starts) == 3


async def test_a_pause_holds_for_every_task() -> None:
    time = Time()
    limiter = Limiter(3, timing=Timing(time, time.sleep))
    await limiter.pause(5)

    await limiter.slot()

    assert time.now == 5


async def test_a_key_raises_the_limit() -> None:
    assert limiter_for("key")._gap < limiter_for(None)._gap


def test_settings_give_a_url_with_its_slash_and_no_empty_key() -> None:
    settings = Settings.model_validate(
        {"database_url": "x", "amqp_url": "y", "eutils_url": "http://a/b", "ncbi_api_key": ""}
    )

    assert settings.access() == Access("http://a/b/", "carillon", None, None)


def test_settings_do_not_print_the_key() -> None:
    settings = Settings.model_validate(
        {"database_url": "x", "amqp_url": "y", "ncbi_api_key": "s3c"}
    )

    assert "s3c" not in repr(settings)
    assert settings.access().api_key == "s3c"


async def test_an_answer_that_cannot_be_read_is_asked_for_again() -> None:
    def read(reply: Reply) -> int:
        if reply.body == b"<eSearchResult><Count>1</Count></eSearchResult>":
            raise Retryable("esearch: not what it should be")
        return 5

    answers = ["<eSearchResult><Count>1</Count></eSearchResult>", FOUND]
    responses = [httpx.Response(200, text=text) for text in answers]

    assert await make_client(replies(*responses), 2).ask("esearch", {}, read) == 5
    with pytest.raises(Retryable, match=r"^esearch: not what it should be \(transient\)$"):
        await make_client(replies(responses[0]), 1).ask("esearch", {}, read)


async def test_every_verdict_is_told_with_its_utility() -> None:
    told: list[tuple[str, str]] = []
    timing = Timing(lambda: 0.0, no_sleep, lambda: 0.5)
    answers = replies(
        httpx.Response(429, text="{}"),
        httpx.Response(200, text=OUTAGE),
        httpx.Response(200, text=FOUND),
        httpx.Response(400, text="Mandatory parameter: db"),
    )
    conduct = Conduct(
        Limiter(3, timing=timing),
        timing=timing,
        answered=lambda utility, verdict: told.append((utility, str(verdict))),
    )
    client = Client(
        httpx.AsyncClient(transport=httpx.MockTransport(answers)), Access(BASE), conduct
    )

    await client.call("esearch", {})
    with pytest.raises(Permanent):
        await client.call("efetch", {})

    assert told == [
        ("esearch", "throttled"),
        ("esearch", "transient"),
        ("esearch", "ok"),
        ("efetch", "permanent"),
    ]


async def test_when_no_request_of_the_second_is_left_the_next_one_waits_for_the_next_second() -> (
    None
):
    time = Time()
    spent = httpx.Response(200, headers={"X-RateLimit-Remaining": "0"}, text=FOUND)
    client = patient(replies(spent, httpx.Response(200, text=FOUND)), time, Patience())

    await client.call("esearch", {})
    await client.call("esearch", {})

    assert time.now == pytest.approx(1.0)


async def test_a_second_that_was_used_up_by_ourselves_is_no_reason_to_wait() -> None:
    time = Time()
    answers = [
        httpx.Response(200, headers={"X-RateLimit-Remaining": left}, text=FOUND) for left in "2100"
    ]
    client = patient(replies(*answers), time, Patience())

    for _ in answers:
        await client.call("esearch", {})

    assert time.now < 0.1


async def test_no_more_requests_are_open_than_there_are_connections() -> None:
    most, current = 0, 0

    async def handler(_: httpx.Request) -> httpx.Response:
        nonlocal most, current
        current += 1
        most = max(most, current)
        await asyncio.sleep(0)
        current -= 1
        return httpx.Response(200, text=FOUND)

    timing = Timing(lambda: 0.0, no_sleep)
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    client = Client(http, Access(BASE), Conduct(Limiter(1000, timing=timing), timing=timing))
    polls = [client, client.within(Budget(timedelta(hours=1), timing.monotonic))]

    await asyncio.gather(*(poll.call("esearch", {}) for poll in polls * CONNECTIONS * 2))

    assert most == CONNECTIONS


async def test_e_utilities_are_made_within_the_limit_of_the_caller() -> None:
    limiter = Limiter(3)
    eutils = make_eutils(Access(BASE), limiter=limiter)

    assert eutils.base_url == BASE
    assert eutils._client.conduct.limiter is limiter
    await eutils.aclose()
