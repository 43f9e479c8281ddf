"""A subscription in words, as its reader sees it: never its whole target."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from services.notifier.item import MODALITIES
from services.notifier.recipient import MAIL
from services.notifier.subscription import Filters, Wish

Names = Mapping[str, str]
"""What labels are called, by their ids; one that is missing is shown by its id."""

SETS = ("modality", "disease", "target", "evidence", "scope")
"""The filters that are ticked."""

LISTS = ("words", "journals", "authors", "muted_journals", "muted_authors")
"""The filters that are written, one a line."""

SCOPES = {
    "core": "CAR cells in autoimmune disease",
    "adjacent": "close to it",
    "oncology": "CAR cells in cancer",
    "none": "other subjects",
    "unclear": "what could not be told",
}
"""The scopes in words."""

_MODALITIES = dict(MODALITIES)
_USUAL = Filters().scope


def facts(wish: Wish, names: Names | None = None) -> tuple[tuple[str, str], ...]:
    """What was asked for, as pairs of a heading and its words: when, what, and how."""
    found = [("When", when(wish)), ("Where to", where(wish))]
    found += list(_filters(wish.filters, names or {}))
    found += list(_habits(wish))
    return tuple(found)


def tame_facts(wish: Wish, names: Names) -> tuple[tuple[str, str], ...]:
    """The same for a letter to who may not have asked for it: no word in it is a stranger's.

    Whatever a form puts into a letter is a message to whoever it names. So what was typed is
    counted only, and so is a label that is not one of ours.
    """
    filters = wish.filters
    known = {name: frozenset(getattr(filters, name)) & names.keys() for name in SETS[1:4]}
    typed = sum(len(getattr(filters, name)) for name in LISTS)
    typed += sum(len(getattr(filters, name)) - len(kept) for name, kept in known.items())
    tame = filters.model_copy(update={**known, **dict.fromkeys(LISTS, ())})
    found = facts(wish.model_copy(update={"filters": tame}), names)
    return (*found, ("Also", f"{typed} more, which the page shows")) if typed else found


def when(wish: Wish) -> str:
    """The cadence with its hour: "every Monday at 07:00, Europe/Belgrade"."""
    if wish.cadence == "immediate":
        return "as soon as something is new"
    days = {
        "daily": "every day",
        "weekly": f"every {wish.weekday.capitalize()}",
        "monthly": f"on day {wish.day} of every month",
    }
    return f"{days[wish.cadence]} at {wish.hour:02}:00, {wish.time_zone}"


def where(wish: Wish, target: str | None = None) -> str:
    """The channel, and of its target as much as is no secret.

    `target` is its address in plain, where that is sealed in the wish.
    """
    if wish.channel in MAIL:
        return "by mail"
    url = target or wish.address.get_secret_value()
    if wish.channel == "apprise":
        scheme = url.partition("://")[0]
        return f"by Apprise ({scheme})" if "://" in url else "by Apprise"
    host = urlsplit(url).hostname if "://" in url else None
    named = {"slack": "to a Slack channel", "webhook": "to a webhook"}[wish.channel]
    return f"{named} at {host}" if host and wish.channel == "webhook" else named


def _filters(filters: Filters, names: Names) -> Iterator[tuple[str, str]]:
    known = {**names, **_MODALITIES}
    facets = (
        ("Kinds of cells", filters.modality),
        ("Diseases", filters.disease),
        ("Targets", filters.target),
        ("Kinds of study", filters.evidence),
    )
    for heading, chosen in facets:
        if chosen:
            yield heading, ", ".join(sorted(known.get(one, one) for one in chosen))
    if filters.scope != _USUAL:
        yield "Subjects", ", ".join(SCOPES[one] for one in SCOPES if one in filters.scope)
    yield from _phrases(filters)
    if filters.min_relatedness:
        yield "Relatedness", f"at least {filters.min_relatedness:g}"


def _phrases(filters: Filters) -> Iterator[tuple[str, str]]:
    named = (
        ("With one of the words", filters.words),
        ("Journals followed", filters.journals),
        ("Authors followed", filters.authors),
        ("Never from journals", filters.muted_journals),
        ("Never by authors", filters.muted_authors),
    )
    for heading, phrases in named:
        if phrases:
            yield heading, "; ".join(phrases)


def _habits(wish: Wish) -> Iterator[tuple[str, str]]:
    if wish.when_empty == "heartbeat":
        yield "When nothing is new", "a short message that says what was checked"
    if wish.notices == "at-once":
        yield "Retractions and corrections", "at once"
    if wish.preprints == "both":
        yield "Preprints", "beside their journal versions"
    if wish.background:
        yield "Background", "also papers from before the watch began"


def masked(address: str) -> str:
    """A mail address so that its owner knows it, and nobody else: "r…@example.org"."""
    local, at, host = address.rpartition("@")
    return f"{local[:1]}…{at}{host}" if at else "…"
