"""PubMed XML with its oddities, one at a time."""

import inspect
import sys
from datetime import UTC, date, datetime

import pytest

from services.poller.parse import parse_records
from services.poller.status import status_of
from shared.article import Article, PartialDate, Status
from tests.unit.poller.fakes import article_set, record


def parse_one(article: str = "", citation: str = "", data: str = "") -> Article:
    xml = (
        '<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version="1">7</PMID>'
        f"<Article>{article}</Article>{citation}</MedlineCitation>"
        f"<PubmedData>{data}</PubmedData></PubmedArticle></PubmedArticleSet>"
    )
    (read,) = parse_records(xml.encode()).articles
    return read


def titled(markup: str) -> Article:
    return parse_one(f"<ArticleTitle>{markup}</ArticleTitle>")


def published(content: str) -> PartialDate:
    pubdate = f"<Journal><JournalIssue><PubDate>{content}</PubDate></JournalIssue></Journal>"
    return parse_one(pubdate).published


def test_nested_markup_is_read_to_the_end_and_kept_as_html() -> None:
    article = titled("<i>BRAF<sup>V600E</sup></i>-mutated &lt;b&gt; <u>x</u> &amp; tumours")

    assert article.title == "BRAFV600E-mutated <b> x & tumours"
    assert article.title_html == ("<i>BRAF<sup>V600E</sup></i>-mutated &lt;b&gt; x &amp; tumours")


def test_a_title_without_markup_has_no_html() -> None:
    assert titled("[Plain\n   title].").title_html is None
    assert titled("[Plain\n   title].").title == "[Plain title]."


def test_mathml_is_read_in_any_namespace_spelling() -> None:
    space = "http://www.w3.org/1998/Math/MathML"
    prefixed = f'<mml:math xmlns:mml="{space}"><mml:mi>V</mml:mi><mml:mn>2</mml:mn></mml:math>'
    default = f'<math xmlns="{space}"><msub><mi>V</mi><mn>2</mn></msub></math>'

    assert titled(f"a {prefixed} b").title == titled(f"a {default} b").title == "a V2 b"


def test_comments_and_instructions_are_no_text() -> None:
    assert titled("a<!-- no --><?no no?>b").title == "ab"


def test_entities_are_never_expanded() -> None:
    xml = (
        b'<!DOCTYPE PubmedArticleSet [<!ENTITY e SYSTEM "file:///etc/passwd">'
        b'<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    ) + article_set(record(7, "x&e;&b;y"))

    (article,) = parse_records(xml).articles

    assert article.title == "xy"


def test_a_document_naming_a_dtd_is_read_without_it() -> None:
    doctype = (
        b'<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2026//EN" '
        b'"http://192.0.2.1/pubmed_260101.dtd">'
    )

    (article,) = parse_records(doctype + article_set(record(7, "5 &micro;g"))).articles

    assert article.title == "5 µg"


def test_structured_abstracts_keep_their_labels() -> None:
    parts = (
        '<AbstractText>A.</AbstractText><AbstractText Label="METHODS">B<sub>2</sub>.</AbstractText>'
    )

    article = parse_one(f"<Abstract>{parts}</Abstract>")

    assert [(part.label, part.text) for part in article.abstract] == [
        (None, "A."),
        ("METHODS", "B2."),
    ]


def test_another_abstract_stands_in_only_where_there_is_none() -> None:
    other = "<OtherAbstract><AbstractText>Other.</AbstractText></OtherAbstract>"
    empty = "<Abstract><AbstractText/></Abstract>"
    full = "<Abstract><AbstractText>Own.</AbstractText></Abstract>"

    assert parse_one(empty, other).abstract[0].text == "Other."
    assert [part.text for part in parse_one(full, other).abstract] == ["Own."]
    assert parse_one().abstract == ()


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ("<Year>2018</Year>", PartialDate(year=2018)),
        ("<Year>2018</Year><Month>Jun</Month>", PartialDate(year=2018, month=6)),
        ("<Year>1975</Year><Month>07</Month><Day>3</Day>", PartialDate(year=1975, month=7, day=3)),
        ("<Year>1976</Year><Season>Fall</Season>", PartialDate(year=1976, text="1976 Fall")),
        (
            "<MedlineDate>1998 Dec-1999 Jan</MedlineDate>",
            PartialDate(year=1998, text="1998 Dec-1999 Jan"),
        ),
        ("<MedlineDate>Winter 2000</MedlineDate>", PartialDate(text="Winter 2000")),
        ("<Year>2001</Year><Month>Wint</Month>", PartialDate(year=2001, text="2001 Wint")),
        ("<Year>2001</Year><Day>5</Day>", PartialDate(year=2001)),
        ("<Year>20x1</Year>", PartialDate()),
        ("<Year>2001</Year><Month>13</Month>", PartialDate(year=2001, text="2001 13")),
    ],
)
def test_a_date_is_as_precise_as_printed_and_no_more(printed: str, read: PartialDate) -> None:
    assert published(printed) == read


