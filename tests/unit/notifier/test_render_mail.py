import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from services.notifier.digest import Digest, Series, Trend
from services.notifier.render import html, text
from services.notifier.render.links import Links
from services.notifier.render.mail import Envelope, message_id, written
from services.notifier.render.picture import png
from shared.errors import Permanent
from tests.unit.notifier.digests import a_digest, a_full_digest, a_label, an_entry


def an_envelope(
    *,
    sender: str = "Carillon <news@c.example>",
    recipient: str = "reader@x.example",
    list_id: str = "car.c.example",
    host: str = "c.example",
    leave: str | None = "https://c.example/leave/abc",
) -> Envelope:
    return Envelope(sender, recipient, list_id, host, Links(leave=leave))


def read(raw: bytes) -> EmailMessage:
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def sent(digest: Digest, envelope: Envelope) -> EmailMessage:
    """The message as the other side reads it."""
    return read(written(digest, envelope).content)


def test_the_headers_are_those_of_a_list_that_can_be_left() -> None:
    mail = sent(a_full_digest(), an_envelope())

    assert {name: str(mail[name]) for name in mail if not name.startswith(("MIME", "Content"))} == {
        "Subject": "4 new on CAR in autoimmunity: 1 CD19 CAR-T, 1 CAAR-T, 1 CAR-NK, 1 other, "
        "1 retraction",
        "From": "Carillon <news@c.example>",
        "To": "reader@x.example",
        "Date": "Mon, 14 Sep 2026 05:00:03 +0000",
        "Message-ID": "<7c3f2a9e-0000-5000-8000-000000000001@c.example>",
        "List-Id": "<car.c.example>",
        "List-Unsubscribe": "<https://c.example/leave/abc>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }


def test_text_comes_first_and_html_is_its_alternative() -> None:
    digest = a_full_digest()

    plain, page = sent(digest, an_envelope()).iter_parts()

    assert plain.get_content_type() == "text/plain"
    assert page.get_content_type() == "text/html"
    links = an_envelope().links
    assert plain.get_content().replace("\r\n", "\n") == text.render(digest, links)
    assert page.get_content().replace("\r\n", "\n").rstrip() == html.render(digest, links).rstrip()


def test_both_parts_hold_the_same_articles_when_not_all_fit() -> None:
    entries = (an_entry(n, a_label(), doi="10.1/" + "x" * 900) for n in range(1, 101))

    plain, page = sent(a_digest(*entries), an_envelope()).iter_parts()

    more = re.search(r"\d+ more", plain.get_content())
    assert more
    assert more.group() in page.get_content()


def test_the_same_digest_gives_the_same_bytes() -> None:
    digest = a_full_digest()
    stored = Digest.model_validate_json(digest.model_dump_json())

    one, two = (written(d, an_envelope()).content for d in (digest, stored))

    assert one == two


def test_the_message_id_is_that_of_the_digest_whoever_asks() -> None:
    digest = a_full_digest()

    mail = written(digest, an_envelope(recipient="other@y.example", leave=None))

    assert mail.message_id == message_id(digest, "c.example")


def test_lines_stay_below_998_octets_and_the_list_headers_are_never_encoded() -> None:
    url = "https://c.example/leave/" + "t" * 800
    host = "a" * 60 + ".example"
    entry = an_entry(1, a_label(), title="ä" * 3000)
    envelope = an_envelope(leave=url, host=host, list_id=f"car.{host}")

    raw = written(a_digest(entry), envelope).content

    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"List-Unsubscribe: <" + url.encode() + b">\r\n" in raw
    assert f"List-Id: <car.{host}>\r\n".encode() in raw
    assert f"Message-ID: <7c3f2a9e-0000-5000-8000-000000000001@{host}>\r\n".encode() in raw


def test_one_click_is_promised_only_over_https() -> None:
    url = "http://localhost:8080/leave/abc"

    mail = sent(a_full_digest(), an_envelope(leave=url))

    assert mail["List-Unsubscribe"] == f"<{url}>"
    assert "List-Unsubscribe-Post" not in mail


def test_without_pages_no_way_out_is_promised() -> None:
    mail = sent(a_full_digest(), an_envelope(leave=None))

    assert "List-Unsubscribe" not in mail
    assert "List-Unsubscribe-Post" not in mail


def test_a_topic_cannot_add_a_header() -> None:
    mail = sent(a_digest(topic_title="x\r\nBcc: thief@x.example"), an_envelope())

    assert "Bcc" not in mail
    assert mail["Subject"].startswith("Nothing new on x Bcc: thief@x.example")


@pytest.mark.parametrize("role", ["sender", "recipient"])
@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example, c@d.example",
        "a@b.example, c",
        "ä@b.example",
        "a b@c.example",
        "a@",
        "a@b..example",
    ],
)
def test_what_is_not_one_address_is_refused_without_being_told(role: str, address: str) -> None:
    envelope = an_envelope(sender=address) if role == "sender" else an_envelope(recipient=address)

    with pytest.raises(Permanent, match=f"the {role} is not one e-mail address") as fault:
        written(a_full_digest(), envelope)

    assert "b.example" not in str(fault.value)


