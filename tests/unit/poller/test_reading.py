"""A query that PubMed did not read as it was asked: told, asked once more, and never believed."""

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller.eutils import SearchAnswer
from services.poller.legs import Cursor, without_dates
from services.poller.reading import is_doubtful, misread
from tests.unit.poller.fakes import FakePubMed, form
from tests.unit.poller.polling import DAY, announced, leg, poll, taken

WINDOW = "2026/03/15:2026/03/30[Date - Create]"
OTHERS = list(range(500, 520))


def answered(reading: str | None, *unknown: str, count: int = 5) -> SearchAnswer:
    warnings = tuple(f"QuotedPhraseNotFound: {phrase}" for phrase in unknown)
    return SearchAnswer(count, query_translation=reading, warnings=warnings)


def before(reading: str, *warnings: str) -> Cursor:
    return Cursor(DAY, "car[tiab]", reading, warnings)


@pytest.mark.parametrize("reading", [WINDOW, f"AND {WINDOW}"])
def test_a_translation_that_is_the_window_alone_has_nothing_of_the_query(reading: str) -> None:
    assert without_dates(reading) == ""
    assert misread('"systemic sclerosis"[tiab]', None, answered(reading)) is not None


@pytest.mark.parametrize(
    ("term", "unknown", "reading"),
    [
        ('"gone"[tiab]', "gone", None),
        ('"gone"[tiab]', '"gone"[tiab]', WINDOW),
        ('"car"[tiab] AND "gone"[tiab]', '"gone"[tiab]', f'"car"[Title/Abstract] AND {WINDOW}'),
        ('"gone"[tiab] AND "car"[tiab]', "gone", f'"car"[Title/Abstract] AND {WINDOW}'),
        ('("gone"[tiab]) AND ("car"[tiab] OR "cell"[tiab])', "gone", "..."),
        ('"gone"[tiab] NOT "car"[tiab]', "gone", f'"car"[Title/Abstract] AND {WINDOW}'),
        # That its letters are part of another word does not keep it.
        ('"scar"[tiab] AND "car"[tiab]', "car", f'"scar"[Title/Abstract] AND {WINDOW}'),
        ('"a b" OR ("car" AND ("gone" AND "cell"))', "gone", '"a b"[All Fields]'),
    ],
)
def test_a_part_without_which_more_is_asked_for_may_not_be_left_out(
    term: str, unknown: str, reading: str | None
) -> None:
    assert unknown in str(misread(term, None, answered(reading, unknown)))


@pytest.mark.parametrize(
    ("term", "reading"),
    [
        ('"car"[tiab] OR "gone"[tiab]', '"car"[Title/Abstract]'),
        ('("car"[tiab] OR "gone"[tiab]) AND "cell"[tiab]', "..."),
        ('"car"[tiab] NOT "gone"[tiab]', '"car"[Title/Abstract]'),
        # Its words were searched one by one: they are in the translation.
        ('"car"[tiab] AND "gone"[tiab]', '"car"[Title/Abstract] AND gone[Title/Abstract]'),
    ],
)
def test_an_unknown_synonym_is_no_fault(term: str, reading: str) -> None:
    assert misread(term, None, answered(reading, '"gone"[tiab]')) is None


def test_all_fields_instead_of_the_querys_own_are_a_fault_where_they_were_not_searched() -> None:
    everywhere = answered(f'"car"[All Fields] AND {WINDOW}')
    once = before('"car"[Title/Abstract]')

    assert misread("car[tiab]", once, everywhere) == 'it was read as "car"[All Fields]'
    assert misread("car[tiab] AND lupus", once, everywhere) is None
    assert misread("car", once, everywhere) is None
    assert misread("car[tiab]", None, everywhere) is None
    assert misread("car[tiab]", before('"car"[All Fields]'), everywhere) is None


def test_what_cannot_be_judged_is_believed() -> None:
    deep = "(" * 60 + "car" + ")" * 60

    assert misread(deep, None, answered('"car"[All Fields]', "gone")) is None
    assert misread("car[tiab]", None, answered(None)) is None


def test_a_reading_or_a_remark_that_changed_is_worth_another_question() -> None:
    once = before('"car"[Title/Abstract]', "QuotedPhraseNotFound: x")
    same = answered(f'"car"[Title/Abstract] AND {WINDOW}', "x")

    assert not is_doubtful("car[tiab] OR x", once, same)
    assert is_doubtful("car[tiab] OR x", once, answered(f'"cars"[Title/Abstract] AND {WINDOW}'))
    assert is_doubtful("car[tiab] OR x", once, answered(f'"car"[Title/Abstract] AND {WINDOW}'))
    assert not is_doubtful("car[tiab]", None, answered('"car"[Title/Abstract]'))
    assert is_doubtful("car[tiab] OR x", None, answered('"car"[Title/Abstract]', "x"))


def misreading(pubmed: FakePubMed, times: int) -> FakePubMed:
    """PubMed loses the query's words `times` times, and then names every paper of the days."""
    good, left = pubmed.answer, [times]

    def answer(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("esearch.fcgi") or not left[0]:
            return good(request)
        assert "term" in form(request)
        left[0] -= 1
        ids = "".join(f"<Id>{pmid}</Id>" for pmid in OTHERS)
        text = (
            f"<eSearchResult><Count>{len(OTHERS)}</Count><IdList>{ids}</IdList>"
            f"<QueryTranslation>{WINDOW}</QueryTranslation></eSearchResult>"
        )
        return httpx.Response(200, text=text)

    pubmed.answer = answer  # type: ignore[method-assign]
    return pubmed


async def test_a_query_that_lost_its_words_once_is_asked_again_in_the_same_poll(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    polled = await poll(engine, misreading(pubmed, times=1))

    assert polled.healthy
    assert not set(announced(await taken(engine))) & set(OTHERS)


async def test_a_query_that_stays_without_its_words_leaves_the_leg_open_and_tells_nothing_of_it(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    await poll(engine, pubmed)
    await taken(engine)
    pubmed.query.append(3)
    pubmed.records[3] = pubmed.records[2].replace(">2<", ">3<")

    lost = await poll(engine, misreading(pubmed, times=99), days=1)
    told = announced(await taken(engine))
    pubmed.answer = FakePubMed.answer.__get__(pubmed)  # type: ignore[method-assign]
    mended = await poll(engine, pubmed, days=2)

    assert leg(lost, "query").state == "open"
    assert "correct its term" in str(leg(lost, "query").error)
    assert told == []
    assert mended.healthy
    assert announced(await taken(engine)) == [3]
