"""No address and no key leaves; the words that labels point into stay."""

import json
from typing import Any

import pytest

from services.console.archive.recorded import Recorded, envelop
from services.console.archive.scrub import REMOVED, Unscrubbable, scrubbed, without_secrets
from shared.article import Author
from tests.builders import (
    a_leg,
    an_article,
    classified,
    digest_delivered,
    discovered,
    poll_completed,
)


def _entry(body: bytes) -> Recorded:
    return envelop(1, body)


@pytest.mark.parametrize("event", [discovered(), classified(), poll_completed()])
def test_an_event_without_any_is_left_as_it_is(event: Any) -> None:
    assert scrubbed(_entry(event.encode())) == json.loads(event.encode())


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("mail to ann.lee@example.org please", f"mail to {REMOVED} please"),
        ("<20260907.1@localhost>", f"<{REMOVED}>"),
        ("403 for /esearch?api_key=0a1b2c&db=x", f"403 for /esearch?{REMOVED}&db=x"),
        ("amqp://carillon:pass@rabbitmq:5672/", f"amqp://{REMOVED}:5672/"),
        ("https://hooks.slack.com/services/T0/B0/xyz", REMOVED),
        ("https://discord.com/api/webhooks/1/abc", REMOVED),
        ("Authorization: Bearer abc.def", REMOVED),
        ("xoxb-1-2-abc", REMOVED),
        ('{"token": "abc"}', '{"' + REMOVED + '"}'),
        ("urn:carillon:poller:car-autoimmune", "urn:carillon:poller:car-autoimmune"),
        ("CD19 (target) = CD19", "CD19 (target) = CD19"),
        ("https://pubmed.ncbi.nlm.nih.gov/1/", "https://pubmed.ncbi.nlm.nih.gov/1/"),
    ],
)  # fmt: skip
def test_what_looks_like_an_address_or_a_key_is_taken_out(text: str, clean: str) -> None:
    assert without_secrets(text) == clean


def test_every_part_of_an_event_is_looked_at() -> None:
    digest = digest_delivered(message_id="<1@mail.example.org>")
    poll = poll_completed(legs=(a_leg(error="api_key=abc was refused"),))
    author = Author(last_name="Lee", affiliations=("Somewhere. ann.lee@example.org.",))
    paper = discovered(article=an_article(authors=(author,)))

    assert scrubbed(_entry(digest.encode()))["data"]["message_id"] == f"<{REMOVED}>"
    assert "abc" not in json.dumps(scrubbed(_entry(poll.encode())))
    assert "example.org" not in json.dumps(scrubbed(_entry(paper.encode())))


def test_the_text_that_labels_point_into_stays() -> None:
    paper = discovered(article=an_article(title="Write to ann@example.org"))

    assert scrubbed(_entry(paper.encode())) == json.loads(paper.encode())


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"{}", discovered().encode().replace(b"discovered.v1", b"discovered.v9")],
)
def test_what_is_no_event_that_is_known_is_not_written(body: bytes) -> None:
    with pytest.raises(Unscrubbable):
        scrubbed(_entry(body))


def test_a_field_named_like_an_address_is_not_written() -> None:
    body = json.loads(discovered().encode()) | {"ann@example.org": 1}
    with pytest.raises(Unscrubbable, match="name of a field"):
        scrubbed(_entry(json.dumps(body).encode()))
