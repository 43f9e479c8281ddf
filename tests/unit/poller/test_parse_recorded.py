"""Our reading of real records against one derived by XPath (not checked by hand)."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from services.poller.parse import parse_records
from shared.article import Article, Author

RECORDED = Path(__file__).parents[4] / "shared" / "eutils"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="../shared/eutils is not here")


def expectations() -> list[dict[str, Any]]:
    path = RECORDED / "expected.json"
    expected: list[dict[str, Any]] = json.loads(path.read_bytes()) if path.exists() else []
    return expected


def read(expected: dict[str, Any]) -> Article:
    parsed = parse_records((RECORDED / expected["file"]).read_bytes())
    assert not parsed.refused
    (article,) = parsed.articles
    return article


def line(text: str | None) -> str:
    return " ".join((text or "").split())


def name(author: Author) -> str:
    return line(", ".join(filter(None, (author.last_name, author.fore_name))))


@pytest.mark.parametrize("expected", expectations(), ids=lambda e: e["file"])
def test_a_real_record_reads_as_expected(expected: dict[str, Any]) -> None:
    article = read(expected)

    assert str(article.pmid) == expected["pmid"]
    assert str(article.version) == expected["version"]
    assert article.title == line(expected["title"])
    assert line(article.vernacular_title) == line(expected["vernacular_title"])
    if expected["root"] != "PubmedBookArticle":  # there we keep the book's title, for display
        assert article.journal.title == line(expected["journal"])
    assert list(article.languages) == expected["languages"]
    assert list(article.publication_types) == expected["publication_types"]
    assert len(article.mesh) == expected["mesh_count"]
    assert list(article.keywords) == list(dict.fromkeys(map(line, expected["keywords"])))
    corrections = [[c.ref_type, c.pmid and str(c.pmid), c.source] for c in article.corrections]
    assert corrections == [
        [kind, pmid, line(source) or None]
        for kind, pmid, source in expected["comments_corrections"]
    ]


@pytest.mark.parametrize("expected", expectations(), ids=lambda e: e["file"])
def test_a_real_abstract_is_read_whole(expected: dict[str, Any]) -> None:
    own = [part for part in expected["abstract"] if line(part["text"])]
    wanted = own or expected["other_abstracts"][:1]

    read_parts = [(part.label, part.text) for part in read(expected).abstract]
    assert read_parts == [(part.get("label"), line(part["text"])) for part in wanted]


@pytest.mark.parametrize("expected", expectations(), ids=lambda e: e["file"])
def test_real_authors_are_read_without_those_marked_wrong(expected: dict[str, Any]) -> None:
    article = read(expected)

    assert len(article.authors) == expected["authors_count"] - expected["invalid_authors"]
    collectives = [a.collective_name for a in article.authors if a.collective_name]
    assert collectives == [line(text) for text in expected["collectives"]]


@pytest.mark.parametrize("expected", expectations(), ids=lambda e: e["file"])
def test_the_doi_is_the_articles_own(expected: dict[str, Any]) -> None:
    own = [text for kind, text in expected["own_ids"] if kind == "doi" and line(text)]
    located = [
        text for kind, valid, text in expected["elocation"] if kind == "doi" and valid != "N"
    ]
    wanted = (own or located or [None])[0]

    assert read(expected).doi == wanted


@pytest.mark.parametrize("expected", expectations(), ids=lambda e: e["file"])
def test_a_date_is_no_more_precise_than_printed(expected: dict[str, Any]) -> None:
    published, printed = read(expected).published, expected["pubdate"]

    assert (published.month is not None) == ("Month" in printed)
    assert (published.day is not None) == ("Day" in printed)
    if "Year" in printed:
        assert published.year == int(printed["Year"])
    assert (published.text is not None) == ("MedlineDate" in printed or "Season" in printed)


@pytest.mark.parametrize("expected", expectations(), ids=lambda e: e["file"])
def test_the_day_of_entry_is_that_of_the_history(expected: dict[str, Any]) -> None:
    entered = read(expected).entered_at
    wanted = expected["history"].get("entrez")

    assert (entered and f"{entered:%Y-%m-%d}") == (wanted and day(wanted))


def day(text: str) -> str:
    year, month, number = map(int, text.split("-"))
    return f"{year:04}-{month:02}-{number:02}"


@pytest.mark.parametrize("path", sorted(RECORDED.glob("files/*.gz")), ids=lambda p: p.name)
def test_whole_files_are_read_without_a_refusal(path: Path) -> None:
    parsed = parse_records(gzip.decompress(path.read_bytes()))

    assert parsed.articles
    assert not parsed.refused
