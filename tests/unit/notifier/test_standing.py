"""One table says what a status means to a reader; everything that is told is taken from it."""

from typing import get_args

import pytest

from services.notifier.render import atom, html, slack, text, words
from services.notifier.standing import GRAVITY, STANDINGS, NoticeKind, is_gone, of_kind
from services.notifier.subject import subject
from shared.article import Status
from tests.builders import an_article
from tests.unit.notifier.digests import a_digest, a_notice

FEED = "https://c.example/feed.atom"


def forms(kind: str) -> dict[str, str]:
    """A digest with one notice of this kind, in every form."""
    digest = a_digest(notices=(a_notice(kind=kind, notice_pmid=None, notice_source=None),))
    return {
        "html": html.render(digest),
        "text": text.render(digest),
        "slack": str(slack.payloads(digest)),
        "atom": atom.feed([digest], FEED, "Feed").decode(),
    }


def test_every_status_but_published_has_its_words() -> None:
    assert set(Status) - STANDINGS.keys() == {Status.PUBLISHED}
    assert set(GRAVITY) == set(get_args(NoticeKind))
    assert [of_kind(kind).kind for kind in GRAVITY] == list(GRAVITY)


@pytest.mark.parametrize("status", [Status.RETRACTED, Status.WITHDRAWN, Status.DELETED])
def test_what_does_not_stand_is_gone_and_grave(status: Status) -> None:
    assert is_gone(an_article(status=status))
    notice = a_notice(kind=STANDINGS[status].kind)
    assert words.notice_paint(notice) == "notice"


@pytest.mark.parametrize("status", [Status.CONCERN, Status.CORRECTED, Status.UPDATED])
def test_what_still_stands_is_news_and_mild(status: Status) -> None:
    assert not is_gone(an_article(status=status))
    assert words.notice_paint(a_notice(kind=STANDINGS[status].kind)) == "warning"


def test_a_retracted_type_counts_whatever_the_status_says() -> None:
    assert is_gone(an_article(publication_types=("Retracted Publication",)))
    assert not is_gone(an_article())


@pytest.mark.parametrize("form", ["html", "text", "slack", "atom"])
@pytest.mark.parametrize(
    ("kind", "lead"),
    [("updated", "Updated"), ("deleted", "PubMed has taken this record out")],
)
def test_a_notice_is_led_by_what_happened_in_every_form(kind: str, lead: str, form: str) -> None:
    assert f"{lead}:" in forms(kind)[form].replace("\n", " ")


@pytest.mark.parametrize("form", ["html", "text", "slack", "atom"])
def test_no_link_is_promised_to_a_record_that_pubmed_has_taken_out(form: str) -> None:
    there, gone = forms("updated")[form], forms("deleted")[form]

    assert words.pubmed(99) in there
    assert words.pubmed(99) not in gone
    assert "99" in gone


def test_the_subject_names_the_gravest_first() -> None:
    notices = tuple(a_notice(pmid=n, kind=kind) for n, kind in enumerate(reversed(GRAVITY), 1))

    told = subject(a_digest(notices=notices, topic_title="CAR"))

    named = "1 retraction, 1 withdrawal, 1 deletion, 1 concern, 1 correction, 1 update"
    assert told == f"Notice on CAR: {named}"
