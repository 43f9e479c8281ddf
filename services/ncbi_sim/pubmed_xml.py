"""A record as a PubmedArticle, its elements in the order of NLM's DTD (pubmed_250101)."""

import re
from datetime import date

from lxml import etree

from services.ncbi_sim.answers import add
from services.ncbi_sim.article import Article, Author
from services.ncbi_sim.markup import fill
from services.ncbi_sim.record import Record
from services.ncbi_sim.vocabulary import PUBLICATION_TYPES, QUALIFIERS

_PAGES = re.compile(r"([A-Za-z]*\d+)-([A-Za-z]*\d+)")


def record_bytes(record: Record) -> bytes:
    """The record as efetch sends it: as it was recorded, or made from what the catalogue says."""
    if record.article.xml is not None:
        return record.article.xml.encode()
    return etree.tostring(pubmed_article(record), encoding="utf-8")


def pubmed_article(record: Record) -> etree._Element:
    """The PubmedArticle element of a record."""
    root = etree.Element("PubmedArticle")
    _citation(root, record)
    _pubmed_data(root, record)
    return root


def _citation(root: etree._Element, record: Record) -> None:
    indexed = {"Status": "MEDLINE", "IndexingMethod": "Automated"}
    status = indexed if record.article.mesh else {"Status": "Publisher"}
    citation = add(root, "MedlineCitation", **status, Owner="NLM")
    add(citation, "PMID", record.pmid, Version=str(record.version))
    if record.article.mesh:
        _day(add(citation, "DateCompleted"), record.created_on)
    _day(add(citation, "DateRevised"), record.revised_on)
    _article(citation, record)
    journal = add(citation, "MedlineJournalInfo")
    add(journal, "MedlineTA", record.article.journal_abbreviation or record.article.journal)
    _corrections(citation, record)
    _mesh(citation, record.article)
    _keywords(citation, record.article)


def _article(citation: etree._Element, record: Record) -> None:
    article = record.article
    element = add(citation, "Article", PubModel="Electronic")
    _journal(element, article)
    fill(add(element, "ArticleTitle"), article.title)
    _location(element, article)
    if article.summary:
        abstract = add(element, "Abstract")
        add(abstract, "AbstractText", " ".join(article.summary))
        add(abstract, "CopyrightInformation", record.notice)
    if article.authors:
        authors = add(element, "AuthorList", CompleteYN="Y")
        for author in article.authors:
            _author(authors, author)
    add(element, "Language", article.language)
    _trials(element, article)
    types = add(element, "PublicationTypeList")
    for name in record.publication_types:
        add(types, "PublicationType", name, UI=PUBLICATION_TYPES[name])
    if article.electronic_on:
        _day(add(element, "ArticleDate", DateType="Electronic"), article.electronic_on)


def _journal(element: etree._Element, article: Article) -> None:
    journal = add(element, "Journal")
    issue = add(journal, "JournalIssue", CitedMedium="Internet")
    _known(issue, "Volume", article.volume)
    _known(issue, "Issue", article.issue)
    _published(add(issue, "PubDate"), article)
    add(journal, "Title", article.journal)
    _known(journal, "ISOAbbreviation", article.journal_abbreviation)


def _published(element: etree._Element, article: Article) -> None:
    if article.medline_date:
        add(element, "MedlineDate", article.medline_date)
        return
    add(element, "Year", article.year)
    _known(element, "Season", article.season)
    _known(element, "Month", article.month)
    _known(element, "Day", f"{article.day:02}" if article.day else None)


def _location(element: etree._Element, article: Article) -> None:
    """Pages and DOI; the DTD wants one of them, so NLM leaves MedlinePgn empty if there is none."""
    if article.pages or not article.doi:
        pagination = add(element, "Pagination")
        found = _PAGES.fullmatch(article.pages or "")
        if found is not None:
            add(pagination, "StartPage", found[1])
            add(pagination, "EndPage", _full_end(found[1], found[2]))
        add(pagination, "MedlinePgn", article.pages or "")
    if article.doi:
        add(element, "ELocationID", article.doi, EIdType="doi", ValidYN="Y")


def _full_end(start: str, end: str) -> str:
    """The end page in full: 1267-84 ends on 1284."""
    return start[: len(start) - len(end)] + end if len(end) < len(start) else end


