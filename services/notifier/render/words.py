"""The words that every form of a digest shares, so that they say the same."""

from datetime import date, datetime
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from services.notifier.digest import Digest, Group, Item, Notice
from services.notifier.item import UNTITLED, clean
from services.notifier.render.links import Links
from services.notifier.standing import STANDINGS, of_kind
from shared.article import Status

BEYOND_LISTED = 500
"""How many of the items that had no room are linked one by one; the rest are counted."""

QUIET = "Nothing new, and here is what was checked"
BACKGROUND = "Background"
BACKGROUND_NOTE = (
    "From before this watch began, nearest to the seed first. Not counted among what is new."
)
UNCLEAR = "We could not tell: please look"
LEAVE = "Leave this list"
MANAGE = "Change what you get"
PERMALINK = "Read on the web"
ELSEWHERE = "Read them on the web"
FEEDBACK = "Wrong label or not relevant?"
HOW_TO_LEAVE = "To leave this list, reply to this message and say so; its sender runs it."

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_SCOPES = {
    "adjacent": "Adjacent to autoimmunity",
    "oncology": "CAR in oncology",
    "none": "No CAR therapy",
    "unclear": "Scope unclear",
}
_PLACES = {
    "title": "In the title",
    "mesh": "MeSH heading",
    "keyword": "Keyword",
    "publication-type": "Publication type",
}


class Link(NamedTuple):
    """A link, or a bare identifier where no address is known."""

    text: str
    url: str | None


class Chip(NamedTuple):
    """A label as shown; `kind` is `modality`, `disease`, `evidence` or `alert`."""

    text: str
    kind: str


def pubmed(pmid: int) -> str:
    """The address of a record in PubMed."""
    return f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/"


def links(item: Item) -> tuple[Link, ...]:
    """PubMed, the publisher by DOI, the free full text in PMC, and the trials."""
    found = [Link(f"PubMed {item.pmid}", pubmed(item.pmid))]
    if item.doi:
        found.append(Link(f"doi:{clean(item.doi)}", doi_url(item.doi)))
    if item.pmcid:
        pmc = f"https://pmc.ncbi.nlm.nih.gov/articles/{quote(item.pmcid, safe='')}/"
        found.append(Link(f"Free full text {clean(item.pmcid)}", pmc))
    return (*found, *(_trial(trial) for trial in item.trial_ids))


def doi_url(doi: str) -> str:
    """The address of a DOI. Old DOIs hold `<`, `>` and `#`, which an address may not."""
    return f"https://doi.org/{quote(doi, safe='/:;()._-')}"


def _trial(trial: str) -> Link:
    if trial.startswith("NCT"):
        return Link(clean(trial), f"https://clinicaltrials.gov/study/{quote(trial, safe='')}")
    return Link(f"Trial {clean(trial)}", None)


def chips(item: Item, modality: str = "") -> tuple[Chip, ...]:
    """What happened to the paper, its scope unless `core`, and its labels.

    The label that the heading `modality` already says is left out.
    """
    alerts = [Chip(STANDINGS[item.status].name, "alert")] if _has_news(item) else []
    if item.is_preprint:
        alerts.append(Chip("Preprint, not peer reviewed", "alert"))
    if item.scope in _SCOPES:
        alerts.append(Chip(_SCOPES[item.scope], "evidence"))
    labels = (label for label in item.labels if label.facet != "scope")
    said = ("modality", modality)
    return (
        *alerts,
        *(Chip(clean(x.name), _kind(x.facet)) for x in labels if (x.facet, x.id) != said),
    )


def _has_news(item: Item) -> bool:
    """Whether its status says anything: of a preprint's update the tie says more."""
    if item.is_preprint and item.status is Status.UPDATED:
        return False
    return item.status in STANDINGS


def _kind(facet: str) -> str:
    return facet if facet in {"modality", "disease"} else "evidence"


def quote_lead(item: Item) -> str:
    """Where the quoted words stand; a demo record's summary is said to be ours."""
    if item.evidence is None:
        return ""
    if item.evidence.place != "abstract":
        return _PLACES[item.evidence.place]
    return "In Carillon's own summary" if item.is_demo_note else "In the abstract"


def quote_pieces(item: Item) -> tuple[tuple[str, bool], ...]:
    """The evidence sentence cut into (words, marked); of a title only the marked words."""
    if item.evidence is None:
        return ()
    pieces = item.evidence.pieces()
    if item.evidence.place == "abstract":
        return pieces
    marked = list(dict.fromkeys(words for words, is_marked in pieces if is_marked))
    shown = [(words, True) for words in marked] or list(pieces)
    return tuple(part for words in shown for part in ((", ", False), words))[1:]


