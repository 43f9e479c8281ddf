"""Documents as streams: of any size, broken off, built oddly, or hostile."""

import gzip
import io
from pathlib import Path

import pytest

from services.poller.parse import Deleted, Refused, open_records, read_stream, unpacked
from services.poller.stretches import ENOUGH
from shared.article import Article
from tests.unit.poller.fakes import article_set, record

MANY = 400
"""Records that fill more than one stretch."""

LONG = "A long title. " * 40


def read(xml: bytes) -> list[Article | Refused | Deleted]:
    return list(read_stream(io.BytesIO(xml)))


def pmids(results: list[Article | Refused | Deleted]) -> list[int]:
    return [one.pmid for one in results if isinstance(one, Article)]


def the_refusal(results: list[Article | Refused | Deleted]) -> Refused:
    (refused,) = [one for one in results if isinstance(one, Refused)]
    return refused


def many(*more: str) -> bytes:
    return article_set(*(record(number, LONG) for number in range(1, MANY + 1)), *more)


def test_a_document_of_several_stretches_is_read_in_its_order() -> None:
    deleted = "<DeleteCitation><PMID>7</PMID><PMID>8</PMID></DeleteCitation>"

    assert len(many()) > 3 * ENOUGH
    results = read(many(deleted))
    assert pmids(results) == list(range(1, MANY + 1))
    assert results[-1] == Deleted((7, 8))


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_is_known_by_its_bytes_not_its_name(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "records.txt"
    path.write_bytes(gzip.compress(many()) if packed else many())

    with open_records(path) as source:
        assert len(pmids(list(read_stream(source)))) == MANY


@pytest.mark.parametrize("packed", [True, False])
def test_a_stream_is_known_by_its_bytes(packed: bool) -> None:
    source = unpacked(io.BytesIO(gzip.compress(many()) if packed else many()))

    assert len(pmids(list(read_stream(source)))) == MANY


@pytest.mark.parametrize("left", [0.1, 0.5, 0.999])
def test_a_document_that_breaks_off_yields_what_was_whole_and_says_where(left: float) -> None:
    xml = many()
    kept = xml[: int(len(xml) * left)]
    whole = kept.count(b"</PubmedArticle>")

    results = read(kept)

    assert pmids(results) == list(range(1, whole + 1))
    refused = the_refusal(results)
    assert refused.pmid is None
    past = kept.rindex(b"</PubmedArticle>") + len(b"</PubmedArticle>")
    assert f"breaks off after {whole} records, past byte {past}: " in refused.reason
    assert refused.raw == kept[past:]


def test_a_packed_file_that_breaks_off_yields_what_was_whole() -> None:
    packed = gzip.compress(many(), compresslevel=0)
    results = list(read_stream(unpacked(io.BytesIO(packed[: len(packed) // 2]))))

    assert len(pmids(results)) > MANY // 2 - 40
    assert "ended before the end-of-stream marker" in the_refusal(results).reason


def test_a_packed_file_with_a_wrong_checksum_is_read_and_refused() -> None:
    packed = bytearray(gzip.compress(many()))
    packed[-8:-4] = b"\0\0\0\0"

    results = list(read_stream(unpacked(io.BytesIO(packed))))

    assert len(pmids(results)) == MANY
    assert "CRC check failed" in the_refusal(results).reason


def test_a_record_that_is_not_well_formed_stays_alone_in_a_large_file() -> None:
    broken = record(0, "<i>x").replace("</i>", "")

    results = read(many(broken, record(999)))

    assert pmids(results) == [*range(1, MANY + 1), 999]
    assert "not well-formed" in the_refusal(results).reason


@pytest.mark.parametrize(
    "odd",
    [
        "<!-- <PubmedArticle><MedlineCitation/></PubmedArticle> -->",
        "<?note </PubmedArticle> ?>",
        "<Other><![CDATA[</PubmedArticle>]]></Other>",
    ],
)
def test_the_end_of_a_record_where_it_is_none_deceives_nobody(odd: str) -> None:
    records = [record(number, LONG) for number in range(1, MANY)]
    xml = article_set(*records[:100], odd * 1000, *records[100:])

    assert pmids(read(xml)) == list(range(1, MANY))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),  # a record alone
        ("<Answer><PubmedArticleSet>", "</PubmedArticleSet></Answer>"),
        ("<MedlineCitationSet>", "</MedlineCitationSet>"),
        ('<?xml version="1.0" encoding="UTF-16"?><PubmedArticleSet>', "</PubmedArticleSet>"),
    ],
)
def test_documents_that_are_built_unusually_are_read_too(before: str, after: str) -> None:
    encoding = "utf-16" if "UTF-16" in before else "utf-8"
    xml = f"{before}{record(7, 'Ünusual')}{after}".encode(encoding)

    (article,) = read(xml)

    assert isinstance(article, Article)
    assert (article.pmid, article.title) == (7, "Ünusual")


def test_the_encoding_of_the_document_holds_for_every_stretch() -> None:
    xml = '<?xml version="1.0" encoding="ISO-8859-1"?>' + many(record(999, "Ü")).decode()

    last = read(xml.encode("latin-1"))[-1]

    assert isinstance(last, Article)
    assert last.title == "Ü"


def test_citations_without_the_rest_are_records() -> None:
    citations = "".join(
        f"<MedlineCitation><PMID>{number}</PMID><Article><ArticleTitle>{LONG}</ArticleTitle>"
        "</Article></MedlineCitation>"
        for number in range(1, MANY)
    )

    results = read(f"<MedlineCitationSet>{citations}</MedlineCitationSet>".encode())

    assert pmids(results) == list(range(1, MANY))


def test_an_answer_without_records_holds_nothing() -> None:
    assert read(b"<PubmedArticleSet></PubmedArticleSet>") == []
    assert read(b"<eFetchResult><ERROR>no</ERROR></eFetchResult>") == []


@pytest.mark.parametrize("junk", [b"", b"PMID- 7", b"{}"])
def test_what_is_no_xml_is_refused(junk: bytes) -> None:
    assert "no PubMed XML" in the_refusal(read(junk)).reason
