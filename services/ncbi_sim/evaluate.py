"""What a query finds, and what PubMed would say about how it read the query."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from functools import reduce
from operator import and_

from services.ncbi_sim.index import Hits, words_of
from services.ncbi_sim.match import Corpus
from shared.pubmed_query.dates import slashed
from shared.pubmed_query.fields import ALL_FIELDS
from shared.pubmed_query.tree import Combination, DateRange, LastDays, Node, Query, Term
from shared.pubmed_query.words import Words


@dataclass(frozen=True)
class Outcome:
    """The records found and the remarks on the query."""

    hits: Hits
    translation: str
    translations: tuple[tuple[str, str], ...] = ()
    phrases_not_found: tuple[str, ...] = ()
    quoted_not_found: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    hits: Hits
    translation: str
    joined: bool = False
    dropped: bool = False


def evaluate(query: Query, corpus: Corpus, today: date) -> Outcome:
    """Run a query over the corpus.

    A quoted phrase that occurs nowhere is left out of the query, as PubMed does, which makes an
    AND broader; only if nothing is left, nothing is found. An unquoted word that occurs nowhere
    stays and finds nothing. Both are reported.
    """
    run = _Run(corpus, today)
    tree = query.tree
    if isinstance(tree, Combination):
        tree = replace(tree, grouped=False)
    found = run.visit(tree) if tree is not None else _Found(0, "")
    return Outcome(
        found.hits,
        found.translation,
        tuple(run.translations),
        tuple(run.phrases_not_found),
        tuple(run.quoted_not_found),
    )


@dataclass
class _Run:
    corpus: Corpus
    today: date
    translations: list[tuple[str, str]] = field(default_factory=list)
    phrases_not_found: list[str] = field(default_factory=list)
    quoted_not_found: list[str] = field(default_factory=list)

    def visit(self, node: Node) -> _Found:
        if isinstance(node, Combination):
            return self._combination(node)
        if isinstance(node, DateRange):
            return self._range(node)
        if isinstance(node, LastDays):
            today = self.today
            return self._range(DateRange(today - timedelta(days=node.days), today, node.field))
        return self._term(node)

    def _combination(self, node: Combination) -> _Found:
        left, right = self.visit(node.left), self.visit(node.right)
        if right.dropped:
            return left
        if left.dropped:
            return right
        text = f"{_inside(left)} {node.operator} {_inside(right)}"
        hits = _OPERATORS[node.operator](left.hits, right.hits)
        return _Found(hits, f"({text})" if node.grouped else text)

    def _range(self, node: DateRange) -> _Found:
        hits = self.corpus.within(node.field.key, *node.span)
        return _Found(hits, f"{_printed(node)}[{node.field.label}]")

    def _term(self, term: Term) -> _Found:
        if not term.tagged and not term.quoted:
            return self._open_words(term)
        hits = self.corpus.find(term)
        if self.corpus.knows(term):
            return _Found(hits, _as_phrase(words_text(term), term.field.label))
        if term.quoted:
            sent = f'"{term.text}"' + (f"[{term.tag}]" if term.tag else "")
            self.quoted_not_found.append(sent)
            return _Found(hits, sent, dropped=True)
        return self._separate_words(term)

    def _separate_words(self, term: Term) -> _Found:
        """PubMed searches the words of an unknown, unquoted phrase one by one in its field."""
        words = term.text.split() if term.field.kind == "words" else [term.text]
        terms = [Term(w, term.field, quoted=True, tag=term.tag) for w in words]
        unknown = [each.text for each in terms if not self.corpus.knows(each)]
        self.phrases_not_found.extend(unknown)
        hits = [self.corpus.find(each) for each in terms]
        parts = [_as_phrase(" ".join(words_of(w)) or w, term.field.label) for w in words]
        return _all_of(hits, parts)

    def _open_words(self, term: Term) -> _Found:
        words = words_of(term.text)
        if len(words) > 1 and self.corpus.has_heading(words):
            return self._heading(term, words)
        found = [self._open_word(word) for word in term.text.split()]
        if len(found) == 1:
            return found[0]
        return _all_of([part.hits for part in found], [_inside(part) for part in found])

    def _open_word(self, word: str) -> _Found:
        words = words_of(word)
        if len(words) != 1 or words[0].endswith("*"):
            hits = self.corpus.find(_anywhere(word))
            found = _Found(hits, _as_phrase(" ".join(words) or word, "All Fields"))
        else:
            found = self._forms(words[0])
        if not (found.joined or self.corpus.knows(_anywhere(word))):
            self.phrases_not_found.append(word)
        if found.joined:
            self.translations.append((word, found.translation))
        return found

    def _forms(self, word: str) -> _Found:
        forms = [_as_phrase(form, "All Fields") for form in self.corpus.variants(word)]
        heading = [_as_phrase(word, "MeSH Terms")] if self.corpus.has_heading((word,)) else []
        texts = heading + forms
        return _Found(self.corpus.find_word(word), " OR ".join(texts), joined=len(texts) > 1)

    def _heading(self, term: Term, words: Words) -> _Found:
        """Automatic term mapping: the heading, or all its words, or the phrase itself."""
        hits = reduce(and_, [self.corpus.find_word(word) for word in words])
        phrase = " ".join(words)
        every = " AND ".join(_as_phrase(word, "All Fields") for word in words)
        text = f'"{phrase}"[MeSH Terms] OR ({every}) OR "{phrase}"[All Fields]'
        self.translations.append((term.text, text))
        return _Found(hits, text, joined=True)


_OPERATORS: dict[str, Callable[[Hits, Hits], Hits]] = {
    "AND": lambda left, right: left & right,
    "OR": lambda left, right: left | right,
    "NOT": lambda left, right: left & ~right,
}


def _printed(days: DateRange) -> str:
    first, last = days.span
    if (first.time(), last.time()) == (time.min, time.max):
        return f"{slashed(days.start)}:{slashed(days.end)}"
    return f"{slashed(days.start)} {first:%H:%M}:{slashed(days.end)} {last:%H:%M}"


def _anywhere(word: str) -> Term:
    return Term(word, ALL_FIELDS, quoted=True, tag=None)


def words_text(term: Term) -> str:
    """The term as QueryTranslation prints it: numbers and names plain, words as written."""
    return term.text.lower() if term.field.kind in {"words", "author"} else term.text


def _as_phrase(text: str, label: str) -> str:
    return f'"{text}"[{label}]'


def _inside(found: _Found) -> str:
    return f"({found.translation})" if found.joined else found.translation


def _all_of(hits: list[Hits], parts: list[str]) -> _Found:
    return _Found(reduce(and_, hits) if hits else 0, " AND ".join(parts))
