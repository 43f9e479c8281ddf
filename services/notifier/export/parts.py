"""What several forms say of an article: names, dates, pages, and what has become of the paper."""

from services.notifier.item import clean, why_line
from services.notifier.standing import STANDINGS
from shared.article import Article, Author, PartialDate
from shared.events import Classified


def one_line(text: str | None) -> str:
    """The text on one line; "" for none."""
    return clean(text or "")


def abstract(article: Article) -> str:
    """The abstract as one text, headings of sections before their words."""
    return " ".join(
        f"{section.label}: {section.text}" if section.label else section.text
        for section in article.abstract
    )


def person(author: Author) -> str:
    """As in "Okafor, Ada B."; the name alone of a group."""
    if author.collective_name:
        return one_line(author.collective_name)
    first = author.fore_name or author.initials
    return ", ".join(filter(None, (one_line(author.last_name), one_line(first))))


def first_and_last(pages: str | None) -> tuple[str, str]:
    """The first and the last page; PubMed's "123-9" ends with 129. An article number has no end."""
    start, _, end = one_line(pages).split(",")[0].partition("-")
    if start.isdigit() and end.isdigit() and len(end) < len(start):
        end = start[: len(start) - len(end)] + end
    return start, end


def partial(date: PartialDate, separator: str = "-") -> str:
    """Year, month and day as far as they are known: "2026-09", and "" for none."""
    if not date.year:
        return ""
    parts = [f"{date.year:04d}"]
    for part in (date.month, date.day):
        if part is None:
            break
        parts.append(f"{part:02d}")
    return separator.join(parts)


def year(article: Article) -> int | None:
    """The year of publication; where only words are printed, the one that they begin with."""
    date = article.published
    text = (date.text or "")[:4]
    return date.year or (int(text) if text.isascii() and text.isdigit() else None)


def notes(entry: Classified) -> list[str]:
    """What a reader must know of the paper: that it does not stand, or is a preprint."""
    article = entry.article
    told: list[str] = []
    standing = STANDINGS.get(article.status)
    if standing:
        sources = [
            one_line(one.source) + (f" (PMID {one.pmid})" if one.pmid else "")
            for one in article.corrections
            if one.ref_type in standing.sources
        ]
        words = standing.lead.upper() if standing.is_gone else standing.lead
        told.append(f"{words}: {'; '.join(sources)}" if sources else words)
    if article.is_preprint:
        told.append("Preprint, not peer reviewed")
    return told


def labels(entry: Classified, facet: str | None = None) -> list[str]:
    """Names of labels, of one facet or of all but the scope."""
    return [
        one_line(label.name)
        for label in entry.classification.labels
        if (label.facet == facet if facet else label.facet != "scope")
    ]


def why(entry: Classified) -> str:
    """Why it is in the topic."""
    return f"Carillon: {why_line(entry.reasons)}" if entry.reasons else "Carillon"


def trials(entry: Classified) -> tuple[str, ...]:
    """Its numbers in registers of trials."""
    return entry.classification.trials or entry.article.trial_ids
