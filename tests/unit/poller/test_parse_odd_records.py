"""Odd real records, read by hand in their bytes: what is written here is what the file says.

Counts were taken from the bytes with a text search, not with a parser. Where the derived
`expected.json` differs, the bytes win: it has, for one, the investigators apart but no
affiliations, and lists every keyword as often as it stands there.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from services.poller.parse import parse_records
from shared.article import Article, PartialDate, Status

RECORDED = Path(__file__).parents[4] / "shared" / "eutils" / "records"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="../shared/eutils is not here")


@dataclass(frozen=True)
class Odd:
    """A record, what is odd about it, how many of each list it has, and fields of it."""

    name: str
    why: str
    counts: dict[str, int] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)


def counts_of(article: Article) -> dict[str, int]:
    lists = {
        name: len(getattr(article, name))
        for name in (
            "authors", "mesh", "keywords", "chemicals", "grants", "accessions", "references",
            "corrections", "history", "abstract", "other_abstracts", "publication_types",
        )
    }  # fmt: skip
    lists["affiliations"] = sum(len(author.affiliations) for author in article.authors)
    lists["orcids"] = sum(author.orcid is not None for author in article.authors)
    lists["qualifiers"] = sum(len(heading.qualifiers) for heading in article.mesh)
    return lists


def labels(*names: str | None) -> tuple[str | None, ...]:
    return names


def fields_of(article: Article) -> dict[str, Any]:
    return {
        **{name: getattr(article, name) for name in Article.model_fields},
        "labels": tuple(part.label for part in article.abstract),
        "lengths": tuple(len(part.text) for part in article.abstract),
        "others": tuple((other.language, other.kind) for other in article.other_abstracts),
        "collectives": tuple(a.collective_name for a in article.authors if a.collective_name),
        "links": tuple((link.ref_type, link.pmid) for link in article.corrections),
        "pages": article.journal.pages,
        "issue": (article.journal.volume, article.journal.issue),
        "journal_title": article.journal.title,
        "notice_of": article.notice_of,
        "last_names": tuple(author.last_name for author in article.authors),
        "numbers": tuple((one.bank, one.number) for one in article.accessions),
    }


def on(year: int, month: int | None = None, day: int | None = None) -> PartialDate:
    return PartialDate(year=year, month=month, day=day)


def printed(year: int, text: str) -> PartialDate:
    return PartialDate(year=year, text=text)


ODD = (
    Odd(
        "31839880", "markup nested in markup in the title",
        {"authors": 7, "affiliations": 10, "keywords": 5, "history": 3},
        {
            "doi": "10.18632/oncotarget.27326", "pmcid": "PMC6901340", "pages": "6870-6878",
            "electronic": on(2019, 12, 3), "published": on(2019, 12, 3),
        },
    ),
    Odd(
        "30140718", "MathML in the title",
        {"authors": 7, "affiliations": 10, "history": 6},
        {"title": "Statistical test for Δ\u03c1DCCA : Methods and data.", "title_html": None},
    ),
    Odd(
        "30159306", "MathML in the abstract",
        {"authors": 7, "affiliations": 9, "keywords": 5, "history": 5},
        {"published": on(2018), "electronic": on(2018, 8, 15), "lengths": (1859,)},
    ),
    Odd(
        "32759406", "MathML in its own namespace",
        {"authors": 8, "affiliations": 8, "orcids": 8, "mesh": 4, "keywords": 5},
        {"lengths": (256,), "doi": "10.1515/jib-2020-0021"},
    ),
    Odd(
        "29872490", "a title of three lines with markup",
        {"authors": 24, "affiliations": 36, "grants": 1, "references": 43, "keywords": 6},
        {
            "title": "Genome-wide significant risk factors on chromosome 19 and the APOE locus.",
            "title_html":
                "Genome-wide significant risk factors on chromosome 19 and the <i>APOE</i> locus.",
        },
    ),
    Odd(
        "29963580", "a group among the authors",
        {"authors": 9, "affiliations": 15, "orcids": 2, "references": 49, "history": 6},
        {"collectives": ("Canadian Respiratory Research Network",)},
    ),
    Odd(
        "26157184", "no DOI of its own, three in nested reference lists; months as a season",
        {"authors": 2, "affiliations": 2, "references": 7},
        {
            "doi": None, "pmcid": "PMC4485510",
            "published": printed(2015, "2015 May-Jun"),
        },
    ),
    Odd(
        "24196758", "two DOIs that differ, two languages",
        {"authors": 3, "mesh": 6, "qualifiers": 1},
        {"doi": "10.5546/aap.2013.468", "languages": ("eng", "spa")},
    ),
    Odd(
        "30511960", "a DOI before a PII; grants and substances",
        {"authors": 12, "affiliations": 13, "mesh": 17, "qualifiers": 12, "chemicals": 5,
         "grants": 10, "publication_types": 3},
        {"doi": "10.1172/JCI120606", "published": on(2019, 2, 1), "electronic": on(2019, 1, 14)},
    ),
    Odd(
        "26711635", "a PII before a DOI, a group",
        {"authors": 15, "affiliations": 14, "keywords": 6, "history": 6},
        {
            "doi": "10.1016/j.diagmicrobio.2015.11.017", "languages": ("ENG",),
            "collectives": ("ASTRO-CM Team",),
        },
    ),
    Odd(
        "11446611", "a SICI among the ids",
        {"authors": 1, "mesh": 3, "qualifiers": 3},
        {
            "doi": "10.7861/clinmedicine.1-3-188", "pmcid": "PMC4951901",
            "published": printed(2001, "2001 May-Jun"),
        },
    ),
    Odd(
        "33761533", "15,000 investigators, who are no authors; a name that ends in a new line",
        {"authors": 1, "affiliations": 0, "mesh": 17, "qualifiers": 7, "grants": 10},
        {"labels": labels("BACKGROUND", "METHODS", "RESULTS", "CONCLUSION")},
    ),
    Odd(
        "30642661", "three authors and a group, beside investigators",
        {"authors": 4, "affiliations": 3, "mesh": 9, "qualifiers": 5, "keywords": 5},
        {
            "last_names": ("Demotes-Mainard", "Cornu", "Guérin", None),
            "electronic": on(2018, 12, 20), "published": on(2019, 2),
        },
    ),
    Odd(
        "9634358", "a notice of retraction with an author marked wrong and an erratum without PMID",
        {"authors": 6, "corrections": 2, "publication_types": 1},
        {
            "links": (("RetractionOf", 8393056), ("ErratumIn", None)),
            "status": Status.PUBLISHED, "notice_of": (8393056,),
            "last_names":
                ("Dunkel", "Scheer", "Zhu", "Whitley", "Schaffer", "Pavan-Langston"),
        },
    ),
    Odd(
        "41603352", "an author with a last name only; sequences that are no trials",
        {"authors": 15, "affiliations": 19, "orcids": 9, "grants": 4, "mesh": 13, "keywords": 9},
        {
            "doi": "10.7554/eLife.102634", "trial_ids": (),
            "numbers": (("GEO", "GSE149758"), ("GEO", "GSE200151")),
        },
    ),
    Odd(
        "30688251", "an abstract without text",
        {"abstract": 0, "other_abstracts": 0, "mesh": 6, "qualifiers": 9},
        {"published": printed(2019, "2019 Jan-Feb"), "pages": "S151-S153"},
    ),
    Odd(
        "38066738", "a first section without a label",
        {"authors": 7, "orcids": 4, "references": 23, "keywords": 6},
        {
            "labels": labels(None, "PATIENTS AND METHODS", "RESULTS", "CONCLUSION"),
            "lengths": (240, 328, 1210, 358),
        },
    ),
    Odd(
        "31824604", "keywords as a section of the abstract",
        {"authors": 3, "affiliations": 4, "orcids": 3},
        {"labels": labels(None, "Keywords"), "lengths": (1414, 95)},
    ),
    Odd(
        "41605226", "a title only in the language of the article",
        {"authors": 1, "abstract": 0},
        {"title": "", "title_html": None, "languages": ("ger",), "published": on(2026, 2)},
    ),
    Odd(
        "9929727", "a bracketed title with its original",
        {"authors": 3, "mesh": 8, "corrections": 1},
        {"languages": ("spa",), "published": on(1998, 12), "pages": "564"},
    ),
    Odd(
        "15810377", "a bracketed title without its original",
        {"authors": 2, "affiliations": 1, "publication_types": 2},
        {"languages": ("chi",), "vernacular_title": None, "lengths": (368,)},
    ),
    Odd(
        "34859621", "a second abstract in Chinese",
        {"abstract": 1, "other_abstracts": 1, "keywords": 4},
        {"others": (("chi", "Publisher"),), "languages": ("eng", "chi"), "lengths": (600,)},
    ),
    Odd(
        "31825337", "a second abstract in Russian; an issue without a volume",
        {"abstract": 1, "other_abstracts": 1, "authors": 6},
        {"others": (("rus", "Publisher"),), "issue": (None, "12"), "published": on(2019)},
    ),
    Odd(
        "38079170", "a summary for lay people and no abstract, so it stands in",
        {"abstract": 1, "other_abstracts": 1, "authors": 3, "affiliations": 4},
        {"others": (("eng", "plain-language-summary"),), "lengths": (256,)},
    ),
    Odd(
        "33160472", "two months with blanks between",
        {"authors": 1, "mesh": 4, "keywords": 9},
        {"published": printed(2020, "2020 Jul - Aug"), "electronic": None},
    ),
    Odd(
        "29929724", "two months, two languages, a structured abstract",
        {"authors": 6, "mesh": 17, "qualifiers": 7, "keywords": 8},
        {
            "published": printed(2019, "2019 May - Jun"),
            "labels": labels("OBJECTIVE", "MATERIAL AND METHODS", "RESULTS", "CONCLUSION"),
        },
    ),
    Odd(
        "973217", "a season, which is no month",
        {"authors": 1, "mesh": 4, "abstract": 0},
        {"published": printed(1976, "1976 Fall")},
    ),
    Odd(
        "39364306", "two seasons; an ORCID for every author, an affiliation not for all",
        {"authors": 8, "affiliations": 5, "orcids": 8, "references": 13},
        {"published": printed(2024, "2024 Winter-Spring"), "electronic": on(2024, 7, 2)},
    ),
    Odd(
        "1079321", "what was republished instead of a retracted paper: itself not retracted",
        {"authors": 2, "mesh": 5, "qualifiers": 3},
        {
            "published": on(1975, 7, 3), "status": Status.PUBLISHED,
            "links": (("RetractedandRepublishedFrom", 4122370),), "notice_of": (4122370,),
        },
    ),
    Odd(
        "4122370", "retracted and republished",
        {"authors": 4, "mesh": 14, "qualifiers": 10, "chemicals": 2},
        {"status": Status.RETRACTED, "links": (("RetractedandRepublishedIn", 1079321),)},
    ),
    Odd(
        "8655018", "retracted, with a comment beside the notice",
        {"authors": 2, "mesh": 10, "qualifiers": 6, "publication_types": 4},
        {
            "status": Status.RETRACTED,
            "links": (("CommentIn", 9867475), ("RetractionIn", 9867474)),
        },
    ),
    Odd(
        "31839707", "a notice of retraction without authors",
        {"authors": 0, "corrections": 1, "publication_types": 1},
        {"status": Status.PUBLISHED},
    ),
    Odd(
        "9500320", "retracted, after an expression of concern and a correction",
        {"authors": 13, "corrections": 29, "mesh": 17, "qualifiers": 11, "chemicals": 5},
        {
            "status": Status.RETRACTED, "pages": "637-41",
            "labels": labels("BACKGROUND", "METHODS", "FINDINGS", "INTERPRETATION"),
        },
    ),
    Odd(
        "39733499", "the journal's version of a preprint",
        {"authors": 12, "affiliations": 12},
        {"links": (("UpdateOf", 38915536),), "status": Status.PUBLISHED},
    ),
    Odd(
        "32887691", "a living guideline: updated four times, and corrected, which is graver",
        {"authors": 85, "affiliations": 121, "corrections": 9, "grants": 2},
        {"status": Status.CORRECTED, "pages": "m3379"},
    ),
    Odd(
        "26702309", "corrected",
        {"authors": 3, "keywords": 4, "history": 0},
        {"status": Status.CORRECTED, "links": (("ErratumIn", 26705261),)},
    ),
    Odd(
        "26432147", "a comment",
        {"authors": 1, "history": 0, "abstract": 0},
        {"links": (("CommentOn", 26432142),), "pages": "1789-90; discussion 1791"},
    ),
    Odd(
        "32685698.v3", "the third version",
        {"authors": 5, "affiliations": 8, "orcids": 3},
        {"version": 3, "doi": "10.12688/wellcomeopenres.15842.3"},
    ),
    Odd(
        "33274047.v3", "the third version, with data in an archive",
        {"authors": 4, "references": 28},
        {
            "version": 3, "trial_ids": (),
            "numbers": (("figshare", "10.6084/m9.figshare.12286865.v2"),),
        },
    ),
    Odd(
        "33258064", "a registered trial",
        {"authors": 5, "affiliations": 6, "orcids": 1},
        {
            "trial_ids": ("NCT03079258",),
            "numbers": (("ClinicalTrials.gov", "NCT03079258"),),
        },
    ),
    Odd(
        "20301577", "a chapter: its own two authors, not the six editors; one keyword twice",
        {"authors": 2, "affiliations": 3, "keywords": 8, "references": 30, "abstract": 4},
        {"published": on(1993), "electronic": on(2006, 2, 15), "doi": None},
    ),
    Odd(
        "21413225", "a chapter of a book whose title has markup",
        {"authors": 3, "affiliations": 3},
        {
            "title": "The Genome", "journal_title": "C. elegans II", "published": on(1997),
            "last_names": ("Waterston", "Sulston", "Coulson"),
        },
    ),
    Odd(
        "20301295", "a book as a whole: its title, and its editors as authors",
        {"authors": 5, "abstract": 1, "publication_types": 0},
        {
            "title": "GeneReviews™", "published": on(1993), "lengths": (1206,),
            "last_names": ("Pagon", "Bird", "Dolan", "Stephens", "Adam"),
        },
    ),
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{odd.name}: {odd.why}")
def test_a_field_equals_what_the_file_says(odd: Odd) -> None:
    parsed = parse_records((RECORDED / f"{odd.name}.xml").read_bytes())

    assert not parsed.refused
    (article,) = parsed.articles
    counts, fields = counts_of(article), fields_of(article)
    assert {name: counts[name] for name in odd.counts} == odd.counts
    assert {name: fields[name] for name in odd.fields} == odd.fields


def text_of(name: str) -> str:
    (article,) = parse_records((RECORDED / f"{name}.xml").read_bytes()).articles
    return " ".join([article.title, *(part.text for part in article.abstract)])


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("31839880", "BRAFV600E -mut"),  # <i>BRAF<sup>V600E</sup></i> -mut
        ("30159306", "SO42-"),  # four elements of MathML
        ("31840442", "<p>Phase"),  # &lt;p&gt; is text here, not markup
        ("14668030", "counts <60,000/mm<PRE>3</PRE>"),  # an old record, escaped once too often
    ],
)
def test_no_text_is_lost_in_markup_nor_taken_for_it(name: str, fragment: str) -> None:
    assert fragment in text_of(name)
