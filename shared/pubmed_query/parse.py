"""PubMed's query language: text in, tree out.

AND, OR and NOT (in capitals) are applied from left to right, whatever they are; parentheses group.
Terms side by side are joined by AND. A tag belongs to the words before it.
See https://pubmed.ncbi.nlm.nih.gov/help/#how-do-i-search-pubmed
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import time
from typing import NamedTuple

from shared.pubmed_query.dates import first_day, last_day, split_time
from shared.pubmed_query.fields import ALL_FIELDS, Field, find_field
from shared.pubmed_query.tree import Combination, DateRange, LastDays, Node, Operator, Query, Term
from shared.pubmed_query.words import STOPWORDS

# Deeper than any query a person or a topic file holds, and well above Python's stack.
MAX_DEPTH = 50

_DATE = r'"?\d{4}(?:/\d{1,2}(?:/\d{1,2}(?: \d{1,2}:\d{2})?)?)?"?'
_TOKEN = re.compile(
    rf"(?P<range>{_DATE}\s*(?:\[[^\]]*\]\s*)?:\s*{_DATE}\s*\[[^\]]*\])"
    r'|(?P<quoted>"[^"]*")|(?P<tag>\[[^\]]*\])|(?P<open>\()|(?P<close>\))|(?P<word>[^\s()\[\]"]+)'
)
_RANGE = re.compile(
    rf"(?P<start>{_DATE})\s*(?:\[[^\]]*\]\s*)?:\s*(?P<end>{_DATE})\s*(?P<tag>\[[^\]]*\])"
)
_LAST_DAYS = re.compile(r"last (\d{1,5}) days?", re.IGNORECASE)


class QueryError(ValueError):
    """The query cannot be read at all."""


class _Token(NamedTuple):
    kind: str
    text: str


def parse(text: str) -> Query:
    """Parse a query.

    Raises:
        QueryError: parentheses are nested deeper than MAX_DEPTH.
    """
    parser = _Parser(list(_tokens(text)))
    tree = parser.expression(0)
    return Query(
        tree, tuple(parser.unknown_fields), tuple(parser.ignored), parser.group_tag_ignored
    )


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        kind = str(found.lastgroup)
        if kind == "word" and found[0] in {"AND", "OR", "NOT"}:
            kind = "operator"
        yield _Token(kind, found[0])


@dataclass
class _Parser:
    tokens: list[_Token]
    unknown_fields: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    group_tag_ignored: bool = False

    def _next_is(self, *kinds: str) -> bool:
        return bool(self.tokens) and self.tokens[0].kind in kinds

    def expression(self, depth: int) -> Node | None:
        if depth > MAX_DEPTH:
            raise QueryError(f"parentheses are nested deeper than {MAX_DEPTH}")
        tree: Node | None = None
        operator: Operator = "AND"
        while self.tokens and not (depth and self._next_is("close")):
            if self._next_is("operator"):
                operator = _operator(self.tokens.pop(0).text)
                continue
            operand = self._operand(depth)
            if operand is not None:
                tree = operand if tree is None else Combination(operator, tree, operand)
                operator = "AND"
        return tree

    def _operand(self, depth: int) -> Node | None:
        if self._next_is("open"):
            return self._group(depth)
        if self._next_is("range"):
            return self._range(self.tokens.pop(0).text)
        if self._next_is("quoted"):
            return self._term(self.tokens.pop(0).text.strip('"').strip(), quoted=True)
        if self._next_is("word"):
            return self._words()
        # A closing parenthesis or a tag with nothing before it: PubMed ignores it.
        self.tokens.pop(0)
        return None

    def _group(self, depth: int) -> Node | None:
        self.tokens.pop(0)
        inner = self.expression(depth + 1)
        if self._next_is("close"):
            self.tokens.pop(0)
        if self._next_is("tag"):
            self.tokens.pop(0)
            self.group_tag_ignored = True
        if isinstance(inner, Combination):
            return Combination(inner.operator, inner.left, inner.right, grouped=True)
        return inner

    def _words(self) -> Node | None:
        words = []
        while self._next_is("word"):
            words.append(self.tokens.pop(0).text)
        if not self._next_is("tag"):
            kept = [word for word in words if word not in STOPWORDS] or words
            self.ignored.extend(word for word in words if word not in kept)
            words = kept
        return self._term(" ".join(words), quoted=False)

    def _term(self, text: str, *, quoted: bool) -> Node | None:
        tag = self.tokens.pop(0).text[1:-1].strip() if self._next_is("tag") else None
        if not text:
            return None
        return self._tagged(text, tag, quoted=quoted)

    def _tagged(self, text: str, tag: str | None, *, quoted: bool) -> Node:
        found = find_field(tag) if tag is not None else ALL_FIELDS
        if found is None:
            self.unknown_fields.append(str(tag))
            return Term(text, ALL_FIELDS, quoted, None)
        if found.kind == "date":
            return _dated(text, found) or Term(text, found, quoted, tag)
        return Term(text, found, quoted, tag)

    def _range(self, text: str) -> Node:
        found = _RANGE.fullmatch(text)
        if found is None:  # pragma: no cover - both patterns are the same
            raise QueryError(f"range {text!r} cannot be read")
        tag = found["tag"][1:-1].strip()
        first, since = split_time(found["start"].strip('"'))
        last, until = split_time(found["end"].strip('"'))
        start, end = first_day(first), last_day(last)
        dated = find_field(tag)
        if dated is None or dated.kind != "date" or start is None or end is None:
            return self._tagged(text[: text.rindex("[")].strip(), tag, quoted=False)
        # A minute is asked for as a whole.
        through = until.replace(second=59, microsecond=999_999) if until else time.max
        return DateRange(start, end, dated, since or time.min, through)


def _operator(text: str) -> Operator:
    return "OR" if text == "OR" else "NOT" if text == "NOT" else "AND"


def _dated(text: str, found: Field) -> Node | None:
    relative = _LAST_DAYS.fullmatch(text)
    if relative is not None:
        return LastDays(int(relative[1]), found)
    start, end = first_day(text), last_day(text)
    return DateRange(start, end, found) if start is not None and end is not None else None
