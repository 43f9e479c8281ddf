import json

import pytest

from shared.article import changed_fields, content_hash
from shared.events import ArticleDiscovered, Undecodable, decode, event_id, traceparent
from tests.builders import an_article, discovered


def test_an_event_survives_the_wire() -> None:
    event = discovered()

    assert decode(event.encode()) == event


def test_a_reader_ignores_fields_that_a_newer_writer_added() -> None:
    body = json.loads(discovered().encode())
    body["newattribute"] = 1
    body["data"]["article"]["new_field"] = "x"

    assert decode(json.dumps(body).encode()) == discovered()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "body"),
        (b"\xff\xfe", "body"),
        (b"[]", "body"),
        (b"{}", "type"),
        (json.dumps({"type": "carillon.article.discovered.v9"}).encode(), "v9"),
        (
            json.dumps({"type": "carillon.article.discovered.v1", "specversion": "0.3"}).encode(),
            "specversion",
        ),
    ],
)
def test_what_is_not_an_event_of_ours_is_refused_and_says_where(body: bytes, says: str) -> None:
    with pytest.raises(Undecodable, match=says):
        decode(body)


def test_a_refusal_does_not_carry_the_message_itself() -> None:
    body = json.loads(discovered().encode())
    body["data"]["relatedness"] = "somebody@example.org"

    with pytest.raises(Undecodable) as refusal:
        decode(json.dumps(body).encode())

    assert "somebody" not in str(refusal.value)


def test_the_same_facts_give_the_same_id_and_other_facts_another() -> None:
    assert event_id("urn:a", "kind", 1, "x") == event_id("urn:a", "kind", 1, "x")
    assert event_id("urn:a", "kind", "a", "bc") != event_id("urn:a", "kind", "ab", "c")


@pytest.mark.parametrize("parent", ["", "x", "00-abc-def-01", "00--", "00-" + "g" * 32])
def test_a_parent_that_is_no_trace_begins_a_trace_of_its_own(parent: str) -> None:
    assert traceparent("one", parent) == traceparent("one")


def test_a_trace_goes_from_discovery_to_digest() -> None:
    first = traceparent("one")
    second = traceparent("two", first)

    assert first.split("-")[1] == second.split("-")[1]
    assert first.split("-")[2] != second.split("-")[2]
    assert [len(part) for part in second.split("-")] == [2, 32, 16, 2]


def test_every_event_says_its_time_in_utc_with_a_z() -> None:
    assert json.loads(discovered().encode())["time"] == "2026-09-07T12:00:00Z"


def test_the_content_hash_ignores_what_is_not_content() -> None:
    article = an_article()

    assert content_hash(article) == content_hash(article.model_copy(update={"entered_at": None}))
    assert content_hash(article) != content_hash(article.model_copy(update={"title": "Other"}))


def test_a_change_names_its_fields() -> None:
    old = an_article()
    new = old.model_copy(update={"title": "Other", "doi": "10.1/x"})

    assert changed_fields(old, new) == ("title", "doi")
    assert ArticleDiscovered.ROUTING_KEY == "article.discovered"