def _author(authors: etree._Element, author: Author) -> None:
    element = add(authors, "Author", ValidYN="Y")
    _known(element, "LastName", author.last)
    _known(element, "ForeName", author.fore)
    _known(element, "Initials", author.initials)
    _known(element, "CollectiveName", author.collective)


def _trials(element: etree._Element, article: Article) -> None:
    if article.trials:
        bank = add(add(element, "DataBankList", CompleteYN="Y"), "DataBank")
        add(bank, "DataBankName", "ClinicalTrials.gov")
        numbers = add(bank, "AccessionNumberList")
        for trial in article.trials:
            add(numbers, "AccessionNumber", trial)


def _corrections(citation: etree._Element, record: Record) -> None:
    if record.corrections:
        corrections = add(citation, "CommentsCorrectionsList")
        for correction in record.corrections:
            element = add(corrections, "CommentsCorrections", RefType=correction.ref_type)
            add(element, "RefSource", correction.source)
            add(element, "PMID", correction.pmid, Version="1")


def _mesh(citation: etree._Element, article: Article) -> None:
    if article.mesh:
        headings = add(citation, "MeshHeadingList")
        for heading in article.mesh:
            element = add(headings, "MeshHeading")
            # With qualifiers it is the qualifier that carries the star of a major topic.
            starred = heading.major and not heading.qualifiers
            name = {"UI": heading.ui, "MajorTopicYN": _yes_no(starred)}
            add(element, "DescriptorName", heading.name, **name)
            for qualifier in heading.qualifiers:
                mark = {"UI": QUALIFIERS[qualifier], "MajorTopicYN": _yes_no(heading.major)}
                add(element, "QualifierName", qualifier, **mark)


def _keywords(citation: etree._Element, article: Article) -> None:
    if article.keywords:
        keywords = add(citation, "KeywordList", Owner="NOTNLM")
        for keyword in article.keywords:
            add(keywords, "Keyword", keyword, MajorTopicYN="N")


def _pubmed_data(root: etree._Element, record: Record) -> None:
    data = add(root, "PubmedData")
    history = add(data, "History")
    for event, day in history_of(record):
        element = add(history, "PubMedPubDate", PubStatus=event)
        for name, number in (("Year", day.year), ("Month", day.month), ("Day", day.day)):
            add(element, name, number)
        shown = record.article.entered_time is not None and day == record.created_on
        add(element, "Hour", record.created_at.hour if shown else 0)
        add(element, "Minute", record.created_at.minute if shown else 0)
    add(data, "PublicationStatus", publication_status(record.article))
    ids = add(data, "ArticleIdList")
    for kind, value in article_ids(record.article):
        add(ids, "ArticleId", value, IdType=kind)
    _references(data, record)


def _references(data: etree._Element, record: Record) -> None:
    if record.references and record.references_known:
        references = add(data, "ReferenceList")
        for cited in record.references:
            reference = add(references, "Reference")
            add(reference, "Citation", cited.citation)
            add(add(reference, "ArticleIdList"), "ArticleId", cited.pmid, IdType="pubmed")


def history_of(record: Record) -> list[tuple[str, date]]:
    """PubStatus and day: `pubmed` is EDAT, `entrez` is CRDT."""
    return [
        ("medline", record.created_on),
        ("pubmed", record.entered_on),
        ("entrez", record.created_on),
    ]


def publication_status(article: Article) -> str:
    """Published in an issue, or only on line."""
    return "ppublish" if article.volume and article.pages else "epublish"


def article_ids(article: Article) -> list[tuple[str, str]]:
    """The identifiers of an article: pubmed, doi and pmc, as far as known."""
    ids = [("pubmed", str(article.pmid)), ("doi", article.doi), ("pmc", article.pmcid)]
    return [(kind, value) for kind, value in ids if value]


def _day(element: etree._Element, day: date) -> None:
    add(element, "Year", day.year)
    add(element, "Month", f"{day.month:02}")
    add(element, "Day", f"{day.day:02}")


def _known(parent: etree._Element, name: str, value: str | None) -> None:
    if value:
        add(parent, name, value)


def _yes_no(value: bool) -> str:
    return "Y" if value else "N"
