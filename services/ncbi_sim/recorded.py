"""Queries whose answer was recorded: recognised in what a client asks, answered as they were."""

from services.ncbi_sim.catalogue import RecordedQuery
from services.ncbi_sim.evaluate import Outcome, evaluate
from services.ncbi_sim.view import View
from shared.pubmed_query.parse import parse
from shared.pubmed_query.tree import Query


def search(term: str, view: View) -> tuple[Query, Outcome]:
    """What is found: by a recorded query and what else was asked for, or by reading the term.

    Raises:
        QueryError: the term cannot be read.
    """
    asked = " ".join(term.split())
    for recorded in view.queries:
        rest = _rest(asked, " ".join(recorded.term.split()))
        if rest is not None:
            return _answered(recorded, rest, view)
    query = parse(term)
    return query, evaluate(query, view.corpus, view.today)


def _rest(asked: str, term: str) -> str | None:
    """What was asked beside a term: "" for nothing, None if the term was not asked for."""
    if asked in {term, f"({term})"}:
        return ""
    start = f"({term}) AND "
    return asked.removeprefix(start) if asked.startswith(start) else None


def _answered(recorded: RecordedQuery, rest: str, view: View) -> tuple[Query, Outcome]:
    hits = view.corpus.of(map(str, recorded.pmids))
    query = parse(rest)
    if not rest:
        return query, Outcome(hits, recorded.translation)
    outcome = evaluate(query, view.corpus, view.today)
    translation = f"({recorded.translation}) AND {outcome.translation}"
    return query, Outcome(hits & outcome.hits, translation)
