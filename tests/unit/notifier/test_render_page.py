"""The HTML and text parts: equal content, notices first, within Gmail's limit."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from services.notifier.digest import Digest
from services.notifier.render import coverage, html, text, words
from services.notifier.render.environment import WIDTH
from services.notifier.render.links import Links
from tests.unit.notifier.digests import (
    a_coverage,
    a_digest,
    a_full_digest,
    a_label,
    a_notice,
    an_entry,
)

VOID = {"meta", "br", "hr", "img", "link"}
LEAVE = "https://c.example/leave/abc"
LINKS = Links(leave=LEAVE)
NASTY = '<b>IL-6 & "x"</b><script>alert(1)</script>'


class Reading(HTMLParser):
    """What a reader sees, the addresses linked, and whether every tag was closed in turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.tables: list[dict[str, str | None]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(tag)
        if tag == "table":
            self.tables.append(dict(attrs))
        self.links += [value for name, value in attrs if name == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.words.append(data)

    @property
    def seen(self) -> str:
        return flat("".join(self.words))


def flat(told: str) -> str:
    return " ".join(told.split())


def many(number: int) -> Digest:
    sentence = "CD19 CAR-T cells " + "were given to people with a disease " * 12
    return a_digest(
        *(
            an_entry(n, a_label(sentence=sentence, matched="CD19"), relatedness=n / 1000)
            for n in range(1, number + 1)
        ),
        notices=(a_notice(pmid=900),),
    )


def test_text_and_html_say_the_same_of_every_article() -> None:
    digest = a_full_digest()
    pages = Reading(html.render(digest, LINKS)).seen, flat(text.render(digest, LINKS))

    headings = {item.pmid: group.modality for group in digest.groups for item in group.items}
    for item in digest.items:
        labels = [chip.text for chip in words.chips(item, headings.get(item.pmid, ""))]
        facts = (item.title, item.authors_line, item.journal_line, item.why, str(item.pmid))
        for told in (*facts, *labels, words.quote_lead(item)):
            assert all(flat(told) in page for page in pages)


def test_text_and_html_link_to_the_same_places() -> None:
    digest = a_full_digest()

    linked = set(Reading(html.render(digest, LINKS)).links)
    printed = set(re.findall(r"https://\S+", text.render(digest, LINKS)))

    assert linked == printed
    assert "https://doi.org/10.1002/(SICI)1097-4652%3C1::AID%3E3.0.CO;2-%23" in linked
    assert "https://clinicaltrials.gov/study/NCT01234567" in linked
    assert "https://pmc.ncbi.nlm.nih.gov/articles/PMC1234567/" in linked


def test_every_line_about_the_digest_itself_is_in_both() -> None:
    unwell = a_coverage(healthy=False, unhealthy_since=a_coverage().checked_from, in_processing=1)
    digest = a_digest(
        an_entry(1, a_label()),
        an_entry(2, a_label(), status="retracted"),
        coverage=unwell.model_copy(update={"legs": ("cited-by: 2 of 2",)}),
        notices=(a_notice(),),
    )
    pages = Reading(html.render(digest)).seen, flat(text.render(digest))

    notice = digest.notices[0]
    for told in (
        words.headline(digest),
        *coverage.banner(digest),
        *coverage.lines(digest),
        words.notice_sent(notice),
        words.HOW_TO_LEAVE,
    ):
        assert told
        assert all(told in page for page in pages)


def test_the_evidence_is_marked_in_both() -> None:
    digest = a_full_digest()

    assert re.search(r'<span class="mark"[^>]*>CD19 CAR-T</span>', html.render(digest))
    assert "We gave *CD19 CAR-T* cells to five people with *lupus*." in text.render(digest)


def test_notices_stand_before_any_article() -> None:
    digest = a_full_digest()

    for page in (Reading(html.render(digest)).seen, flat(text.render(digest))):
        assert page.index("Retracted: A paper that did not last") < page.index(
            digest.shown[0].title
        )


def test_a_retracted_paper_is_nowhere_as_an_article() -> None:
    digest = a_digest(an_entry(1, a_label(), title="Gone", status="retracted"))

    assert "Gone" not in html.render(digest) + text.render(digest)
    assert "1 retracted or withdrawn paper left out." in text.render(digest)


def test_markup_in_a_plain_title_is_shown_as_it_is_written() -> None:
    page = html.render(a_digest(an_entry(1, a_label(), title=NASTY)))

    assert "&lt;b&gt;IL-6 &amp; &#34;x&#34;&lt;/b&gt;&lt;script&gt;" in page
    assert NASTY in Reading(page).seen


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (NASTY, '<b>IL-6 &amp; "x"</b>'),
        ('<i onclick="x()">in vivo</i>', "<i>in vivo</i>"),
        ("CD4<sup>+</sup> H<sub>2</sub>", "CD4<sup>+</sup> H<sub>2</sub>"),
        ('<a href="https://evil.example">x</a>', "x"),
        ("<i>left open", "<i>left open</i>"),
        ("<script>x</script>", "Plain &lt;title&gt;"),
    ],
)
def test_title_markup_keeps_only_what_pubmed_uses(given: str, kept: str) -> None:
    digest = a_digest(an_entry(1, a_label(), title="Plain <title>", title_html=given))

    assert f">{kept}</a></h3>" in html.render(digest)


