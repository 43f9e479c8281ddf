import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from services.classifier.classify import classify
from services.classifier.handlers import handler
from services.classifier.opinion_client import OpinionClient
from services.classifier.opinion_second import SecondOpinion
from services.classifier.settings import Endpoint
from services.classifier.tables import metadata, opinions, outbox
from shared.errors import Permanent, Retryable
from shared.events import ArticleClassified, decode
from tests.builders import NOON, discovered, replayed
from tests.fakes import FakeClock
from tests.unit.classifier.reading import SHIPPED, read
from tests.unit.classifier.test_opinion import UNSURE, answer

Answering = Callable[[httpx.Request], httpx.Response]
MESSAGES = [{"role": "user", "content": "{}"}]


def completion(text: str) -> httpx.Response:
    return httpx.Response(200, json={"choices": [{"message": {"content": text}}]})


class Model:
    """An endpoint that gives the answers it was given, the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def client(self, **overrides: object) -> OpinionClient:
        fields = {"url": "https://model.test/v1/", "model": "tiny", **overrides}
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return OpinionClient(http, Endpoint(**fields), self.sleep)  # type: ignore[arg-type]


@pytest.fixture
async def engine(sqlite: AsyncEngine) -> AsyncEngine:
    async with sqlite.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return sqlite


def second(engine: AsyncEngine, model: Model) -> SecondOpinion:
    return SecondOpinion(engine, model.client(), SHIPPED, FakeClock(NOON))


async def kept(engine: AsyncEngine) -> list[str]:
    async with engine.begin() as connection:
        return list(await connection.scalars(sa.select(opinions.c.answer)))


async def test_the_endpoint_is_asked_for_json_by_the_model_with_the_key() -> None:
    model = Model(completion("{}"))

    assert await model.client(api_key=SecretStr("k3y")).ask(MESSAGES) == "{}"

    (request,) = model.asked
    body = json.loads(request.content)
    assert str(request.url) == "https://model.test/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer k3y"
    assert (body["model"], body["messages"], body["temperature"]) == ("tiny", MESSAGES, 0)
    assert body["response_format"] == {"type": "json_object"}


async def test_without_a_key_none_is_sent() -> None:
    model = Model(completion("{}"))
    await model.client().ask(MESSAGES)

    assert "authorization" not in model.asked[0].headers


@pytest.mark.parametrize(
    ("first", "pause"),
    [
        (httpx.Response(503), 1),
        (httpx.Response(429, headers={"Retry-After": "3"}), 3),
        (httpx.Response(429, headers={"Retry-After": "Mon, 07 Sep 2026 12:00:00 GMT"}), 1),
        (httpx.Response(429, headers={"Retry-After": "9" * 20}), 1),
        (httpx.ConnectError("refused"), 1),
    ],
)
async def test_what_may_pass_is_tried_once_more(
    first: httpx.Response | Exception, pause: float
) -> None:
    model = Model(first, completion("{}"))

    assert await model.client().ask(MESSAGES) == "{}"
    assert model.pauses == [pause]


@pytest.mark.parametrize("fault", [httpx.Response(500), httpx.ReadError("https://u:secret@host")])
async def test_what_does_not_pass_is_retryable_and_tells_no_secret(
    fault: httpx.Response | Exception,
) -> None:
    model = Model(fault)

    with pytest.raises(Retryable, match="opinion endpoint") as raised:
        await model.client().ask(MESSAGES)

    assert len(model.asked) == 2
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (httpx.Response(401, text="wrong key: k3y"), "HTTP 401; correct"),
        (httpx.Response(302, headers={"location": "https://elsewhere.test"}), "HTTP 302"),
        (httpx.Response(200, text="<html>"), "no chat completion"),
        (httpx.Response(200, json={"choices": []}), "no chat completion"),
        (httpx.Response(200, json={"choices": [{"message": {"content": None}}]}), "no chat"),
        (httpx.Response(200, content=b"x" * 70_000), "more than 64000 bytes"),
    ],
)
async def test_what_will_not_pass_is_asked_once(given: httpx.Response, reason: str) -> None:
    model = Model(given)

    with pytest.raises(Permanent, match=reason):
        await model.client().ask(MESSAGES)

    assert len(model.asked) == 1


@pytest.mark.parametrize(
    "wrong", [{"url": "https://model:port"}, {"api_key": SecretStr("clé")}], ids=["url", "key"]
)
async def test_an_address_or_key_that_cannot_be_sent_is_said_to_be_so(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(Permanent, match=r"correct CLASSIFIER_OPINION_URL or _API_KEY"):
        await Model(completion("{}")).client(**wrong).ask(MESSAGES)


async def test_an_endpoint_that_keeps_silent_is_left_alone_in_time() -> None:
    async def silent(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError(request)

    http = httpx.AsyncClient(transport=httpx.MockTransport(silent))
    endpoint = Endpoint("https://model.test", "tiny", seconds=0.01)

    with pytest.raises(Retryable, match=r"no opinion within 0\.01 seconds"):
        await OpinionClient(http, endpoint).ask(MESSAGES)


async def test_an_answer_can_be_stored_in_any_database() -> None:
    assert await Model(completion("a\x00b")).client().ask(MESSAGES) == "ab"


async def test_the_same_text_is_asked_about_once(engine: AsyncEngine) -> None:
    model = Model(completion(answer()))
    found = classify(UNSURE, SHIPPED)

    first = await second(engine, model)(UNSURE, found)
    again = await second(engine, model)(UNSURE.model_copy(update={"pmid": 7}), found)

    assert first == again
    assert first.scope == "core"
    assert len(model.asked) == 1


async def test_an_answer_that_is_not_believed_is_kept_too_and_not_asked_for_again(
    engine: AsyncEngine,
) -> None:
    model = Model(completion("It is about wolves."), completion(answer()))
    found = classify(UNSURE, SHIPPED)

    with capture_logs() as logs:
        assert await second(engine, model)(UNSURE, found) == found
        assert await second(engine, model)(UNSURE, found) == found

    assert await kept(engine) == ["It is about wolves."]
    assert [entry["event"] for entry in logs] == ["no_second_opinion"] * 2


async def test_a_failure_is_logged_once_and_the_rules_answer_goes_out(engine: AsyncEngine) -> None:
    model = Model(httpx.Response(503))
    cause = discovered(article=UNSURE)

    with capture_logs() as logs:
        await handler(engine, SHIPPED, FakeClock(NOON), second(engine, model))(cause.encode())

    async with engine.begin() as connection:
        event = decode(bytes((await connection.scalars(sa.select(outbox.c.body))).one()))
    assert isinstance(event, ArticleClassified)
    assert event.data.classification == classify(UNSURE, SHIPPED)
    warned = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
    assert warned == ["no_second_opinion"]
    assert await kept(engine) == []


async def test_an_opinion_goes_out_with_the_event(engine: AsyncEngine) -> None:
    ask = second(engine, Model(completion(answer())))

    await handler(engine, SHIPPED, FakeClock(NOON), ask)(discovered(article=UNSURE).encode())

    async with engine.begin() as connection:
        event = decode(bytes((await connection.scalars(sa.select(outbox.c.body))).one()))
    assert isinstance(event, ArticleClassified)
    assert event.data.classification.classifier_version.endswith("+opinion")


async def test_nobody_is_asked_about_what_is_clear(engine: AsyncEngine) -> None:
    model = Model(completion(answer()))
    sure = read("Anti-CD19 CAR-T cells for lupus")

    assert await second(engine, model)(UNSURE, sure) == sure
    assert model.asked == []


async def test_for_what_is_replayed_nobody_is_asked_and_a_known_answer_is_used(
    engine: AsyncEngine,
) -> None:
    model = Model(completion(answer()))
    opinion = second(engine, model)
    handle = handler(engine, SHIPPED, FakeClock(NOON), opinion, opinion.known)
    forced = replayed(discovered(article=UNSURE), force=True)

    await handle(forced.encode())
    assert (model.asked, await kept(engine)) == ([], [])

    await handle(discovered(article=UNSURE).encode())
    await handle(forced.model_copy(update={"replayid": "another"}).encode())

    async with engine.begin() as connection:
        bodies = (await connection.scalars(sa.select(outbox.c.body).order_by(outbox.c.seq))).all()
    told = [decode(bytes(body)) for body in bodies]
    scopes = [one.data.classification.scope for one in told if isinstance(one, ArticleClassified)]
    assert scopes == ["unclear", "core", "core"]
    assert len(model.asked) == 1
