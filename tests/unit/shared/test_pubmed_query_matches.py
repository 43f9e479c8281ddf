"""Whether one record is what a query asks for, without PubMed."""

from datetime import date

import pytest

from shared.errors import ConfigurationError
from shared.pubmed_query.document import Document
from shared.pubmed_query.matches import matches, read_query

TODAY = date(2026, 9, 10)
TEXTS = {
    "ti": ["CAR-T cells for Sjögren's disease"],
    "ab": ["Autoimmune disorders of the mouse, IgG4-related among them."],
    "ot": ["cell therapy"],
    "mh": ["Lupus Nephritis", "Lupus Nephritis/drug therapy", "Mice"],
    "pt": ["Journal Article", "Review"],
    "la": ["eng", "english"],
    "ta": ["Journal of Examples", "J Ex", "1234-5678"],
    "si": ["NCT01234567", "ClinicalTrials.gov/NCT01234567"],
    "doi": ["10.1000/xyz.1"],
    "au": ["Vukovic JA", "Vukovic Jelena A", "Jelena A Vukovic"],
    "uid": ["40000001"],
    "more": ["hasabstract"],
}
DAYS = {
    "crdt": ((date(2026, 9, 7), date(2026, 9, 7)),),
    "pdat": ((date(2026, 1, 1), date(2026, 12, 31)),),
}


def asks_for(query: str, *, loose: bool = False) -> bool:
    document = Document(lambda key: TEXTS.get(key, []), DAYS, loose=loose)
    return matches(read_query(query), document, TODAY)


@pytest.mark.parametrize(
    "query",
    [
        '"CAR T"[tiab]',
        "CAR-T cells[ti]",
        "sjogren*[tiab]",
        '"sjögren s"[tiab]',
        '"cell therapy"[tiab]',
        '"igg4 related"[ab]',
        "autoimmun*[tiab]",
        '"autoimm* disorders"[tiab]',
        '"Lupus Nephritis"[mh]',
        "lupus nephritis/drug therapy[MeSH Terms]",
        "review[pt] AND english[la] AND eng[la]",
        '"J Ex"[ta] AND 1234-5678[journal]',
        "NCT01234567[si]",
        "10.1000/xyz.1[doi]",
        "Vukovic[au] AND Vukovic J[au] AND Vukovic JA[au] AND Jelena A Vukovic[fau]",
        "40000001[pmid]",
        "mice disorders hasabstract",
        "autoimmune disorder",
        '"autoimmune disorders"',
        "2026/09[crdt]",
        "2026/09/07:2026/09/07[crdt]",
        '"last 3 days"[crdt]',
        "2026/03[dp]",
        "(nothing[ti] OR mouse[ab]) NOT rat[tiab]",
        "nothing[ti] AND nothing[ab] OR mouse[ab]",
    ],
)
def test_a_record_is_found(query: str) -> None:
    assert asks_for(query)


@pytest.mark.parametrize(
    "query",
    [
        '"T CAR"[tiab]',
        "cell therapy[ti]",
        "sjogren[ab]",
        '"Lupus"[mh]',
        '"Autoimmune Diseases"[mh]',
        "article[pt]",
        "Vukovic JB[au]",
        "Vuko[au]",
        "4000000[pmid]",
        "the[ti]",
        '"..."[ti] AND mouse',
        "rats",
        "nothing*",
        "2026/08[crdt]",
        "2025[dp]",
        '"last 2 days"[crdt]',
        "2026[edat]",
        "soon[crdt]",
        "mouse[ab] NOT review[pt]",
        "mouse[ab] OR nothing[ti] AND nothing[ab]",
    ],
)
def test_a_record_is_not_found(query: str) -> None:
    assert not asks_for(query)


def test_a_heading_does_not_bring_the_narrower_ones_with_it() -> None:
    assert not asks_for('"Nephritis"[mh]')


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("lupus[nosuchfield]", r"unknown field \[nosuchfield\]"),
        ('"car t cells"[tiab:~2]', r"unknown field \[tiab:~2\]"),
        ("(asthma OR copd)[tiab]", "a field behind a group"),
        ("AND", "asks for nothing"),
        ("(" * 60 + "a1" + ")" * 60, "nested deeper than 50"),
    ],
)
def test_what_pubmed_would_broaden_is_refused(query: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        read_query(query)


def test_thousands_of_synonyms_are_no_deeper_than_one() -> None:
    many = " OR ".join(f"word{number}[tiab]" for number in range(3000))
    assert asks_for(f"{many} OR mouse[ab]")
    assert not asks_for(many)


def test_of_a_record_that_was_not_understood_nothing_is_ruled_out() -> None:
    assert asks_for("journal[pt] AND 2020[crdt] NOT mouse[ab]", loose=True)
    assert not asks_for("rat[pt] AND 2020[crdt]", loose=True)
