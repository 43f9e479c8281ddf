"""Whether an article is what a subscriber asked for.

Pure. In this order:

1. What is of a muted journal or author never comes.
2. What is of a followed journal or author comes, whatever its labels, words and relatedness; but
   cancer (`oncology`) and what is not about CAR cells (`none`) only where the scope asks for it.
3. Everything else has to be of a wanted scope, related enough, and of each facet that is asked
   for carry one of its labels; and one of the words has to be in its title, abstract or keywords.

What the classifier could not tell is shown, never dropped: an `unclear` article that carries no
label of a facet passes it.
"""

from collections.abc import Iterable
from functools import cached_property, lru_cache

from services.notifier.names import is_author, is_journal
from services.notifier.spelling import Text, phrase
from services.notifier.subscription import Filters
from shared.events import Classified, Facet

OUTSIDE = frozenset({"oncology", "none"})
"""Scopes that nobody is told of without having asked."""

_FACETS: tuple[Facet, ...] = ("modality", "disease", "target", "evidence")


class Features:
    """An article as filters look at it; what they need is worked out once, when it is asked for."""

    def __init__(self, entry: Classified) -> None:
        self.entry = entry
        self.scope = entry.classification.scope

    @cached_property
    def labels(self) -> dict[str, frozenset[str]]:
        """Ids of its labels by facet."""
        labels = self.entry.classification.labels
        return {facet: frozenset(x.id for x in labels if x.facet == facet) for facet in _FACETS}

    @cached_property
    def text(self) -> Text:
        """Where the words are looked for; no phrase reaches from one part into the next."""
        article = self.entry.article
        abstract = (section.text for section in article.abstract)
        return Text.of((article.title, *abstract, *article.keywords))


def is_wanted(entry: Classified, filters: Filters) -> bool:
    """Whether an article passes the filters; the rules are above."""
    return admits(filters, Features(entry))


def admits(filters: Filters, found: Features) -> bool:
    """Whether the filters let an article pass."""
    if _is_of(found, filters.muted_journals, filters.muted_authors, strictly=True):
        return False
    if _is_of(found, filters.journals, filters.authors, strictly=False):
        return found.scope not in OUTSIDE - filters.scope
    return (
        found.scope in filters.scope
        and found.entry.relatedness >= filters.min_relatedness
        and all(_passes(found, facet, getattr(filters, facet)) for facet in _FACETS)
        and _says(found, filters.words)
    )


def against(filters: Filters, found: Features) -> str | None:
    """Why an article does not pass, in an operator's words; None when `admits` lets it pass."""
    if _is_of(found, filters.muted_journals, filters.muted_authors, strictly=True):
        return "of a journal or author that is muted"
    if _is_of(found, filters.journals, filters.authors, strictly=False):
        asked_for = found.scope not in OUTSIDE - filters.scope
        return None if asked_for else f"out of scope ({found.scope})"
    if found.scope not in filters.scope:
        return f"out of scope ({found.scope})"
    if found.entry.relatedness < filters.min_relatedness:
        return "less related to the seed than asked for"
    for facet in _FACETS:
        if not _passes(found, facet, getattr(filters, facet)):
            return f"without any {facet} that was asked for"
    return None if _says(found, filters.words) else "without any word that was asked for"


def _passes(found: Features, facet: Facet, wanted: frozenset[str]) -> bool:
    carried = found.labels[facet]
    if not wanted or wanted & carried:
        return True
    return not carried and found.scope == "unclear"


def _says(found: Features, words: tuple[str, ...]) -> bool:
    return not words or any(found.text.has(one) for one in _phrases(words))


@lru_cache(maxsize=4096)
def _phrases(words: tuple[str, ...]) -> tuple[Text, ...]:
    return tuple(map(phrase, words))


def _is_of(
    found: Features, journals: Iterable[str], authors: Iterable[str], *, strictly: bool
) -> bool:
    article = found.entry.article
    return any(is_journal(article.journal, name) for name in journals) or any(
        is_author(author, name, strictly=strictly) for name in authors for author in article.authors
    )
