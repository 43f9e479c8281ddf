"""Whether PubMed read a query as it was asked, or left words of it out and answered another.

PubMed leaves out a phrase that it does not know, and of `a AND b` then answers `a`; it may also
search all fields for what was tagged, without a word. Its translation and remarks tell.
See https://pubmed.ncbi.nlm.nih.gov/help/#how-pubmed-works and the eSearchResult's
`QueryTranslation`, `ErrorList` and `WarningList`.
"""

import re

from services.poller.eutils import SearchAnswer
from services.poller.legs import Cursor, without_dates
from shared.pubmed_query.fields import ALL_FIELDS
from shared.pubmed_query.parse import QueryError, parse
from shared.pubmed_query.tree import Combination, Node, Term

_EVERYWHERE = f"[{ALL_FIELDS.label}]"
_WORD = re.compile(r"\w+")


def is_doubtful(term: str, before: Cursor | None, found: SearchAnswer) -> bool:
    """Whether the query should be asked once more: it was misread, or read otherwise than before.

    A reading that changed for good comes again; one that was a fault of a moment does not.
    """
    if is_other(term, before, found):
        return True
    reading = without_dates(found.query_translation)
    known = before if before is not None and before.query_translation else None
    if known is None or not reading:
        return bool(found.unknown_phrases)
    return reading != known.query_translation or found.warnings != known.warnings


def is_other(term: str, before: Cursor | None, found: SearchAnswer) -> bool:
    """Whether it is an answer to another query than was asked. The arguments are `misread`'s."""
    return misread(term, before, found) is not None


def misread(term: str, before: Cursor | None, found: SearchAnswer) -> str | None:
    """What PubMed left out, so that it answered more than the query asks for; None if nothing.

    One unknown synonym among others (`a OR b`) is no fault: it finds nothing, and nothing is
    answered for it. `before` is how the query stood when it was last complete: that all fields
    are searched for tagged words is a fault where they were not then.
    """
    if found.errors:
        return "; ".join(found.errors)
    reading = without_dates(found.query_translation)
    tree = _tree(term)
    left_out = _left_out(found, reading or "")
    if tree and left_out and (_is_gone(tree, left_out) or _asks_more(tree, left_out)):
        return "; ".join(found.unknown_phrases)
    if reading == "":
        return "nothing of it is left in PubMed's translation"
    if tree and _is_untagged(tree, reading, before):
        return f"it was read as {reading}"
    return None


def _tree(term: str) -> Node | None:
    try:
        return parse(term).tree
    except QueryError:
        return None


def _left_out(found: SearchAnswer, reading: str) -> frozenset[tuple[str, ...]]:
    """The phrases that PubMed says it does not know, and that its translation has not.

    Its remarks write them with or without quotes and tag.
    """
    phrases = (warning.partition(":")[2] for warning in found.unknown_phrases)
    said = frozenset(_words(re.sub(r"\[[^\]]*\]", "", phrase)) for phrase in phrases)
    kept = f" {' '.join(_words(reading))} "
    return frozenset(phrase for phrase in said if phrase and f" {' '.join(phrase)} " not in kept)


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.lower()))


def _is_gone(node: Node, left_out: frozenset[tuple[str, ...]]) -> bool:
    """Whether nothing of a part was searched."""
    if isinstance(node, Combination):
        return _is_gone(node.left, left_out) and _is_gone(node.right, left_out)
    return isinstance(node, Term) and _words(node.text) in left_out


def _asks_more(node: Node, left_out: frozenset[tuple[str, ...]]) -> bool:
    """Whether a part without what was left out finds articles that the whole would not."""
    if not isinstance(node, Combination):
        return False
    if _is_gone(node.left, left_out) and node.operator != "OR":
        return True
    if _is_gone(node.right, left_out) and node.operator == "AND":
        return True
    return _asks_more(node.left, left_out) or _asks_more(node.right, left_out)


def _is_untagged(tree: Node, reading: str | None, before: Cursor | None) -> bool:
    """Whether all fields are searched now for what the query asks for in certain ones."""
    known = before.query_translation if before else None
    if not (reading and known) or _EVERYWHERE not in reading or _EVERYWHERE in known:
        return False
    return all(term.tagged and term.field != ALL_FIELDS for term in _terms(tree))


def _terms(node: Node) -> list[Term]:
    if isinstance(node, Combination):
        return [*_terms(node.left), *_terms(node.right)]
    return [node] if isinstance(node, Term) else []