def test_the_doi_is_never_one_of_a_reference() -> None:
    reference = (
        "<ReferenceList><Reference><ArticleIdList>"
        '<ArticleId IdType="doi">10.1/other</ArticleId></ArticleIdList></Reference></ReferenceList>'
    )

    assert parse_one(data=reference).doi is None


def test_the_doi_of_the_id_list_goes_before_that_of_the_location() -> None:
    location = (
        '<ELocationID EIdType="doi" ValidYN="N">10.1/wrong</ELocationID>'
        '<ELocationID EIdType="doi">10.1/location</ELocationID>'
        '<ELocationID EIdType="pii">S1</ELocationID>'
    )
    own = '<ArticleIdList><ArticleId IdType="doi">10.1/own</ArticleId></ArticleIdList>'
    empty = '<ArticleIdList><ArticleId IdType="doi"/></ArticleIdList>'

    assert parse_one(location, data=own).doi == "10.1/own"
    assert parse_one(location, data=empty).doi == "10.1/location"


def test_authors_are_people_and_groups_without_the_ones_marked_wrong() -> None:
    article = parse_one(
        "<AuthorList><Author><LastName>A</LastName><ForeName>B</ForeName><Initials>B</Initials>"
        '<Identifier Source="ORCID">https://orcid.org/000000021825009x</Identifier></Author>'
        '<Author ValidYN="N"><LastName>Aa</LastName></Author>'
        "<Author><CollectiveName>Group\n</CollectiveName></Author><Author/></AuthorList>"
    )

    assert [(a.last_name, a.collective_name, a.orcid) for a in article.authors] == [
        ("A", None, "0000-0002-1825-009X"),
        (None, "Group", None),
    ]


def test_investigators_are_no_authors() -> None:
    listed = (
        "<InvestigatorList><Investigator><LastName>X</LastName></Investigator></InvestigatorList>"
    )

    assert parse_one(citation=listed).authors == ()


def test_headings_keywords_and_trials_are_kept() -> None:
    banks = "".join(
        f"<DataBank><DataBankName>{bank}</DataBankName><AccessionNumberList>"
        f"<AccessionNumber>{number}</AccessionNumber></AccessionNumberList></DataBank>"
        for bank, number in (("ClinicalTrials.gov", "NCT05798117"), ("GEO", "GSE1"))
    )
    headings = (
        "<MeshHeadingList><MeshHeading>"
        '<DescriptorName UI="D001327" MajorTopicYN="N">Autoimmune Diseases</DescriptorName>'
        '<QualifierName MajorTopicYN="Y">therapy</QualifierName></MeshHeading></MeshHeadingList>'
    )
    keywords = "<KeywordList><Keyword>CAR-T</Keyword><Keyword>CAR-T</Keyword></KeywordList>"

    article = parse_one(f"<DataBankList>{banks}</DataBankList>", headings + keywords)

    assert article.trial_ids == ("NCT05798117",)
    assert article.keywords == ("CAR-T",)
    (heading,) = article.mesh
    assert (heading.name, heading.ui, heading.major, heading.qualifiers) == (
        "Autoimmune Diseases",
        "D001327",
        True,
        ("therapy",),
    )


def test_the_day_of_entry_is_the_one_called_entrez() -> None:
    def dated(status: str, day: str) -> str:
        start = f'<PubMedPubDate PubStatus="{status}"><Year>2026</Year><Month>8</Month>'
        return f"{start}{day}</PubMedPubDate>"

    history = dated("pubmed", "<Day>1</Day>") + dated("entrez", "<Day>25</Day><Hour>6</Hour>")

    entered = parse_one(data=f"<History>{history}</History>").entered_at

    assert entered == datetime(2026, 8, 25, 6, tzinfo=UTC)
    assert (
        parse_one(data=f"<History>{dated('entrez', '<Day>99</Day>')}</History>").entered_at is None
    )


@pytest.mark.parametrize(
    ("printed", "day"),
    [
        ("<Year>2026</Year><Month>01</Month><Day>23</Day>", date(2026, 1, 23)),
        ("<Year>2026</Year><Month>02</Month><Day>30</Day>", None),
        ("", None),
    ],
)
def test_the_day_on_which_nlm_touched_a_record_is_read(printed: str, day: date | None) -> None:
    assert parse_one(citation=f"<DateRevised>{printed}</DateRevised>").revised_on == day


