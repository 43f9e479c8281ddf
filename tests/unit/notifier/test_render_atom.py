from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from services.notifier.digest import Digest
from services.notifier.render.atom import feed
from tests.unit.notifier.digests import a_digest, a_full_digest, a_label, a_notice, an_entry

ATOM = "{http://www.w3.org/2005/Atom}"
URL = "https://c.example/feeds/car.atom"


def read(*digests: Digest, title: str = "CAR in autoimmunity") -> ET.Element:
    return ET.fromstring(feed(digests, URL, title))  # noqa: S314 - made by us just now


def told(element: ET.Element, name: str) -> str:
    return element.findtext(f"{ATOM}{name}") or ""


def test_a_feed_has_what_rfc_4287_asks_for() -> None:
    root = read(a_full_digest())

    assert root.tag == f"{ATOM}feed"
    assert told(root, "id") == "tag:c.example,2026:feed:feeds/car.atom"
    assert told(root, "title") == "CAR in autoimmunity"
    assert told(root, "updated") == "2026-09-14T05:00:03Z"
    link = root.find(f"{ATOM}link")
    assert link is not None
    assert (link.get("rel"), link.get("href")) == ("self", URL)
    for entry in root.iter(f"{ATOM}entry"):
        for name in ("id", "title", "updated", "content"):
            assert told(entry, name)
        assert entry.find(f"{ATOM}link[@rel='alternate']") is not None


def test_every_article_and_every_notice_is_one_entry() -> None:
    ids = [told(entry, "id") for entry in read(a_full_digest()).iter(f"{ATOM}entry")]

    assert ids == [
        "tag:c.example,2026:car:99:retracted",
        "tag:c.example,2026:car:40000001",
        "tag:c.example,2026:car:40000002",
        "tag:c.example,2026:car:40000003",
        "tag:c.example,2026:car:40000004",
    ]


def test_an_article_of_two_digests_is_one_entry_that_was_updated() -> None:
    first = a_digest(an_entry(1, a_label(), title="Old"), an_entry(2, a_label()))
    later = a_digest(
        an_entry(1, a_label(), title="New"),
        id="second",
        created_at=datetime(2026, 9, 21, 5, tzinfo=UTC),
    )

    entries = list(read(later, first).iter(f"{ATOM}entry"))

    assert [told(entry, "title") for entry in entries] == ["New", "Engineered cells in disease 2"]
    assert told(entries[0], "published") == "2026-09-14T05:00:03Z"
    assert told(entries[0], "updated") == "2026-09-21T05:00:00Z"


def test_markup_of_a_title_is_html_and_what_is_written_stays_written() -> None:
    entry = an_entry(1, a_label(), title='<b>IL-6 & "x"</b><script>')

    title = read(a_digest(entry)).find(f"{ATOM}entry/{ATOM}title")

    assert title is not None
    assert title.get("type") == "html"
    assert title.text == "&lt;b&gt;IL-6 &amp; &#34;x&#34;&lt;/b&gt;&lt;script&gt;"
    assert told(read(a_full_digest()).findall(f"{ATOM}entry")[1], "title") == (
        "CD19 CAR T cells &amp; CD4<sup>+</sup> memory in &lt;lupus&gt;"
    )


def test_the_content_shows_words_labels_and_reason() -> None:
    content = told(read(a_full_digest()).findall(f"{ATOM}entry")[1], "content")

    assert (
        "We gave <mark>CD19 CAR-T</mark> cells to five people with <mark>lupus</mark>." in content
    )
    assert "Labels: CD19 CAR-T; Systemic lupus erythematosus; Trial" in content
    assert "Why: cites the seed; similar, rank 12 of 140" in content
    assert '<a href="https://clinicaltrials.gov/study/NCT01234567">NCT01234567</a>' in content


def test_labels_are_categories() -> None:
    entry = read(a_digest(an_entry(1, a_label(), a_label("sle", "disease")))).find(f"{ATOM}entry")

    assert entry is not None
    assert [(c.get("scheme"), c.get("term")) for c in entry.iter(f"{ATOM}category")] == [
        ("tag:c.example,2026:modality", "cd19-car-t"),
        ("tag:c.example,2026:disease", "sle"),
    ]


def test_what_had_no_room_in_a_mail_is_in_the_feed() -> None:
    root = read(a_digest(*(an_entry(n, a_label()) for n in range(1, 6)), max_items=1))

    assert len(list(root.iter(f"{ATOM}entry"))) == 5


@pytest.mark.parametrize("sign", ["\x00", "\x0b", "\x1f", "\ufffe", "\ud800"])
def test_signs_that_xml_cannot_hold_do_not_break_it(sign: str) -> None:
    label = a_label(f"new{sign}label", "disease")
    root = read(a_digest(an_entry(1, a_label(), label)), title=f"a{sign}b")

    assert told(root, "title") == "a b"


def test_an_empty_feed_is_a_feed() -> None:
    root = read()

    assert told(root, "updated") == "1970-01-01T00:00:00Z"
    assert root.find(f"{ATOM}entry") is None


def test_a_notice_names_its_paper_and_links_its_source() -> None:
    entry = read(a_digest(notices=(a_notice(),))).find(f"{ATOM}entry")

    assert entry is not None
    assert told(entry, "title") == "Retracted: A paper that did not last"
    assert '<a href="https://pubmed.ncbi.nlm.nih.gov/100/">' in told(entry, "content")


def test_the_same_digests_give_the_same_bytes() -> None:
    digest = a_full_digest()
    stored = Digest.model_validate_json(digest.model_dump_json())

    assert feed([digest], URL, "t") == feed([stored], URL, "t")
