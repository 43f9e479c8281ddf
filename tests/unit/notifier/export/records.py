"""An article with everything that can go wrong in a file of references."""

from datetime import UTC, datetime
from typing import Any

from services.notifier.project import Known, project
from shared.article import (
    AbstractSection,
    Author,
    Correction,
    Journal,
    MeshHeading,
    PartialDate,
    Status,
)
from shared.events import Reason
from tests.builders import NOON, a_classification, a_label, an_article, classified


def a_known(**changes: Any) -> Known:
    about = {name: changes.pop(name) for name in ("reasons", "classification") if name in changes}
    event = classified(article=an_article(**changes), **about)
    return project(None, event.data, event.time, NOON)


def a_hard_one() -> Known:
    return a_known(
        pmid=40000007,
        title="CAR-T & 50% of {B} cells: TNF-\u03b1 <b>x_1</b>\n#1 \u2265 2",
        title_html="CAR-T &amp; 50% of {B} cells: TNF-\u03b1 &lt;b&gt;x<sub>1</sub> #1 \u2265 2",
        abstract=(
            AbstractSection(label="AIMS", text='We say "so",\nand ER  - more.'),
            AbstractSection(text="It cost 5$ ~ all. " + "word " * 60),
        ),
        authors=(
            Author(
                last_name="M\u00fcller-L\u00fcdenscheidt", fore_name="J\u00fcrgen B", initials="JB"
            ),
            Author(last_name="O'Brien", initials="K"),
            Author(collective_name="The {Group} & Friends"),
        ),
        journal=Journal(
            title="Journal of Examples & Tests", abbreviation="J Ex", issn="1234-5678",
            volume="12", issue="3", pages="123-9",
        ),
        published=PartialDate(year=2026, month=9, day=8),
        doi="10.1002/(SICI)1097<1::AID>3.0.CO;2-#",
        pmcid="PMC1234567",
        keywords=("immune reset", "=cmd|'/c calc'!A1"),
        mesh=(
            MeshHeading(
                name="Lupus Erythematosus, Systemic", major=True, qualifiers=("therapy",),
                major_qualifiers=("therapy",),
            ),
            MeshHeading(name="Humans"),
        ),
        languages=("eng",),
        trial_ids=("NCT01234567",),
        publication_types=("Journal Article", "Retracted Publication"),
        corrections=(Correction(ref_type="RetractionIn", pmid=9, source="J Ex. 2026 Oct;1:2"),),
        status=Status.RETRACTED,
        entered_at=datetime(2026, 9, 9, 6, tzinfo=UTC),
        reasons=(Reason(relation="cited-by"),),
        classification=a_classification(
            labels=(a_label(), a_label(facet="disease", id="sle", name="Lupus")),
            trials=("NCT01234567",),
        ),
    )  # fmt: skip
