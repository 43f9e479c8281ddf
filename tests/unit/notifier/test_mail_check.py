"""The checkers find what is wrong: each fault is put into a sound message, and told."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from services.notifier.render.mail import written
from services.notifier.render.slack import payloads
from tests.mail_check import faults
from tests.slack_check import faults as slack_faults
from tests.unit.notifier.digests import a_full_digest
from tests.unit.notifier.sample import some_digest, some_envelope

SOUND = written(a_full_digest(), some_envelope(0)).content


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        assert old in raw
        return raw.replace(old, new)

    return change


def inserted(html: bytes) -> Callable[[bytes], bytes]:
    return replaced(b"</body>", html.replace(b"=", b"=3D") + b"\r\n</body>")


SPOILT: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "no subject": (lambda raw: re.sub(rb"Subject:.*?\r\nFrom", b"Subject: \r\nFrom", raw, flags=16),
                   "a subject that says nothing"),
    "two subjects": (lambda raw: b"Subject: x\r\n" + raw, "Subject is there 2 times"),
    "tracking header": (lambda raw: b"X-Track: 1\r\n" + raw, "nobody asked for"),
    "bare line end": (replaced(b"\r\nTo:", b"\nTo:"), "not CRLF"),
    "eight bits": (replaced(b"</body>", "ä</body>".encode()), "not seven bits"),
    "long line": (replaced(b"</body>", b"x" * 999 + b"</body>"), "more than 998"),
    "no one-click": (replaced(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
                     "one click is promised if and only if"),
    "no way out": (replaced(b"List-Unsubscribe: <", b"List-Unsubscribe: <x"), "no address"),
    "answers": (replaced(b"auto-generated", b"no"), "not said to be sent by a program"),
    "script": (inserted(b"<script>x</script>"), "<script> has no place"),
    "pixel": (inserted(b'<img src="https://t.example/p.gif" alt="x" width="1" height="1">'),
              "pictures are not those"),
    "flex": (inserted(b'<p style="display:flex">x</p>'), "not drawn everywhere"),
    "handler": (inserted(b'<p onclick="x()">x</p>'), "an attribute onclick"),
    "relative link": (inserted(b'<a href="/here">x</a>'), "leads nowhere"),
    "tracked link": (inserted(b'<a href="https://x.example/?utm_source=m">x</a>'), "tracks"),
    "other words": (inserted(b"<p>inserted</p>"), "only one part says ['inserted']"),
    "other record": (inserted(b"<p>PubMed 1</p>"), "do not name the same records"),
    "skipped level": (inserted(b"<h2>CAAR-T</h2><h1>x</h1>"), "not one heading of the first"),
    "pale": (inserted(b'<p style="color:#cccccc">CAAR-T</p>'), "to 1"),
    "unclosed": (inserted(b"<p>CAAR-T"), "closes nothing"),
    "bare table": (inserted(b"<table><tr><td>1</td></tr></table>"), "a table that does not say"),
    "too large": (inserted(b"<p>\r\n" + b"CAAR-T\r\n" * 15_000 + b"</p>"), "bytes of HTML"),
}  # fmt: skip


def test_the_sound_one_is_sound() -> None:
    assert faults(SOUND) == []


@pytest.mark.parametrize("name", SPOILT)
def test_a_mail_that_is_spoilt_is_found_out(name: str) -> None:
    change, told = SPOILT[name]

    assert any(told in fault for fault in faults(change(SOUND)))


def without_alt(raw: bytes) -> bytes:
    """The picture's words go, wherever lines are broken."""
    return re.sub(rb' alt=3D"[^"]*"', b' alt=3D""', raw)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without_alt, "a picture without words"),
        (replaced(b"Content-ID: <", b"Content-ID: <other."), "pictures are not those"),
        (replaced(b"inline;", b"attachment;"), "as an attachment"),
    ],
)
def test_a_picture_that_is_spoilt_is_found_out(change: Callable[[bytes], bytes], told: str) -> None:
    seed = next(n for n in range(99) if some_digest(n).trend and some_digest(n).total < 6)

    assert any(
        told in f for f in faults(change(written(some_digest(seed), some_envelope(0)).content))
    )


def a_payload(**changes: Any) -> dict[str, Any]:
    (payload,) = payloads(a_full_digest())
    return {**payload, **changes}


def a_section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (a_payload(text=" "), "fallback text"),
        (a_payload(blocks=[]), "0 blocks"),
        (a_payload(blocks=[a_section("x")] * 51), "51 blocks"),
        (a_payload(blocks=[a_section("x" * 3_001)]), "3001"),
        (a_payload(blocks=[a_section("x" * 2_900)] * 5), "characters in all"),
        (a_payload(blocks=[a_section("<!here> all")]), "no link"),
        (a_payload(blocks=[a_section("a < b")]), "not escaped"),
        (a_payload(blocks=[a_section("AT&T")]), "not escaped"),
        (a_payload(blocks=[{"type": "video"}]), "a block of type video"),
        (a_payload(thread_ts="1"), "other fields"),
    ],
)
def test_a_slack_message_that_is_spoilt_is_found_out(payload: dict[str, Any], told: str) -> None:
    assert slack_faults(a_payload()) == []
    assert any(told in fault for fault in slack_faults(payload))