def test_a_chapter_of_a_book_is_an_article() -> None:
    xml = (
        "<PubmedArticleSet><PubmedBookArticle><BookDocument><PMID>8</PMID>"
        "<Book><BookTitle>The Book</BookTitle><PubDate><Year>1993</Year></PubDate></Book>"
        "<ArticleTitle>A chapter</ArticleTitle>"
        "<AuthorList Type='authors'><Author><LastName>A</LastName></Author></AuthorList>"
        "<Abstract><AbstractText>Text.</AbstractText></Abstract></BookDocument>"
        "<PubmedBookData/></PubmedBookArticle></PubmedArticleSet>"
    )

    (article,) = parse_records(xml.encode()).articles

    assert (article.pmid, article.title, article.journal.title) == (8, "A chapter", "The Book")
    assert (article.published.year, article.authors[0].last_name) == (1993, "A")


def test_deleted_pmids_are_named() -> None:
    xml = article_set(record(1), "<DeleteCitation><PMID>2</PMID><PMID>3</PMID></DeleteCitation>")

    assert parse_records(xml).deleted == (2, 3)


@pytest.mark.parametrize(
    ("bad", "reason", "pmid"),
    [
        ("<PubmedArticle/>", "no MedlineCitation", None),
        (
            "<PubmedArticle><MedlineCitation><PMID>5</PMID></MedlineCitation></PubmedArticle>",
            "no Article",
            5,
        ),
        (
            "<PubmedArticle><MedlineCitation><PMID>x</PMID><Article/></MedlineCitation></PubmedArticle>",
            "'x', not a number",
            None,
        ),
        ("<PubmedBookArticle/>", "no BookDocument", None),
        (
            "<PubmedArticle><MedlineCitation><PMID>5</PMID><oops></PubmedArticle>",
            "not well-formed",
            5,
        ),
    ],
)
def test_a_bad_record_is_refused_with_its_bytes_and_the_others_proceed(
    bad: str, reason: str, pmid: int | None
) -> None:
    parsed = parse_records(article_set(record(1), bad, record(2)))

    assert [article.pmid for article in parsed.articles] == [1, 2]
    (refused,) = parsed.refused
    assert refused.pmid == pmid
    assert reason in refused.reason
    assert bad[:14].encode() in refused.raw


def test_the_whole_records_of_a_document_that_breaks_off_are_read() -> None:
    parsed = parse_records(article_set(record(1), record(2))[:-60])

    assert [article.pmid for article in parsed.articles] == [1]
    assert [refused.pmid for refused in parsed.refused] == [2]


@pytest.mark.parametrize("junk", [b"\x00\xff", b"not xml", b"<a>", b"{}"])
def test_what_is_no_document_is_refused_whole(junk: bytes) -> None:
    parsed = parse_records(junk)

    assert parsed.articles == ()
    assert parsed.refused[0].raw == junk


def test_nothing_is_nothing() -> None:
    assert parse_records(b" \n").refused == ()


@pytest.mark.parametrize(
    ("title", "types", "links", "status"),
    [
        ("A", (), (), Status.PUBLISHED),
        ("A", ("Retracted Publication",), (), Status.RETRACTED),
        ("A", (), ("RetractionIn", "ErratumIn"), Status.RETRACTED),
        ("A", (), ("RetractedandRepublishedIn",), Status.RETRACTED),
        ("A", (), ("ExpressionOfConcernIn", "ErratumIn"), Status.CONCERN),
        ("A", (), ("ErratumIn",), Status.CORRECTED),
        ("A", (), ("CorrectedandRepublishedIn",), Status.CORRECTED),
        ("WITHDRAWN: A", (), (), Status.WITHDRAWN),
        ("A", (), ("RetractionOf", "CommentIn"), Status.PUBLISHED),
        ("A", ("Retraction of Publication",), ("RetractionOf", "ErratumIn"), Status.PUBLISHED),
    ],
)
def test_the_status_is_the_papers_and_not_the_notices(
    title: str, types: tuple[str, ...], links: tuple[str, ...], status: Status
) -> None:
    assert status_of(title, types, links) is status


@pytest.mark.parametrize("year", ["9" * 20, "9" * 5000])
def test_a_year_of_many_digits_is_no_date(year: str) -> None:
    history = (
        f'<History><PubMedPubDate PubStatus="entrez"><Year>{year}</Year><Month>1</Month>'
        "<Day>1</Day></PubMedPubDate></History>"
    )

    assert parse_one("", data=history).entered_at is None
    assert published(f"<Year>{year}</Year>").year is None


def test_a_fault_that_nobody_foresaw_refuses_one_record() -> None:
    nested = f"{'<i>' * 200}x{'</i>' * 200}"
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 150)
    try:
        parsed = parse_records(article_set(record(7, nested), record(8)))
    finally:
        sys.setrecursionlimit(usual)

    assert [article.pmid for article in parsed.articles] == [8]
    ((pmid, reason),) = [(one.pmid, one.reason) for one in parsed.refused]
    assert (pmid, "RecursionError" in reason) == (7, True)