@pytest.mark.parametrize(
    "url", ["javascript:x()", "https://", "https://a.example/ b", "https://a.example/\r\nX: y",
            'https://a.example/">', "https://ä.example/", "https://a.example/" + "x" * 1000, ""]
)  # fmt: skip
def test_an_unsubscribe_address_that_no_header_can_carry_is_refused(url: str) -> None:
    with pytest.raises(Permanent, match="unsubscribe URL"):
        written(a_full_digest(), an_envelope(leave=url))


@pytest.mark.parametrize(
    ("envelope", "what"),
    [
        (an_envelope(host="c.example>\r\nX: y"), "host"),
        (an_envelope(list_id="a list"), "list id"),
        (an_envelope(list_id="nodot"), "list id"),
        (an_envelope(host="x" * 300), "host"),
    ],
)
def test_an_id_that_no_header_can_carry_is_refused(envelope: Envelope, what: str) -> None:
    with pytest.raises(Permanent, match=f"the {what} "):
        written(a_full_digest(), envelope)


def test_a_digest_id_that_no_header_can_carry_is_refused() -> None:
    with pytest.raises(Permanent, match="message id"):
        written(a_digest(id="a b"), an_envelope())


TREND = Trend(
    months=("2026-08", "2026-09"),
    series=(Series(modality="caar-t", name="CAAR-T", counts=(1, 2)),),
)


def test_the_picture_comes_with_the_html_and_the_page_names_it() -> None:
    mail = sent(a_full_digest().model_copy(update={"trend": TREND}), an_envelope())

    plain, related = mail.iter_parts()
    page, image = related.iter_parts()
    assert plain.get_content_type() == "text/plain"
    assert related.get_content_type() == "multipart/related"
    assert related.get_param("type") == "text/html"
    assert image.get_content() == png(TREND)
    assert f'src="cid:{image["Content-ID"].strip("<>")}"' in page.get_content()


def test_a_reader_is_led_to_the_web_the_settings_and_to_say_what_is_wrong() -> None:
    links = Links("https://c.example/l", "https://c.example/m?a=1&b=2", "https://c.example/d/x")
    envelope = Envelope("n@c.example", "r@x.example", "car.c.example", "c.example", links)

    mail = sent(a_full_digest(), envelope)

    plain, page = (part.get_content() for part in mail.iter_parts())
    for told in (plain, page.replace("&amp;", "&")):
        assert told.count("https://c.example/m?a=1&b=2") == 2
        for item in a_full_digest().items:
            assert told.count(f"https://c.example/d/x/feedback/{item.pmid}") == 1


def test_the_message_the_standard_library_makes_of_it_says_the_same() -> None:
    """Ours is written by hand: theirs, of the same parts and headers, is read alike."""
    ours = sent(a_full_digest(), an_envelope())
    theirs = EmailMessage(policy=default)
    for name in ours:
        if not name.startswith(("MIME", "Content")):
            theirs[name] = str(ours[name])
    plain, page = ours.iter_parts()
    theirs.set_content(plain.get_content(), cte="quoted-printable")
    theirs.add_alternative(page.get_content(), subtype="html", cte="quoted-printable")

    assert meant(read(theirs.as_bytes())) == meant(ours)


def meant(mail: EmailMessage) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Headers and parts, whatever the boundary and the line ends."""
    headers = {name: str(value) for name, value in mail.items() if name != "Content-Type"}
    parts = [(part.get_content_type(), part.get_content()) for part in mail.iter_parts()]
    return headers, [(kind, content.replace("\r\n", "\n")) for kind, content in parts]
