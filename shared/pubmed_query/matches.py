"""Whether one record is what a query asks for, without PubMed.

What only PubMed can do is not done: a MeSH heading does not bring the narrower ones with it, and
words without a field are not mapped to headings. What PubMed would leave out of a query without
a word, so that it asks for more, is refused here.
See https://pubmed.ncbi.nlm.nih.gov/help/#search-rules
"""

from collections.abc import Callable
from datetime import date, timedelta

from shared.errors import ConfigurationError
from shared.pubmed_query.document import Document
from shared.pubmed_query.parse import QueryError, parse
from shared.pubmed_query.tree import Combination, DateRange, LastDays, Node, Operator, Query, Term
from shared.pubmed_query.words import (
    STOPWORDS,
    Words,
    holds,
    is_author,
    is_whole,
    plural_forms,
    words_of,
)

Test = Callable[[Document], bool]


def read_query(text: str) -> Query:
    """Parse a query that is to be used without PubMed.

    Raises:
        ConfigurationError: it asks for nothing, names a field that PubMed or we do not know, has
            a tag on a group, or is nested too deeply.
    """
    try:
        query = parse(text)
    except QueryError as error:
        raise ConfigurationError(f"query: {error}; write it flatter") from error
    if query.unknown_fields:
        names = ", ".join(f"[{name}]" for name in query.unknown_fields)
        raise ConfigurationError(f"query: unknown field {names}; correct it or leave it out")
    if query.group_tag_ignored:
        raise ConfigurationError("query: a field behind a group; write it behind each term of it")
    if query.tree is None:
        raise ConfigurationError("query: it asks for nothing; write a term")
    return query


def matches(query: Query, document: Document, today: date) -> bool:
    """Whether the document is what the query asks for; `today` is the day "last 7 days" end."""
    return compile_query(query, today)(document)


def compile_query(query: Query, today: date) -> Test:
    """The query as a test for many documents; AND and OR stop as soon as they can."""
    return _never if query.tree is None else _compile(query.tree, today)


def _never(_document: Document) -> bool:
    return False


def _compile(node: Node, today: date) -> Test:
    if isinstance(node, Combination):
        return _combination(node, today)
    if isinstance(node, LastDays):
        return _range(DateRange(today - timedelta(days=node.days), today, node.field))
    return _range(node) if isinstance(node, DateRange) else _term(node)


def _combination(node: Combination, today: date) -> Test:
    # A long list of synonyms is a chain that goes down on the left, deeper than Python's stack:
    # it is walked, and only groups (which are bounded) are recursed into.
    steps: list[tuple[Operator, Test]] = []
    left: Node = node
    while isinstance(left, Combination):
        steps.append((left.operator, _compile(left.right, today)))
        left = left.left
    first, chain = _compile(left, today), tuple(reversed(steps))

    def test(document: Document) -> bool:
        so_far = first(document)
        for operator, operand in chain:
            if operator == "NOT" and document.loose:
                continue
            # An OR that holds and an AND that does not need no second look.
            if so_far != (operator == "OR"):
                so_far = operand(document) != (operator == "NOT")
        return so_far

    return test


def _range(node: DateRange) -> Test:
    def test(document: Document) -> bool:
        spans = document.days(node.field.key)
        return document.loose or any(
            first <= node.end and node.start <= last for first, last in spans
        )

    return test


def _term(term: Term) -> Test:
    if term.field.kind == "date":
        return _never
    if not term.tagged and not term.quoted:
        tests = [_open_word(word) for word in term.text.split()]
        return lambda document: all(test(document) for test in tests)
    pattern = words_of(term.text)
    if not pattern or (len(pattern) == 1 and pattern[0] in STOPWORDS):
        return _never
    return _phrase(term.field.key, term.field.kind, pattern)


def _open_word(word: str) -> Test:
    """A word without a field: in any field, in singular or plural."""
    pattern = words_of(word)
    if len(pattern) != 1 or pattern[0].endswith("*"):
        return _phrase("all", "words", pattern) if pattern else _never
    forms = plural_forms(pattern[0])
    return lambda document: not forms.isdisjoint(document.words("all"))


def _phrase(key: str, kind: str, pattern: Words) -> Test:
    if kind == "words" and len(pattern) == 1 and pattern[0].endswith("*"):
        stem = pattern[0][:-1]
        return lambda document: any(word.startswith(stem) for word in document.words(key))
    find = {"whole": is_whole, "uid": is_whole, "author": is_author}.get(kind, holds)
    # A word may be cut (`*`, or an author's last one): only whole words must be there.
    cut = kind == "author"
    whole = frozenset(() if cut else (word for word in pattern if not word.endswith("*")))

    def test(document: Document) -> bool:
        if not whole <= document.words(key):
            return False
        way = holds if document.loose else find
        return any(way(text, pattern) for text in document.texts(key))

    return test
