"""Which records a single search term finds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.ncbi_sim.markup import plain
from services.ncbi_sim.view import Record, View
from services.ncbi_sim.vocabulary import LANGUAGES
from shared.pubmed_query.tree import Term
from shared.pubmed_query.words import STOPWORDS, Words, holds, is_author, is_whole, singular
from shared.pubmed_query.words import words_of as words_of_plain


def words_of(text: str) -> Words:
    """The words of a text of the catalogue, without its inline markup."""
    return words_of_plain(plain(text))


@dataclass(frozen=True)
class Corpus:
    """The records of a view, indexed for searching."""

    view: View

    @cached_property
    def _texts(self) -> Mapping[int, Mapping[str, Sequence[Words]]]:
        return {record.pmid: _texts(record) for record in self.view.records}

    @cached_property
    def _words(self) -> Mapping[int, frozenset[str]]:
        """Every word of each record: one that lacks a term's word need not be looked through."""
        return {
            pmid: frozenset(word for text in texts["all"] for word in text)
            for pmid, texts in self._texts.items()
        }

    @cached_property
    def vocabulary(self) -> Mapping[str, Sequence[str]]:
        """Every word of all records, under its singular."""
        words = {w for texts in self._texts.values() for text in texts["all"] for w in text}
        grouped: dict[str, list[str]] = {}
        for word in sorted(words):
            grouped.setdefault(singular(word), []).append(word)
        return grouped

    @cached_property
    def headings(self) -> frozenset[Words]:
        """All MeSH headings in use."""
        return frozenset(text for texts in self._texts.values() for text in texts["heading"])

    def variants(self, word: str) -> Sequence[str]:
        """The forms of an untagged word that PubMed would search as well: singular and plurals."""
        return self.vocabulary.get(singular(word), [word])

    def find(self, term: Term) -> frozenset[int]:
        """The PMIDs of the records in which the term's field holds its words as written."""
        return self._find(term.field.key, term.field.kind, words_of(term.text))

    def find_word(self, word: str) -> frozenset[int]:
        """The PMIDs of the records that hold the word, in singular or plural, in any field."""
        return frozenset(
            pmid
            for form in self.variants(word)
            for pmid in self._find(key="all", kind="words", pattern=(form,))
        )

    def _find(self, key: str, kind: str, pattern: Words) -> frozenset[int]:
        test = {"whole": is_whole, "uid": is_whole, "author": is_author}.get(kind, holds)
        if not pattern or kind == "date" or (len(pattern) == 1 and pattern[0] in STOPWORDS):
            return frozenset()
        # A word may be cut (`*`, or an author's last one): only whole words must be there.
        whole = {word for word in pattern if not word.endswith("*")} if kind != "author" else set()
        return frozenset(
            pmid
            for pmid, texts in self._texts.items()
            if whole <= self._words[pmid] and any(test(text, pattern) for text in texts[key])
        )


def _texts(record: Record) -> dict[str, list[Words]]:
    article = record.article
    texts = {
        "ti": [article.title],
        "ab": [" ".join(article.summary)],
        "ot": list(article.keywords),
        "heading": [heading.name for heading in article.mesh],
        "mh": _headings(record, major_only=False),
        "majr": _headings(record, major_only=True),
        "pt": list(record.publication_types),
        "la": [article.language, LANGUAGES[article.language]],
        "ta": [article.journal, article.journal_abbreviation or ""],
        "si": [form for trial in article.trials for form in (trial, f"ClinicalTrials.gov/{trial}")],
        "doi": [article.doi or ""],
        "au": [form for author in article.authors for form in _names(author.name, author.fore)],
        "uid": [str(article.pmid)],
    }
    texts["tiab"] = texts["ti"] + texts["ab"] + texts["ot"]
    texts["tw"] = texts["tiab"] + texts["mh"] + texts["pt"] + texts["si"]
    has_abstract = ["hasabstract"] if article.summary else []
    rest = ("la", "ta", "doi", "au", "uid")
    texts["all"] = texts["tw"] + [text for key in rest for text in texts[key]] + has_abstract
    return {key: _split(values) for key, values in texts.items()}


def _headings(record: Record, *, major_only: bool) -> list[str]:
    headings = [h for h in record.article.mesh if h.major or not major_only]
    qualified = [f"{heading.name}/{q}" for heading in headings for q in heading.qualifiers]
    return [heading.name for heading in headings] + qualified


def _names(name: str, fore: str | None) -> Iterable[str]:
    yield name
    if fore:
        last = name.rsplit(" ", 1)[0]
        yield f"{last} {fore}"
        yield f"{fore} {last}"


def _split(values: Iterable[str]) -> list[Words]:
    return [words for words in map(words_of, values) if words]
