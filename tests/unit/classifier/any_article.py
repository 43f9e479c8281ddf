"""Articles of every kind that the poller can publish, from the plain to the absurd.

All sentences are our own.
"""

from hypothesis import strategies as st

from shared.article import AbstractSection, Article, MeshHeading
from shared.events import Evidence

UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
"""Any text that UTF-8 can carry: all planes, control characters, unassigned and private ones."""

ODD = st.sampled_from(
    [
        "\u0301" * 30, "\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u2028",
        "\x85", "\x00", "\x1b[31m", "\ufffe", "\U0010ffff", "\U0001f9ec", "\u05d0\u05d1",
        "\u0644\u0627", "\u212b", "\u2126", "\u1e9b\u0323", "\u0130", "\ufb01", "\u01c6", "\u1d2c",
        "\uff23\uff21\uff32", "\u00b2\u207a", "CD19\u207a", "\u03b3\u03b4", "\u2211\u222b\u2260",
        "((((", "))))", "[[]]", "{%", "$$\\frac{a}{b}$$", "<b>", "&amp;", "%s", "'", '"', "()",
        "( )", "(a)", "(CAR", "CAR)", ".", "...", ". . .", "?!", ";", "\n", "\n\n", "\t", "e.g.",
        "i.v.", "Fig. 2.", "vs.", "No. 3.", "s", "S", "-", "\u2013", "/", "=", "*", "~", "|",
        "x" * 300,
    ]
)  # fmt: skip

SAID = st.sampled_from(
    [
        "CAR", "CARs", "CAR-T cells", "CAR\u2011T cells", "anti-CD19", "CD19/BCMA",
        "CD19-directed", "CAR-NK", "CAR-Treg", "CAAR-T cells", "(CAR)", "lupus",
        "systemic sclerosis", "MS", "(MS)", "chimeric antigen receptor (CAR)",
        "constitutive androstane receptor (CAR)", "DSG3", "no", "unlike", "not", "without",
        "targeting", "such as", "we review", "in vivo", "mRNA", "lymphoma", "Descartes-08",
        "universal", "a phase 1 trial", "mice", "patients", "may one day", "review",
        "beyond oncology", "Retraction:", "study protocol", "case report", "NCT01234567", "2024",
        "\u03b3\u03b4 T cells", "macrophages", "has transformed cancer care", "and", "in", "of",
        "or",
    ]
)  # fmt: skip

TEXT = st.one_of(
    UNICODE,
    st.lists(st.one_of(SAID, SAID, ODD, UNICODE), max_size=20).map(" ".join),
    st.lists(st.one_of(SAID, ODD), max_size=20).map("".join),
)
SECTION = st.builds(AbstractSection, text=TEXT, label=st.none() | UNICODE)
TYPES = st.sampled_from(
    ["Journal Article", "Review", "Letter", "Case Reports", "Clinical Trial, Phase I", "Preprint"]
)
ARTICLES = st.builds(
    Article,
    pmid=st.integers(1, 99_999_999),
    title=TEXT,
    abstract=st.lists(SECTION, max_size=4).map(tuple),
    mesh=st.lists(st.builds(MeshHeading, name=TEXT), max_size=2).map(tuple),
    keywords=st.lists(TEXT, max_size=3).map(tuple),
    publication_types=st.lists(st.one_of(TYPES, TEXT), max_size=2).map(tuple),
    trial_ids=st.lists(TEXT, max_size=2).map(tuple),
)


def text_named(evidence: Evidence, article: Article) -> str:
    """The text of the article that the evidence names as its place."""
    if evidence.place == "title":
        return article.title
    assert evidence.section is not None
    texts = {
        "abstract": [section.text for section in article.abstract],
        "mesh": [heading.name for heading in article.mesh],
        "keyword": list(article.keywords),
        "publication-type": list(article.publication_types),
    }
    return texts[evidence.place][evidence.section]
