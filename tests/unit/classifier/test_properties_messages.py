"""Any bytes that reach the handler: an answer is stored and told, or a reason is given."""

import json
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.classify import classify
from services.classifier.handlers import handler
from services.classifier.tables import classifications, metadata, outbox
from shared.article import Article
from shared.errors import Permanent
from shared.events import ArticleClassified, decode, event_id
from shared.outcome import Park, after_failure
from shared.placing import Handle
from tests.builders import NOON, classified, discovered, poll_completed, revised
from tests.fakes import FakeClock
from tests.unit.classifier.any_article import ARTICLES
from tests.unit.classifier.reading import SHIPPED

TRIES = count()
BODIES = [event.encode() for event in (discovered(), revised(), classified(), poll_completed())]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
some = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
async def engine(sqlite: AsyncEngine) -> AsyncEngine:
    async with sqlite.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return sqlite


@pytest.fixture
def handle(engine: AsyncEngine) -> Handle:
    return handler(engine, SHIPPED, FakeClock(NOON))


async def handled_or_parked(handle: Handle, body: bytes) -> None:
    """Fails where the handler meets a fault that it has no words for."""
    try:
        await handle(body)
    except Permanent as error:
        outcome = after_failure(error, 1, ())
        assert isinstance(outcome, Park)
        assert outcome.reason == "permanent"
        assert outcome.error


@some
@given(ARTICLES)
async def test_an_answer_is_stored_and_told_for_every_article(
    engine: AsyncEngine, handle: Handle, article: Article
) -> None:
    event = discovered(article=article)
    # One that was drawn before, as hypothesis does, is an event of its own all the same.
    event = event.model_copy(update={"id": event_id("test", "try", next(TRIES))})

    await handle(event.encode())

    async with engine.begin() as connection:
        body = await connection.scalar(sa.select(outbox.c.body).order_by(outbox.c.seq.desc()))
        scope = await connection.scalar(
            sa.select(classifications.c.scope).where(classifications.c.pmid == article.pmid)
        )
    told = decode(bytes(body or b""))
    assert isinstance(told, ArticleClassified)
    assert told.data.classification == classify(article, SHIPPED)
    assert scope == told.data.classification.scope


@some
@given(st.binary(max_size=200))
async def test_bytes_of_any_kind_are_parked_with_a_reason(handle: Handle, body: bytes) -> None:
    with pytest.raises(Permanent, match="not a Carillon event"):
        await handle(body)


@settings(some, max_examples=120)
@given(st.sampled_from(BODIES), st.data())
async def test_a_damaged_event_is_answered_or_parked_with_a_reason(
    handle: Handle, body: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(body) - 1))
    length = data.draw(st.integers(0, 30))
    put = data.draw(st.binary(max_size=30))

    await handled_or_parked(handle, body[:place] + put + body[place + length :])


@settings(some, max_examples=120)
@given(st.sampled_from(BODIES[:2]), st.data())
async def test_an_event_with_another_value_is_answered_or_parked_with_a_reason(
    handle: Handle, body: bytes, data: st.DataObject
) -> None:
    whole = json.loads(body)
    inside: Any = whole
    while True:
        place = data.draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else [0]))
        deeper = inside[place]
        if not deeper or not isinstance(deeper, dict | list) or data.draw(st.booleans()):
            break
        inside = deeper
    inside[place] = data.draw(VALUES)

    await handled_or_parked(handle, json.dumps(whole).encode("utf-8", errors="replace"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.article.pmid", 2**70),
        ("data.revision", 2**70),
        ("traceparent", "no trace"),
        ("id", ""),
        ("time", "0001-01-01T00:00:00+14:00"),
        ("data.relatedness", float("inf")),
        ("data.article.title", "\x00"),
        ("data.article.title", "\ud800"),
    ],
)
async def test_values_at_the_edge_are_answered_or_parked_with_a_reason(
    handle: Handle, path: str, value: object
) -> None:
    whole = json.loads(BODIES[0])
    *steps, last = path.split(".")
    inside = whole
    for step in steps:
        inside = inside[step]
    inside[last] = value

    await handled_or_parked(handle, json.dumps(whole).encode())
