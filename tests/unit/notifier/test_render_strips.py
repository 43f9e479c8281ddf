"""Pieces that are encoded once mean together what the whole means, in any order."""

import quopri
from email import message_from_bytes
from email.policy import default

from hypothesis import given
from hypothesis import strategies as some

from services.notifier.item import clean
from services.notifier.render.lines import subject_line
from services.notifier.render.strips import size_of, strip, text_of, wire_of

TEXT = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=200)


@given(some.lists(TEXT, max_size=6))
def test_pieces_in_quoted_printable_mean_the_whole(texts: list[str]) -> None:
    strips = [*map(strip, texts), strip("\n")]
    whole = "".join([*texts, "\n"])

    assert quopri.decodestring(wire_of(strips)).decode().replace("\r\n", "\n") == whole
    assert text_of(strips) == whole
    assert size_of(strips) == len(whole.encode())


@given(some.lists(TEXT, max_size=6))
def test_their_lines_are_short_seven_bits_and_end_in_crlf(texts: list[str]) -> None:
    wire = wire_of([*map(strip, texts), strip("\n")])

    assert wire.isascii()
    assert wire.endswith(b"\r\n")
    for line in wire.split(b"\r\n"):
        assert len(line) <= 76
        assert b"\n" not in line
        assert b"\r" not in line
        assert not line.endswith((b" ", b"\t"))


def test_half_a_character_does_not_stop_a_mail() -> None:
    made = strip("half \ud800 sign\n")

    assert made.text == "half ? sign\n"
    assert made.wire == b"half ? sign\r\n"


@given(some.text(some.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=90))
def test_a_subject_is_read_as_it_was_meant(text: str) -> None:
    raw = subject_line(text)
    read = message_from_bytes(raw + b"\r\n", policy=default)["Subject"]

    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    assert all(len(line) <= 78 for line in raw.split(b"\r\n")) or " " not in text
    assert str(read) == clean(text)


def test_a_long_subject_beyond_ascii_gains_no_space_where_it_is_folded() -> None:
    text = (
        "Catch-up: 12 new on . begins with a dot: 5 Notices in the literatu…, 7 other, 1 retraction"
    )

    read = message_from_bytes(subject_line(text) + b"\r\n", policy=default)["Subject"]

    assert str(read) == text
