"""Odd real records: what is written here was compared by hand with the bytes of each file.

How it was checked, for all 43 rows: the file was opened as text, and titles, labels, ids, dates,
languages, names and links were read there and written down. Lists were counted with a text search
(authors without the investigators, references that have a PMID). The length of an abstract is that
of its element, comments and tags taken out, entities counted as the character they stand for,
white space made single spaces. No XML parser had a part in it, nor had `expected.json`, which is
derived. Some things were only counted, not read: affiliations, most references, and the
15,013 investigators of 33761533.

Where a file says two things or none, a row says what we make of it: the DOI in the list of ids goes
before that of an `ELocationID`; a name with `ValidYN="N"` is no author; a keyword that stands
twice is one; hard and thin spaces are white space; a book's `ContributionDate` is its electronic
date; a status, a stand-in for an abstract and editors as authors are rules of ours too.
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
    links = tuple((link.ref_type, link.pmid) for link in article.corrections)
    return {
        **{name: getattr(article, name) for name in Article.model_fields},
        "labels": tuple(part.label for part in article.abstract),
        "lengths": tuple(len(part.text) for part in article.abstract),
        "others": tuple(
            (other.language, other.kind, *(len(part.text) for part in other.sections))
            for other in article.other_abstracts
        ),
        "affiliated": tuple(len(author.affiliations) for author in article.authors),
        "only_last": tuple(a.last_name for a in article.authors if a.last_name and not a.fore_name),
        "collectives": tuple(a.collective_name for a in article.authors if a.collective_name),
        "links": links,
        "grave_links": tuple(link for link in links if not link[0].startswith("Comment")),
        "pages": article.journal.pages,
        "issue": (article.journal.volume, article.journal.issue),
        "journal_title": article.journal.title,
        "notice_of": article.notice_of,
        "earlier_versions": article.earlier_versions,
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
            "title":
                "BRAFV600E -mutated ovarian serous borderline tumors are at relatively low risk "
                "for progression to serous carcinoma.",
            "title_html":
                "<i>BRAF<sup>V600E</sup></i> -mutated ovarian serous borderline tumors are at "
                "relatively low risk for progression to serous carcinoma.",
            "doi": "10.18632/oncotarget.27326", "pmcid": "PMC6901340", "pages": "6870-6878",
            "electronic": on(2019, 12, 3), "published": on(2019, 12, 3), "lengths": (1543,),
        },
    ),
    Odd(
        "30140718", "MathML in the title",
        {"authors": 7, "affiliations": 10, "history": 6},
        {
            "title": "Statistical test for Δ\u03c1DCCA : Methods and data.", "title_html": None,
            "doi": "10.1016/j.dib.2018.03.080", "pmcid": "PMC6103976", "lengths": (423,),
            "published": on(2018, 6), "electronic": on(2018, 3, 22),
        },
    ),
    Odd(
        "30159306", "MathML in the abstract",
        {"authors": 7, "affiliations": 9, "keywords": 5, "history": 5},
        {
            "title":
                "Effects of Applied Potential and Reactants to Hydrogen-Producing Biocathode in a "
                "Microbial Electrolysis Cell.",
            "published": on(2018), "electronic": on(2018, 8, 15), "lengths": (1859,),
            "doi": "10.3389/fchem.2018.00318",
        },
    ),
    Odd(
        "32759406", "MathML in its own namespace, with comments and \">\" in an attribute",
        {"authors": 8, "affiliations": 8, "orcids": 8, "mesh": 4, "keywords": 5, "history": 5},
        {
            "title": "CellML 2.0.", "lengths": (256,), "doi": "10.1515/jib-2020-0021",
            "pmcid": "PMC7756617", "published": on(2020, 7, 24), "electronic": on(2020, 7, 24),
        },
    ),
    Odd(
        "29872490", "a title of three lines with markup",
        {"authors": 24, "affiliations": 36, "grants": 1, "references": 43, "keywords": 6},
        {
            "title": "Genome-wide significant risk factors on chromosome 19 and the APOE locus.",
            "title_html":
                "Genome-wide significant risk factors on chromosome 19 and the <i>APOE</i> locus.",
            "lengths": (1653,), "doi": "10.18632/oncotarget.25083", "pmcid": "PMC5973862",
            "published": on(2018, 5, 15), "electronic": on(2018, 5, 15),
        },
    ),
    Odd(
        "29963580", "a group among the authors; thin spaces and pretty-printed MathML",
        {"authors": 9, "affiliations": 15, "orcids": 2, "references": 49, "history": 6},
        {
            "title":
                "Development of a pulmonary imaging biomarker pipeline for phenotyping of chronic "
                "lung disease.",
            "collectives": ("Canadian Respiratory Research Network",), "lengths": (1474,),
            "affiliated": (3, 2, 1, 1, 1, 1, 3, 3, 0), "doi": "10.1117/1.JMI.5.2.026002",
            "published": on(2018, 4), "electronic": on(2018, 6, 28),
        },
    ),
    Odd(
        "26157184",
        "no DOI of its own, but three in its references, lists in a list; months as a season",
        {"authors": 2, "affiliations": 2, "history": 3, "abstract": 0},
        {
            "title": "Qualitative Research: Data Collection, Analysis, and Management.",
            "doi": None, "pmcid": "PMC4485510", "pages": "226-31", "electronic": None,
            "published": printed(2015, "2015 May-Jun"),
            "references":
                (25548401, 24916481, 24155859, 19705320, 25364338, 18501005, 23816494),
        },
    ),
    Odd(
        "24196758", "two DOIs that differ (the list of ids wins), two languages",
        {"authors": 3, "affiliations": 0, "mesh": 6, "qualifiers": 1, "abstract": 0},
        {
            "title":
                "Rights and responsibilities of electronic health records (EHR) users caring for "
                "children.",
            "doi": "10.5546/aap.2013.468", "languages": ("eng", "spa"), "pages": "468-71",
            "published": on(2013, 12), "electronic": None,
        },
    ),
    Odd(
        "30511960", "a DOI before a PII; grants and substances",
        {"authors": 12, "affiliations": 13, "mesh": 17, "qualifiers": 12, "chemicals": 5,
         "grants": 10, "publication_types": 3, "keywords": 4},
        {
            "title":
                "Peroxisome-derived lipids regulate adipose thermogenesis by mediating "
                "cold-induced mitochondrial fission.",
            "doi": "10.1172/JCI120606", "pmcid": "PMC6355224", "lengths": (1426,),
            "published": on(2019, 2, 1), "electronic": on(2019, 1, 14),
        },
    ),
    Odd(
        "26711635", "a PII before a DOI, a group, an empty element for pages, capitals",
        {"authors": 15, "affiliations": 14, "keywords": 6, "history": 6},
        {
            "title":
                "Diagnostic performance of a multiplex PCR assay for meningitis in an HIV-infected "
                "population in Uganda.",
            "doi": "10.1016/j.diagmicrobio.2015.11.017", "languages": ("ENG",), "pages": None,
            "publication_types": ("JOURNAL ARTICLE",), "collectives": ("ASTRO-CM Team",),
            "published": on(2015, 12, 1), "electronic": on(2015, 12, 1), "lengths": (25,),
        },
    ),
    Odd(
        "11446611", "a SICI among the ids",
        {"authors": 1, "affiliations": 1, "mesh": 3, "qualifiers": 3, "abstract": 0},
        {
            "title": "Acute back pain.", "publication_types": ("Journal Article", "Review"),
            "doi": "10.7861/clinmedicine.1-3-188", "pmcid": "PMC4951901", "pages": "188-9",
            "published": printed(2001, "2001 May-Jun"), "electronic": None,
        },
    ),
    Odd(
        "33761533", "15,013 investigators, who are no authors; a name that ends in a new line",
        {"authors": 1, "affiliations": 0, "mesh": 17, "qualifiers": 7, "grants": 10},
        {
            "title":
                "SARS-CoV-2 vaccination modelling for safe surgery to save lives: data from an "
                "international prospective cohort study.",
            "collectives": ("COVIDSurg Collaborative, GlobalSurg Collaborative",),
            "labels": labels("BACKGROUND", "METHODS", "RESULTS", "CONCLUSION"),
            "lengths": (166, 464, 698, 143), "doi": "10.1093/bjs/znab101",
            "published": on(2021, 9, 27), "electronic": None,
        },
    ),
    Odd(
        "30642661", "three authors and a group, beside 22 investigators with affiliations",
        {"authors": 4, "affiliations": 3, "mesh": 9, "qualifiers": 5, "keywords": 5},
        {
            "title":
                "How the new European data protection regulation affects clinical research and "
                "recommendations?",
            "last_names": ("Demotes-Mainard", "Cornu", "Guérin", None),
            "collectives": ("participants of Giens XXXIV Round Table “Clinical research”",),
            "electronic": on(2018, 12, 20), "published": on(2019, 2), "lengths": (1690,),
            "doi": "10.1016/j.therap.2018.12.004",
        },
    ),
    Odd(
        "9634358", "a notice of retraction with an author marked wrong and an erratum without PMID",
        {"authors": 6, "corrections": 2, "publication_types": 1, "abstract": 0},
        {
            "title":
                "Retraction: A rabbit model for human cytomeglovirus--induced chorioretinal "
                "disease (J Infect Dis 1993;168:336-44).",
            "links": (("RetractionOf", 8393056), ("ErratumIn", None)),
            "status": Status.PUBLISHED, "notice_of": (8393056,), "doi": None,
            "published": on(1998, 6), "electronic": None,
            "last_names":
                ("Dunkel", "Scheer", "Zhu", "Whitley", "Schaffer", "Pavan-Langston"),
        },
    ),
    Odd(
        "41603352", "an author with a last name only; sequences that are no trials",
        {"authors": 15, "affiliations": 19, "orcids": 9, "grants": 4, "mesh": 13, "keywords": 9},
        {
            "title": "Mast cells promote pathology and susceptibility in tuberculosis.",
            "doi": "10.7554/eLife.102634", "trial_ids": (), "only_last": ("Abhimanyu",),
            "numbers": (("GEO", "GSE149758"), ("GEO", "GSE200151")), "lengths": (1237,),
            "published": on(2026, 1, 28), "electronic": on(2026, 1, 28),
        },
    ),
    Odd(
        "30688251", "an abstract without text",
        {"authors": 2, "abstract": 0, "other_abstracts": 0, "mesh": 6, "qualifiers": 9},
        {
            "title": "Sciatic nerve schwannoma: A rare case.", "issue": ("67", "Supplement"),
            "published": printed(2019, "2019 Jan-Feb"), "pages": "S151-S153", "electronic": None,
            "doi": "10.4103/0028-3886.250727",
        },
    ),
    Odd(
        "38066738", "a first section without a label",
        {"authors": 7, "orcids": 4, "references": 23, "keywords": 6},
        {
            "title":
                "Clinical Applicability of Ultrasound Shear Wave Elastography in Patients under "
                "Hypoglossal Nerve Stimulation Therapy.",
            "labels": labels(None, "PATIENTS AND METHODS", "RESULTS", "CONCLUSION"),
            "lengths": (240, 328, 1210, 358), "doi": "10.3390/diagnostics13233493",
            "published": on(2023, 11, 21), "electronic": on(2023, 11, 21),
        },
    ),
    Odd(
        "31824604", "keywords as a section of the abstract, and none beside it",
        {"authors": 3, "affiliations": 4, "orcids": 3, "keywords": 0},
        {
            "title": "Is the Indonesian disaster response budget correlated with disaster risk?",
            "labels": labels(None, "Keywords"), "lengths": (1414, 95), "published": on(2019),
            "electronic": on(2019, 11, 14), "doi": "10.4102/jamba.v11i1.759",
        },
    ),
    Odd(
        "41605226", "a title only in the language of the article",
        {"authors": 1, "abstract": 0},
        {
            "title": "", "title_html": None, "languages": ("ger",), "published": on(2026, 2),
            "vernacular_title":
                "Kommentar zu „ABDOMEN BECKEN \u2013 Das Avocado-Zeichen als Prädiktor des lokalen "
                "Lymphknotenstatus bei Rektumkarzinomen“.",
            "electronic": on(2026, 1, 28), "doi": "10.1055/a-2718-1344", "pages": "140-141",
        },
    ),
    Odd(
        "9929727", "a bracketed title with its original",
        {"authors": 3, "mesh": 8, "qualifiers": 0, "corrections": 1, "abstract": 0},
        {
            "title":
                "[Tobacco control in children, adolescents and young people: knowledge, prevention "
                "and action].",
            "vernacular_title":
                "La lucha contra el tabaco en los niños, adolescentes y jóvenes: conocimiento, "
                "prevención y actuación.",
            "languages": ("spa",), "published": on(1998, 12), "pages": "564", "doi": None,
            "links": (("CommentOn", 9611655),),
        },
    ),
    Odd(
        "15810377", "a bracketed title without its original",
        {"authors": 2, "affiliations": 1, "publication_types": 2, "mesh": 0},
        {
            "title":
                "[Study on cleavage mechanisms of dimer (t-Bu)2NO in several solvent phases].",
            "languages": ("chi",), "vernacular_title": None, "lengths": (368,), "doi": None,
            "published": on(1997, 10), "pages": "124-7",
        },
    ),
    Odd(
        "34859621", "a second abstract in Chinese",
        {"authors": 1, "abstract": 1, "other_abstracts": 1, "keywords": 4},
        {
            "title":
                "Research progress on the application of framework nucleic acid in bone "
                "regeneration.",
            "others": (("chi", "Publisher", 196),), "languages": ("eng", "chi"),
            "lengths": (600,), "published": on(2021, 12, 1), "doi": "10.7518/hxkq.2021.06.002",
        },
    ),
    Odd(
        "31825337", "a second abstract in Russian; an issue without a volume",
        {"abstract": 1, "other_abstracts": 1, "authors": 6, "affiliations": 6, "keywords": 6},
        {
            "title":
                "[Differential diagnosis of neurological conditions in cardiac patients on the "
                "first day after cardiac, ascending aortic and aortic arch surgery and repair of "
                "internal carotid arteries].",
            "vernacular_title":
                "Nevrologicheskiĭ status u patsientov v pervye sutki posle serdechno-sosudistykh "
                "operatsiĭ.",
            "others": (("rus", "Publisher", 1904),), "issue": (None, "12"),
            "published": on(2019), "lengths": (956,), "doi": "10.17116/hirurgia20191215",
        },
    ),
    Odd(
        "38079170", "a summary for lay people and no abstract, so it stands in",
        {"abstract": 1, "other_abstracts": 1, "authors": 3, "affiliations": 4},
        {
            "title":
                "Ownership and Interoperability Challenges of Alzheimer Monoclonal Antibody "
                "Registries.",
            "others": (("eng", "plain-language-summary", 256),), "lengths": (256,),
            "published": on(2023, 12, 11), "issue": (None, None),
            "doi": "10.1001/jamaneurol.2023.4675",
        },
    ),
    Odd(
        "33160472", "two months with blanks between",
        {"authors": 1, "mesh": 4, "keywords": 9},
        {
            "title": "[Favouring the integration of a professional with a disability].",
            "vernacular_title": "Intégrer un professionnel en situation de handicap.",
            "published": printed(2020, "2020 Jul - Aug"), "electronic": None,
            "languages": ("fre",), "lengths": (427,), "doi": "10.1016/S0038-0814(20)30150-X",
        },
    ),
    Odd(
        "29929724", "two months, two languages, a structured abstract",
        {"authors": 6, "mesh": 17, "qualifiers": 7, "keywords": 8, "history": 5},
        {
            "title": "Concha bullosa. A radiological study and a new classification.",
            "published": printed(2019, "2019 May - Jun"), "languages": ("eng", "spa"),
            "labels": labels("OBJECTIVE", "MATERIAL AND METHODS", "RESULTS", "CONCLUSION"),
            "lengths": (240, 153, 344, 406), "doi": "10.1016/j.otorri.2018.03.003",
        },
    ),
    Odd(
        "973217", "a season, which is no month",
        {"authors": 1, "mesh": 4, "abstract": 0},
        {
            "title": "Hospital debt management and cost reimbursement.", "pages": "69-81",
            "published": printed(1976, "1976 Fall"), "electronic": None, "doi": None,
        },
    ),
    Odd(
        "39364306", "two seasons; an ORCID for every author, an affiliation not for all",
        {"authors": 8, "affiliations": 5, "orcids": 8, "references": 13, "grants": 1},
        {
            "title":
                '"My Mom Would Always Say Pussy Rules the World": A Qualitative Exploration of '
                "Southern Black Women's Sexual Messages.",
            "published": printed(2024, "2024 Winter-Spring"), "electronic": on(2024, 7, 2),
            "affiliated": (1, 0, 0, 0, 1, 1, 1, 1), "lengths": (770,),
            "doi": "10.1353/bsr.2024.a931228", "pmcid": "PMC11449103",
        },
    ),
    Odd(
        "1079321", "what was republished instead of a retracted paper: itself not retracted",
        {"authors": 2, "mesh": 5, "qualifiers": 3, "abstract": 0},
        {
            "title":
                "Letter: Proportion of E rosettes normal in Graves's and Hashimoto's disease: a "
                "retraction.",
            "published": on(1975, 7, 3), "status": Status.PUBLISHED,
            "doi": "10.1056/NEJM197507032930115",
            "publication_types": ("Journal Article", "Retraction of Publication"),
            "links": (("RetractedandRepublishedFrom", 4122370),), "notice_of": (4122370,),
        },
    ),
    Odd(
        "4122370", "retracted and republished; its DOI only in the list of ids",
        {"authors": 4, "mesh": 14, "qualifiers": 10, "chemicals": 2, "abstract": 0},
        {
            "title":
                "Peripheral thymus-dependent (T) lymphocytes in Graves's disease and Hashimoto's "
                "thyroiditis.",
            "status": Status.RETRACTED, "links": (("RetractedandRepublishedIn", 1079321),),
            "doi": "10.1056/NEJM197306212882502", "published": on(1973, 6, 21),
        },
    ),
    Odd(
        "8655018", "retracted, with a comment beside the notice",
        {"authors": 2, "affiliations": 1, "mesh": 10, "qualifiers": 6, "publication_types": 4},
        {
            "title":
                "[Effect of fetal and neonatal growth on the occurrence of some diseases in "
                "adults].",
            "status": Status.RETRACTED, "published": on(1996, 1), "lengths": (401,),
            "links": (("CommentIn", 9867475), ("RetractionIn", 9867474)), "doi": None,
        },
    ),
    Odd(
        "31839707", "a notice of retraction without authors, that names another DOI in its text",
        {"authors": 0, "corrections": 1, "publication_types": 1},
        {
            "title":
                "Tracheal intubation with the rigid tube for laryngoscopy - a new method "
                "[Retraction].",
            "status": Status.PUBLISHED, "links": (("RetractionOf", 30880996),),
            "notice_of": (30880996,), "doi": "10.2147/TCRM.S224147", "pmcid": "PMC6677128",
            "published": on(2019), "electronic": on(2019, 7, 29), "lengths": (55,),
        },
    ),
    Odd(
        "9500320", "retracted after a correction and before an expression of concern",
        {"authors": 13, "affiliations": 1, "corrections": 29, "mesh": 17, "qualifiers": 11,
         "chemicals": 5, "publication_types": 3},
        {
            "title":
                "Ileal-lymphoid-nodular hyperplasia, non-specific colitis, and pervasive "
                "developmental disorder in children.",
            "status": Status.RETRACTED, "pages": "637-41", "published": on(1998, 2, 28),
            "labels": labels("BACKGROUND", "METHODS", "FINDINGS", "INTERPRETATION"),
            "lengths": (114, 639, 869, 197), "doi": "10.1016/s0140-6736(97)11096-0",
            "grave_links": (
                ("ErratumIn", 15016483), ("RetractionIn", 20137807),
                ("ExpressionOfConcernIn", 21971344),
            ),
        },
    ),
    Odd(
        "39733499", "the journal's version of a preprint",
        {"authors": 12, "affiliations": 12, "keywords": 6, "history": 6},
        {
            "title":
                "The maturation of infant and toddler visual cortex neural activity and "
                "associations with fine motor performance.",
            "links": (("UpdateOf", 38915536),), "status": Status.PUBLISHED,
            "earlier_versions": (38915536,), "doi": "10.1016/j.dcn.2024.101501",
            "published": on(2024, 12, 24), "electronic": on(2024, 12, 24), "lengths": (1306,),
        },
    ),
    Odd(
        "32887691", "a living guideline: updated four times, and corrected, which is graver",
        {"authors": 85, "affiliations": 121, "corrections": 9, "grants": 2, "mesh": 10},
        {
            "title": "A living WHO guideline on drugs for covid-19.",
            "status": Status.CORRECTED, "pages": "m3379", "doi": "10.1136/bmj.m3379",
            "labels": labels(
                "UPDATES", "CLINICAL QUESTION", "CONTEXT", "WHAT IS NEW?", "ABOUT THIS GUIDELINE",
                "FUTURE RECOMMENDATIONS",
            ),
            "lengths": (203, 69, 226, 1203, 1380, 331), "published": on(2020, 9, 4),
            "grave_links": (
                ("UpdateIn", 33214213), ("UpdateIn", 33789884), ("UpdateIn", 34230027),
                ("UpdateIn", 34556469), ("ErratumIn", 35470203),
            ),
        },
    ),
    Odd(
        "26702309", "corrected; a citation without the data of PubMed, so without a list of ids",
        {"authors": 3, "affiliations": 3, "keywords": 4, "history": 0},
        {
            "title": "Diversity oriented synthesis for novel anti-malarials.",
            "status": Status.CORRECTED, "links": (("ErratumIn", 26705261),), "pmcid": None,
            "doi": "10.1007/s11693-015-9171-0", "issue": ("9", "Suppl 1"), "lengths": (596,),
            "published": on(2015, 12), "electronic": on(2015, 5, 10),
        },
    ),
    Odd(
        "26432147", "a comment; a citation without the data of PubMed; pages with words",
        {"authors": 1, "affiliations": 1, "history": 0, "abstract": 0},
        {
            "title": "August consultation #6.", "status": Status.PUBLISHED,
            "links": (("CommentOn", 26432142),), "pages": "1789-90; discussion 1791",
            "doi": "10.1016/j.jcrs.2015.07.026", "published": on(2015, 8), "electronic": None,
        },
    ),
    Odd(
        "32685698.v3", "the third version, also of its number in PMC; a group as second author",
        {"authors": 5, "affiliations": 8, "orcids": 3, "keywords": 6},
        {
            "title":
                "Estimating the overdispersion in COVID-19 transmission using outbreak sizes "
                "outside China.",
            "version": 3, "doi": "10.12688/wellcomeopenres.15842.3", "pmcid": "PMC7338915.3",
            "last_names": ("Endo", None, "Abbott", "Kucharski", "Funk"), "lengths": (1856,),
            "published": on(2020), "electronic": on(2020, 7, 10),
        },
    ),
    Odd(
        "33274047.v3", "the third version, with data in an archive",
        {"authors": 4, "affiliations": 4, "orcids": 1, "references": 28},
        {
            "title":
                "Frequency and clinical significance of prostatic involvement in men with febrile "
                "urinary tract infection: a prospective observational study.",
            "version": 3, "trial_ids": (), "doi": "10.12688/f1000research.24094.3",
            "numbers": (("figshare", "10.6084/m9.figshare.12286865.v2"),), "lengths": (1861,),
            "published": on(2020), "electronic": on(2020, 6, 16), "pmcid": "PMC7684675",
        },
    ),
    Odd(
        "33258064", "a registered trial; neither volume nor issue yet",
        {"authors": 5, "affiliations": 6, "orcids": 1, "keywords": 5},
        {
            "title":
                "The Effect of Exercise During Pregnancy on Maternal and Offspring Vascular "
                "Outcomes: a Pilot Study.",
            "trial_ids": ("NCT03079258",), "issue": (None, None), "lengths": (1848,),
            "numbers": (("ClinicalTrials.gov", "NCT03079258"),),
            "doi": "10.1007/s43032-020-00302-7", "published": on(2020, 11, 30),
        },
    ),
    Odd(
        "20301577", "a chapter: its own two authors, not the six editors; one keyword twice",
        {"authors": 2, "affiliations": 3, "keywords": 8, "references": 30, "history": 3},
        {
            "title": "CACNA1C-Related Disorders",
            "title_html": "<i>CACNA1C</i>-Related Disorders", "journal_title": "GeneReviews®",
            "published": on(1993), "electronic": on(2006, 2, 15), "doi": None,
            "last_names": ("Napolitano", "Priori"), "publication_types": ("Review",),
            "labels": labels(
                "CLINICAL CHARACTERISTICS", "DIAGNOSIS/TESTING", "MANAGEMENT", "GENETIC COUNSELING"
            ),
            "lengths": (963, 186, 3457, 1131),
        },
    ),
    Odd(
        "21413225", "a chapter of a book whose title has markup",
        {"authors": 3, "affiliations": 3, "abstract": 0},
        {
            "title": "The Genome", "journal_title": "C. elegans II", "published": on(1997),
            "last_names": ("Waterston", "Sulston", "Coulson"), "title_html": None,
            "publication_types": ("Review",), "doi": None,
        },
    ),
    Odd(
        "20301295", "a book as a whole: its title, and its editors as authors",
        {"authors": 5, "affiliations": 0, "abstract": 1, "publication_types": 0},
        {
            "title": "GeneReviews™", "published": on(1993), "lengths": (1206,), "doi": None,
            "last_names": ("Pagon", "Bird", "Dolan", "Stephens", "Adam"), "electronic": None,
        },
    ),
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{odd.name}: {odd.why}")
def test_a_field_equals_what_the_file_says(odd: Odd) -> None:
    parsed = parse_records((RECORDED / f"{odd.name}.xml").read_bytes())

    assert not parsed.refused
    (article,) = parsed.articles
    counts, fields = counts_of(article), fields_of(article)
    assert article.pmid == int(odd.name.partition(".")[0])
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
