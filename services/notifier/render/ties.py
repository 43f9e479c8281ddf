"""What an item has to do with other records, in words and with a link to each."""

from typing import NamedTuple

from services.notifier.item import Item, clean
from services.notifier.render.words import Link, day_text, pubmed
from services.notifier.standing import STANDINGS
from services.notifier.ties import Tie, TieKind

MOST = 5
"""Ties named one by one: a notice can be about dozens of papers."""

TITLE_LIMIT = 160

_LEADS: dict[TieKind, str] = {
    "published-as": "Preprint, now published:",
    "updated-by": "Updated by",
    "preprint": "Published version of preprint",
    "update-of": "An update of",
    "about": "Notice about",
    "republished": "Republished version of",
}
_SENT: dict[TieKind, str] = {"preprint": "its preprint"}
FOLDED = "The preprint is told with it, and will not come by itself."


class TieLine(NamedTuple):
    """`lead`, `link` and `tail` in their order make a sentence."""

    lead: str
    link: Link
    tail: str


def tie_lines(item: Item) -> tuple[TieLine, ...]:
    """A sentence for each tie; of very many, how many more there are."""
    told = [_line(tie) for tie in item.ties[:MOST]]
    rest = len(item.ties) - MOST
    if rest > 0:
        told.append(
            TieLine("and", Link(f"{rest} more, named in its record", pubmed(item.pmid)), ".")
        )
    return tuple(told)


def _line(tie: Tie) -> TieLine:
    standing = STANDINGS.get(tie.status)
    fate = standing.name[0].lower() + standing.name[1:] if standing and standing.is_gone else ""
    url = pubmed(tie.pmid) if standing is None or standing.has_record else None
    named = f"PMID {tie.pmid}"
    if tie.kind == "about" and tie.title and _short(tie.title):
        aside = ", ".join(part for part in (named, fate) if part)
        return TieLine(_LEADS[tie.kind], Link(_short(tie.title), url), f" ({aside}).{_more(tie)}")
    aside = f" ({fate})" if fate else ""
    return TieLine(_LEADS[tie.kind], Link(named, url), f"{aside}.{_more(tie)}")


def _more(tie: Tie) -> str:
    if tie.folded:
        return f" {FOLDED}"
    if tie.sent_on is None:
        return ""
    return f" You were sent {_SENT.get(tie.kind, 'it')} on {day_text(tie.sent_on)}."


def _short(title: str) -> str:
    title = clean(title).removesuffix(".")
    return title if len(title) <= TITLE_LIMIT else f"{title[: TITLE_LIMIT - 1].rstrip()}…"