@pytest.mark.parametrize(
    "digest",
    [a_full_digest(), a_digest(), many(400), a_digest(an_entry(1, a_label(), title_html=NASTY))],
    ids=["full", "empty", "large", "nasty"],
)
def test_html_is_well_formed_with_a_language_and_headings_in_order(digest: Digest) -> None:
    page = html.render(digest, LINKS)
    reading = Reading(page)

    assert reading.open == []
    assert '<html lang="en">' in page
    assert reading.headings[0] == "h1"
    assert reading.headings.count("h1") == 1
    levels = [int(heading[1]) for heading in reading.headings]
    assert all(lower - upper <= 1 for upper, lower in pairwise(levels))


def test_layout_is_by_tables_that_say_so_and_by_nothing_that_word_cannot_draw() -> None:
    page = html.render(a_full_digest())
    bare = [table for table in Reading(page).tables if table.get("role") != "presentation"]

    assert len(bare) == 1, "only the counts by modality are a table of data"
    assert not re.search(
        r"display:\s*(flex|grid)|position:|float:|<div(?! style=.display:none)", page
    )
    assert "<img" not in page


def test_400_articles_stay_below_100_kb_and_none_is_lost() -> None:
    digest = many(400)

    page, plain = html.render(digest, LINKS), text.render(digest, LINKS)

    assert 80_000 < len(page.encode()) <= html.LIMIT
    for told in (page, plain):
        assert {f"/{pmid}/" in told for pmid in range(1, 401)} == {True}
    shown = html.fitted(digest, LINKS).digest
    assert shown.total == 400
    assert [item.pmid for item in shown.shown] == list(range(400, 400 - len(shown.shown), -1))
    assert f"{400 - len(shown.shown)} more" in Reading(page).seen
    assert all(shown.beyond[0].title not in told for told in (page, plain))


def test_what_is_not_even_linked_is_counted() -> None:
    page = text.render(a_digest(*(an_entry(n, a_label()) for n in range(1, 701)), max_items=10))

    assert "690 more" in page
    assert "and 190 more not listed here" in page


def test_the_way_out_is_at_the_top_and_at_the_bottom() -> None:
    page = html.render(a_full_digest(), LINKS)
    plain = text.render(a_full_digest(), LINKS)

    for told in (page, plain):
        assert told.count(LEAVE) == 2
        assert told.index(LEAVE) < told.index("A paper that did not last")


def test_without_an_address_to_leave_at_it_says_how_else() -> None:
    digest = a_full_digest()

    assert words.HOW_TO_LEAVE in html.render(digest)
    assert "Leave this list" not in html.render(digest) + text.render(digest)


def test_nothing_new_says_what_was_checked() -> None:
    digest = a_digest()

    for page in (Reading(html.render(digest)).seen, flat(text.render(digest))):
        assert "Nothing new, and here is what was checked (7 to 14 September 2026)" in page
        assert "Checked 2026-09-07 to 2026-09-14: 14 polls, PubMed counted 31, we hold 31." in page


def test_demo_records_are_said_to_be_in_our_words() -> None:
    page = flat(text.render(a_full_digest()))

    assert (
        "Demo records (1 of 4 articles): summaries in Carillon's own words, "
        "not the authors' abstracts."
    ) in page
    assert "In Carillon's own summary: The cells were *CAR-NK* cells." in page


def test_the_same_digest_gives_the_same_bytes_also_after_it_was_stored() -> None:
    digest = many(60)
    stored = Digest.model_validate_json(digest.model_dump_json())

    assert html.render(digest, LINKS) == html.render(stored, LINKS)
    assert text.render(digest, LINKS) == text.render(stored, LINKS)


def test_text_keeps_to_its_width_except_for_addresses() -> None:
    plain = text.render(many(30), LINKS)

    assert all(len(line) <= WIDTH or "https://" in line for line in plain.splitlines())
    assert "\n\n\n" not in plain


def test_of_very_many_notices_the_gravest_are_in_the_mail_and_the_rest_on_its_page() -> None:
    kinds = ("corrected", "retracted")
    notices = tuple(
        a_notice(pmid=n, title=f"Paper {n} " + "word " * 60, kind=kinds[n % 2])
        for n in range(1, 301)
    )
    digest = a_digest(an_entry(1, a_label()), notices=notices)
    links = Links(LEAVE, None, "https://c.example/d/x")

    shown, _ = html.fitted(digest, links)
    page, plain = html.render(digest, links), text.render(digest, links)

    assert len(page.encode()) <= html.LIMIT
    assert 80 < len(shown.notices) < 130
    assert {one.kind for one in shown.notices} == {"retracted"}
    for told in (Reading(page).seen, flat(plain)):
        assert f"{300 - len(shown.notices)} more notices. Read them on the web" in told
        assert "1 more" in told


def test_without_a_page_no_notice_is_left_out() -> None:
    notices = tuple(a_notice(pmid=n, title="word " * 60) for n in range(1, 301))

    assert len(html.fitted(a_digest(notices=notices)).digest.notices) == 300
