"""Builders: a test names only what it is about. All sentences here are made up."""

from datetime import UTC, date, datetime
from typing import Any

from services.notifier.compose import compose
from services.notifier.digest import Coverage, Digest, DigestHead, Notice
from shared.article import Article, Author, Journal, PartialDate
from shared.events import Classification, Classified, Evidence, Facet, Label, Place, Reason

NAMES = {
    "cd19-car-t": "CD19 CAR-T",
    "caar-t": "CAAR-T",
    "car-nk": "CAR-NK",
    "car-t-general": "CAR-T in general",
    "sle": "Systemic lupus erythematosus",
    "trial": "Trial",
}
QUERY = Reason(relation="query", name="core")


def a_label(
    label: str = "cd19-car-t",
    facet: Facet = "modality",
    sentence: str = "",
    matched: str = "",
    place: Place = "abstract",
) -> Label:
    """A label, carried by `matched` in `sentence` when there is one."""
    at = sentence.find(matched)
    words = Evidence(
        place=place, sentence=sentence, start=at, end=at + len(matched), matched=matched, rule="r1"
    )
    carried = (words,) if matched else ()
    name = NAMES.get(label, label)
    return Label(facet=facet, id=label, name=name, confidence=0.9, evidence=carried)


def an_entry(pmid: int = 101, *labels: Label, **changes: Any) -> Classified:
    """A classified article; `changes` go to the article, `scope`, `reasons` and the like apart."""
    scope = changes.pop("scope", "core")
    about = {
        name: changes.pop(name)
        for name in ("reasons", "relatedness", "revision")
        if name in changes
    }
    facts: dict[str, Any] = {
        "title": f"Engineered cells in disease {pmid}",
        "journal": Journal(title="Journal of Examples", abbreviation="J Ex"),
        "published": PartialDate(year=2026, month=9, day=8),
        "authors": (Author(last_name="Doe", initials="J"),),
        **changes,
    }
    return Classified(
        topic="car",
        article=Article(pmid=pmid, **facts),
        revision=about.pop("revision", 1),
        reasons=about.pop("reasons", (QUERY,)),
        relatedness=about.pop("relatedness", 0.5),
        poll_id="poll-1",
        discovered_at=datetime(2026, 9, 8, 6, tzinfo=UTC),
        classification=Classification(
            scope=scope, labels=labels, taxonomy_version="1", classifier_version="1"
        ),
    )


def a_head(**changes: Any) -> DigestHead:
    facts: dict[str, Any] = {
        "id": "7c3f2a9e-0000-5000-8000-000000000001",
        "topic": "car",
        "topic_title": "CAR in autoimmunity",
        "seed": 39450112,
        "subscription_id": "sub-1",
        "cadence": "weekly",
        "period_from": datetime(2026, 9, 7, 5, tzinfo=UTC),
        "period_to": datetime(2026, 9, 14, 5, tzinfo=UTC),
        "created_at": datetime(2026, 9, 14, 5, 0, 3, tzinfo=UTC),
        "time_zone": "Europe/Berlin",
        "max_items": 1000,
        **changes,
    }
    return DigestHead(**facts)


def a_coverage(**changes: Any) -> Coverage:
    facts: dict[str, Any] = {
        "polls": 14,
        "healthy": True,
        "checked_from": datetime(2026, 9, 7, 5, tzinfo=UTC),
        "checked_to": datetime(2026, 9, 14, 5, tzinfo=UTC),
        "counted": 31,
        "stored": 31,
        **changes,
    }
    return Coverage(**facts)


def a_notice(**changes: Any) -> Notice:
    facts: dict[str, Any] = {
        "pmid": 99,
        "title": "A paper that did not last",
        "kind": "retracted",
        "notice_pmid": 100,
        "notice_source": "J Ex. 2026 Sep 10",
        "sent_on": date(2026, 9, 2),
        **changes,
    }
    return Notice(**facts)


def a_digest(*entries: Classified, notices: tuple[Notice, ...] = (), **changes: Any) -> Digest:
    coverage, beside = changes.pop("coverage", a_coverage()), changes.pop("beside", None)
    return compose(entries, notices, a_head(**changes), coverage, beside)


def a_full_digest() -> Digest:
    """One of everything: a notice, three modalities, a preprint, a demo record, an unclear one."""
    trial = an_entry(
        40000001,
        a_label(
            sentence="We gave CD19 CAR-T cells to five people with lupus.", matched="CD19 CAR-T"
        ),
        a_label("sle", "disease", "We gave CD19 CAR-T cells to five people with lupus.", "lupus"),
        a_label("trial", "evidence"),
        title="CD19 CAR T cells & CD4+ memory in <lupus>",
        title_html="CD19 CAR T cells &amp; CD4<sup>+</sup> memory in &lt;lupus&gt;",
        doi="10.1002/(SICI)1097-4652<1::AID>3.0.CO;2-#",
        pmcid="PMC1234567",
        trial_ids=("NCT01234567", "ISRCTN11111111"),
        reasons=(Reason(relation="cited-by"), Reason(relation="similar", rank=12, of=140), QUERY),
    )
    caar = an_entry(
        40000002,
        a_label("caar-t", sentence="DSG3 CAAR-T cells in mice", matched="CAAR-T", place="title"),
        a_label("car-t-general"),
        title="DSG3 CAAR-T cells in mice",
        publication_types=("Preprint",),
    )
    demo = an_entry(
        40000003,
        a_label("car-nk", sentence="The cells were CAR-NK cells.", matched="CAR-NK"),
        copyright="Demo record: facts from PubMed, summary in Carillon's own words.",
    )
    unclear = an_entry(40000004, scope="unclear", authors=(), journal=Journal())
    return a_digest(trial, caar, demo, unclear, notices=(a_notice(),))
