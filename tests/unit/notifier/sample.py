"""Many digests of every kind, by a seed: what readers get, and what nobody hopes they get."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from markupsafe import escape

from services.notifier.compose import Beside
from services.notifier.digest import Digest, First, Notice, Series, Trend, Usual
from services.notifier.health import Drift, Trouble
from services.notifier.item import MODALITIES
from services.notifier.render.links import NO_PAGES, Links
from services.notifier.render.mail import Envelope
from services.notifier.ties import Tie
from services.notifier.trend import months
from shared.article import Author, Journal, PartialDate, Status
from shared.events import Classified, Label, Reason
from tests.unit.notifier.digests import a_coverage, a_digest, a_label, a_notice, an_entry

ODD = (
    "", " ", "x", ".", ". begins with a dot", "From the beginning of a line", "=?utf-8?q?words?=",
    "<script>alert(1)</script> & <b>bold</b>", "A & B < C > D \" E ' F", "{{ 7 * 7 }} {% if x %}",
    "ends\r\nBcc: thief@example.org\r\n\r\nbody", "a\x00b\x1bc\x7fd", "lone \ud800 surrogate",
    "\u202egnirts desrever\u202c", "תאי CAR-T במחלות אוטואימוניות", "خلايا CAR-T في الذئبة",
    "自身免疫性疾病中的CAR-T细胞疗法", "Größe: naïve T\u2011cells — β₂-GPI",
    "👩‍🔬 cells \u200b\u2028next\u2029",
    "*stars* _under_ `tick` ~tilde~ |bar|", "<!here> <@U123> <#C123>", "%s %d {} \\n \\",
    "= =3D =20",
    "word " * 300, "long" * 300, "ä" * 700, "e\u0301" * 200, "tail \t \n of   spaces   ",
)  # fmt: skip
"""Titles and names as nobody should write them."""

PLAIN = (
    "CD19 CAR-T cells in refractory lupus", "A phase 1 trial of BCMA CAR-T in myasthenia gravis",
    "In vivo CAR-T by lipid nanoparticles", "CAR-Treg cells restore tolerance in mice",
)  # fmt: skip
PAGES = "https://carillon.example.org"
EVERY_LINK = Links(
    f"{PAGES}/leave?token=WyJyIixudWxsXQ.x-_y",
    f"{PAGES}/manage?token=WyJyIiwxXQ.ab&of=me",
    f"{PAGES}/digests/WyJkIixudWxsXQ.Zm9v_-",
)
LOCAL = Links("http://localhost:8000/leave?token=a", None, "http://localhost:8000/digests/b")
KINDS = ("retracted", "withdrawn", "deleted", "expression-of-concern", "corrected", "updated")
TIES = ("published-as", "updated-by", "preprint", "update-of", "about", "republished")


def some_text(at: Random) -> str:
    """A title or name, odd one time in two."""
    return at.choice(ODD if at.random() < 0.5 else PLAIN)


def some_labels(at: Random) -> tuple[Label, ...]:
    sentence = f"We gave CD19 CAR-T cells to {at.randint(2, 40)} people. {some_text(at)}"
    modality, name = at.choice(MODALITIES)
    first = a_label(modality, sentence=sentence, matched="CD19 CAR-T").model_copy(
        update={"name": name}
    )
    diseases = (a_label(f"disease {n}", "disease") for n in range(at.randint(0, 6)))
    return (*([first] if at.random() < 0.8 else []), *diseases, a_label("trial", "evidence"))


def some_entry(at: Random, pmid: int) -> Classified:
    title = some_text(at)
    odd: dict[str, Any] = {
        "title": title,
        "title_html": f"{escape(title)}" if at.random() < 0.5 else None,
        "authors": tuple(Author(last_name=some_text(at)) for _ in range(at.choice((0, 1, 3, 9)))),
        "journal": Journal(title=some_text(at)),
        "published": PartialDate(year=2026, month=at.randint(1, 12)),
        "doi": at.choice((None, "10.1/x", "10.1002/(SICI)1<1::AID>3.0.CO;2-#", "10.1/ä b")),
        "pmcid": at.choice((None, "PMC123456")),
        "trial_ids": at.choice(((), ("NCT01234567", "ISRCTN1"), ("NCT1 <x>",))),
        "status": at.choice((*Status, *[Status.PUBLISHED] * 9)),
        "publication_types": at.choice(((), ("Preprint",), ("Published Erratum",))),
        "copyright": at.choice((None, "Demo record: facts from PubMed.")),
    }
    return an_entry(
        pmid,
        *some_labels(at),
        **odd,
        scope=at.choice(("core", "core", "adjacent", "unclear")),
        relatedness=at.random(),
        reasons=(Reason(relation="query", name=some_text(at)), Reason(relation="cited-by")),
    )


def some_notices(at: Random) -> tuple[Notice, ...]:
    number = at.choice((0, 0, 1, 7))
    return tuple(
        a_notice(
            pmid=900 + n,
            title=some_text(at) or "Untitled",
            kind=at.choice(KINDS),
            notice_pmid=at.choice((None, 990 + n)),
            notice_source=at.choice((None, some_text(at))),
        )
        for n in range(number)
    )


def some_beside(at: Random, pmids: range) -> Beside:
    old = tuple(some_entry(at, 5000 + n) for n in range(at.choice((0, 0, 3, 25))))
    ties = {
        pmid: tuple(
            Tie(
                kind=at.choice(TIES),
                pmid=7000 + pmid + n,
                title=some_text(at),
                folded=at.random() < 0.3,
                sent_on=at.choice((None, date(2026, 9, 2))),
            )
            for n in range(at.choice((1, 2, 9)))
        )
        for pmid in pmids
        if at.random() < 0.2
    }
    return Beside(background=old, ties=ties)


def some_coverage(at: Random) -> Any:
    since = datetime(2026, 9, 9, 5, tzinfo=UTC)
    trouble = Trouble(what="similar articles", why="the server was busy", since=since, alarm=True)
    return a_coverage(
        polls=at.choice((0, 1, 14)),
        healthy=at.random() < 0.7,
        unhealthy_since=at.choice((None, since)),
        legs=tuple(f"leg {n}: {n} of {n}" for n in range(at.choice((0, 4, 12)))),
        troubles=at.choice(((), (trouble,))),
        drifts=at.choice(
            ((), (Drift(key="d1", what="query 'core'", added=("lupus",), dropped=("SLE",)),))
        ),
        in_processing=at.choice((0, 3)),
    )


def some_trend(at: Random) -> Trend | None:
    if at.random() < 0.3:
        return None
    shown = MODALITIES[: at.randint(1, 6)]
    return Trend(
        months=months(date(2026, at.randint(1, 12), 14)),
        series=tuple(
            Series(modality=key, name=name, counts=tuple(at.randint(0, 9) for _ in range(12)))
            for key, name in shown
        ),
    )


def some_digest(seed: int) -> Digest:
    """The digest of this seed; the same each time."""
    at = Random(seed)  # noqa: S311 - for variety, not for secrets
    number = at.choice((0, 1, 1, 2, 3, 5, 14, 14, 40, 120))
    pmids = range(1, number + 1)
    digest = a_digest(
        *(some_entry(at, pmid) for pmid in pmids),
        notices=some_notices(at),
        beside=some_beside(at, pmids),
        coverage=some_coverage(at),
        topic_title=some_text(at).strip() or "CAR in autoimmunity",
        max_items=at.choice((3, 50, 1000)),
        cadence=at.choice(("daily", "weekly", "monthly", "immediate")),
        catch_up_from=at.choice((None, None, datetime(2026, 8, 1, tzinfo=UTC))),
        created_at=datetime(2026, 9, 14, 5, tzinfo=UTC) + timedelta(seconds=seed),
    )
    first = First(pmid=1, modality="CAAR-T", disease=some_text(at).strip() or "lupus")
    changes = {
        "usual": at.choice((None, Usual(low=4, high=7, over=8), Usual(low=2, high=2, over=5))),
        "firsts": at.choice(((), (first,))),
        "trend": some_trend(at),
        "withheld_deleted": at.choice((0, 2)),
        "waiting": at.choice((0, 12)),
    }
    return digest.model_copy(update=changes)


def some_envelope(seed: int) -> Envelope:
    """Its envelope: with all pages, on a machine without https, or without pages."""
    links = (EVERY_LINK, EVERY_LINK, LOCAL, NO_PAGES)[seed % 4]
    sender = ("Carillon <news@c.example>", "news@c.example", "Zoë Müller <z@c.example>")[seed % 3]
    return Envelope(sender, f"reader{seed}@x.example", "car.c.example", "c.example", links)