def headline(digest: Digest) -> str:
    """How many articles are new, and in which days; or what is told at once."""
    if digest.kind == "notice":
        told = len(digest.notices) + digest.notices_beyond
        return f"{counted(told, 'notice')} about papers you were sent"
    if digest.kind == "replay":
        told = digest.total + len(digest.all_background)
        return f"{counted(told, 'article')} of a replay, {period(digest)}"
    if not (digest.total or digest.notices or digest.all_background):
        return f"{QUIET} ({period(digest)})"
    new = counted(digest.total, "new article") if digest.total else "No new article"
    return f"{new}, {period(digest)}"


def occasion(digest: Digest) -> str:
    """What this digest is; one after a pause says since when it makes up for it."""
    if digest.catch_up_from:
        since = day_text(local(digest, digest.catch_up_from).date())
        return f"Catch-up on your pause since {since}, around article"
    if digest.kind == "notice":
        return "Sent at once, beside your digests, around article"
    if digest.kind == "replay":
        return "Sent by an operator, beside your digests, around article"
    if digest.cadence == "immediate":
        return "Sent as soon as it was found, around article"
    return f"{clean(digest.cadence).capitalize()} digest around article"


def doors(links: Links) -> tuple[Link, ...]:
    """Where a reader can go from here: the digest on the web, the settings, the way out."""
    named = ((PERMALINK, links.permalink), (MANAGE, links.manage), (LEAVE, links.leave))
    return tuple(Link(text, url) for text, url in named if url)


def counted(number: int, noun: str) -> str:
    """The number and its noun: "1 poll", "14 polls"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def period(digest: Digest) -> str:
    """The days of the period in the subscriber's time zone, as "7 to 14 September 2026"."""
    start, end = (local(digest, day).date() for day in (digest.period_from, digest.period_to))
    if start == end:
        return day_text(end)
    keep = 1 if (start.year, start.month) == (end.year, end.month) else 3 - (start.year == end.year)
    return f"{' '.join(day_text(start).split()[:keep])} to {day_text(end)}"


def day_text(day: date) -> str:
    """A day in full, "14 September 2026"."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def local(digest: Digest, moment: datetime) -> datetime:
    """The moment in the subscriber's time zone."""
    return moment.astimezone(ZoneInfo(digest.time_zone))


def tally(digest: Digest) -> tuple[tuple[str, int], ...]:
    """(heading, number of articles) of every section, those there was no room for included."""
    rows = [(clean(group.name), group.count) for group in digest.groups]
    if digest.other_count:
        rows.append((UNCLEAR.split(":", maxsplit=1)[0], digest.other_count))
    return tuple(rows)


def filled(digest: Digest) -> tuple[Group, ...]:
    """The groups with anything left to show."""
    return tuple(group for group in digest.groups if group.items)


def notices_more(digest: Digest) -> str:
    """How many notices had no room."""
    return counted(digest.notices_beyond, "more notice")


def notice_lead(notice: Notice) -> str:
    """What happened."""
    return of_kind(notice.kind).lead


def notice_title(notice: Notice) -> str:
    """The title of the paper that it is about."""
    return clean(notice.title) or UNTITLED


def notice_paint(notice: Notice) -> str:
    """The palette's name for the gravity of a notice."""
    return "notice" if of_kind(notice.kind).is_gone else "warning"


def notice_paper(notice: Notice) -> Link:
    """The paper that it is about; no address where PubMed has no record any more."""
    if not of_kind(notice.kind).has_record:
        return Link(f"PMID {notice.pmid}", None)
    return Link(f"PubMed {notice.pmid}", pubmed(notice.pmid))


def notice_sent(notice: Notice) -> str:
    """When this reader was sent the paper."""
    return f"You were sent this paper on {day_text(notice.sent_on)}."


def notice_link(notice: Notice) -> Link | None:
    """The notice itself, as far as PubMed names it."""
    if notice.notice_pmid is None and not notice.notice_source:
        return None
    source = clean(notice.notice_source or f"PubMed {notice.notice_pmid}")
    what = "Update" if notice.kind == "updated" else "Notice"
    return Link(f"{what}: {source}", pubmed(notice.notice_pmid) if notice.notice_pmid else None)


def more_lead(digest: Digest) -> str:
    """What was left out for room."""
    return f"{digest.more} more"
