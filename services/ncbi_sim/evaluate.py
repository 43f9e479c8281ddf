"""What a query finds, and what PubMed would say about how it read the query."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from services.ncbi_sim.match import Corpus, words_of
from shared.pubmed_query.dates import slashed
from shared.pubmed_query.fields import ALL_FIELDS
from shared.pubmed_query.tree import Combination, DateRange, LastDays, Node, Query, Term
from shared.pubmed_query.words import Words


@dataclass(frozen=True)
class Outcome:
    """The PMIDs found and the remarks on the query."""

    pmids: frozenset[int]
    translation: str
    translations: tuple[tuple[str, str], ...] = ()
    phrases_not_found: tuple[str, ...] = ()
    quoted_not_found: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    pmids: frozenset[int]
    translation: str
    joined: bool = False
    dropped: bool = False


def evaluate(query: Query, corpus: Corpus) -> Outcome:
    """Run a query over the corpus.

    A quoted phrase that occurs nowhere is left out of the query, as PubMed does, which makes an
    AND broader; only if nothing is left, nothing is found. An unquoted word that occurs nowhere
    stays and finds nothing. Both are reported.
    """
    run = _Run(corpus)
    tree = query.tree
    if isinstance(tree, Combination):
        tree = replace(tree, grouped=False)
    found = run.visit(tree) if tree is not None else _Found(frozenset(), "")
    return Outcome(
        found.pmids,
        found.translation,
        tuple(run.translations),
        tuple(run.phrases_not_found),
        tuple(run.quoted_not_found),
    )


@dataclass
class _Run:
    corpus: Corpus
    translations: list[tuple[str, str]] = field(default_factory=list)
    phrases_not_found: list[str] = field(default_factory=list)
    quoted_not_found: list[str] = field(default_factory=list)

    def visit(self, node: Node) -> _Found:
        if isinstance(node, Combination):
            return self._combination(node)
        if isinstance(node, DateRange):
            return self._range(node)
        if isinstance(node, LastDays):
            today = self.corpus.view.today
            return self._range(DateRange(today - timedelta(days=node.days), today, node.field))
        return self._term(node)

    def _combination(self, node: Combination) -> _Found:
        left, right = self.visit(node.left), self.visit(node.right)
        if right.dropped:
            return left
        if left.dropped:
            return right
        text = f"{_inside(left)} {node.operator} {_inside(right)}"
        pmids = _OPERATORS[node.operator](left.pmids, right.pmids)
        return _Found(pmids, f"({text})" if node.grouped else text)

    def _range(self, node: DateRange) -> _Found:
        pmids = frozenset(
            record.pmid
            for record in self.corpus.view.records
            if node.start <= record.date_of(node.field.key) <= node.end
        )
        text = f"{slashed(node.start)}:{slashed(node.end)}[{node.field.label}]"
        return _Found(pmids, text)

    def _term(self, term: Term) -> _Found:
        if not term.tagged and not term.quoted:
            return self._open_words(term)
        pmids = self.corpus.find(term)
        if pmids:
            return _Found(pmids, _as_phrase(words_text(term), term.field.label))
        if term.quoted:
            sent = f'"{term.text}"' + (f"[{term.tag}]" if term.tag else "")
            self.quoted_not_found.append(sent)
            return _Found(pmids, sent, dropped=True)
        return self._separate_words(term)

    def _separate_words(self, term: Term) -> _Found:
        """PubMed searches the words of an unknown, unquoted phrase one by one in its field."""
        words = term.text.split() if term.field.kind == "words" else [term.text]
        hits = [self.corpus.find(Term(w, term.field, quoted=True, tag=term.tag)) for w in words]
        for word, found in zip(words, hits, strict=True):
            if not found:
                self.phrases_not_found.append(word)
        parts = [_as_phrase(" ".join(words_of(w)) or w, term.field.label) for w in words]
        return _all_of(hits, parts)

    def _open_words(self, term: Term) -> _Found:
        words = words_of(term.text)
        if words in self.corpus.headings and len(words) > 1:
            return self._heading(term, words)
        found = [self._open_word(word) for word in term.text.split()]
        if len(found) == 1:
            return found[0]
        return _all_of([part.pmids for part in found], [_inside(part) for part in found])

    def _open_word(self, word: str) -> _Found:
        words = words_of(word)
        if len(words) != 1 or words[0].endswith("*"):
            pmids = self.corpus.find(_anywhere(word))
            found = _Found(pmids, _as_phrase(" ".join(words) or word, "All Fields"))
        else:
            found = self._forms(words[0])
        if not found.pmids:
            self.phrases_not_found.append(word)
        if found.joined:
            self.translations.append((word, found.translation))
        return found

    def _forms(self, word: str) -> _Found:
        forms = [_as_phrase(form, "All Fields") for form in self.corpus.variants(word)]
        heading = [_as_phrase(word, "MeSH Terms")] if (word,) in self.corpus.headings else []
        texts = heading + forms
        return _Found(self.corpus.find_word(word), " OR ".join(texts), joined=len(texts) > 1)

    def _heading(self, term: Term, words: Words) -> _Found:
        """Automatic term mapping: the heading, or all its words, or the phrase itself."""
        pmids = frozenset.intersection(*(self.corpus.find_word(word) for word in words))
        phrase = " ".join(words)
        every = " AND ".join(_as_phrase(word, "All Fields") for word in words)
        text = f'"{phrase}"[MeSH Terms] OR ({every}) OR "{phrase}"[All Fields]'
        self.translations.append((term.text, text))
        return _Found(pmids, text, joined=True)


_OPERATORS: dict[str, Callable[[frozenset[int], frozenset[int]], frozenset[int]]] = {
    "AND": lambda left, right: left & right,
    "OR": lambda left, right: left | right,
    "NOT": lambda left, right: left - right,
}


def _anywhere(word: str) -> Term:
    return Term(word, ALL_FIELDS, quoted=True, tag=None)


def words_text(term: Term) -> str:
    """The term as QueryTranslation prints it: numbers and names plain, words as written."""
    return term.text.lower() if term.field.kind in {"words", "author"} else term.text


def _as_phrase(text: str, label: str) -> str:
    return f'"{text}"[{label}]'


def _inside(found: _Found) -> str:
    return f"({found.translation})" if found.joined else found.translation


def _all_of(hits: list[frozenset[int]], parts: list[str]) -> _Found:
    pmids = frozenset.intersection(*hits) if hits else frozenset()
    return _Found(pmids, " AND ".join(parts))
