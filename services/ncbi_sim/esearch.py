"""esearch.fcgi: the PMIDs a query finds.

See https://www.ncbi.nlm.nih.gov/books/NBK25499/#chapter4.ESearch
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from lxml import etree

from services.ncbi_sim.answers import (
    ESEARCH,
    Answer,
    add,
    json_answer,
    json_error,
    xml_answer,
    xml_error,
)
from services.ncbi_sim.evaluate import Outcome
from services.ncbi_sim.history import History, HistoryKey, UnknownQueryError
from services.ncbi_sim.index import words_of
from services.ncbi_sim.paging import Page, StartError, cut
from services.ncbi_sim.params import Params
from services.ncbi_sim.record import Record
from services.ncbi_sim.recorded import search
from services.ncbi_sim.view import View
from shared.pubmed_query.dates import first_day, last_day, slashed
from shared.pubmed_query.fields import date_field
from shared.pubmed_query.parse import QueryError
from shared.pubmed_query.tree import DateRange, Query

_DEFAULT_COUNT = 20


@dataclass(frozen=True)
class _Result:
    count: int
    page: Page
    outcome: Outcome
    query: Query
    key: HistoryKey | None
    remarks: Sequence[str]


def esearch(params: Params, view: View, history: History) -> Answer:
    """Answer a search; every fault is NCBI's ERROR with status 200."""
    term = params.get("term").strip()
    if not term and not params.get("query_key"):
        return esearch_error(params, "Empty term and query_key - nothing todo")
    try:
        result = _search(term, params, view, history)
    except StartError as error:
        return esearch_error(params, str(error))
    except UnknownQueryError as error:
        return esearch_error(params, str(error), header=False)
    except QueryError as error:
        return esearch_error(params, f"Search Backend failed: {error}")
    if params.get("rettype").lower() == "count":
        return _count(result, params)
    return _json(result) if params.wants_json else _xml(result)


def esearch_error(params: Params, message: str, *, header: bool = True) -> Answer:
    """An error in esearch's envelope; NCBI leaves the JSON header out of some."""
    if params.wants_json:
        return json_error("esearch", {"esearchresult": {"ERROR": message}}, header=header)
    return xml_error(message, ESEARCH)


def _search(term: str, params: Params, view: View, history: History) -> _Result:
    start = params.number("retstart", 0)
    query, outcome = search(term, view)
    hits = outcome.hits if term else view.corpus.all
    if params.get("query_key"):
        kept = history.read(params.get("WebEnv"), params.get("query_key"))
        hits &= view.corpus.of(kept)
        outcome = _and(outcome, f"#{params.get('query_key')}")
    window = _window(params, view)
    if window is not None:
        hits &= view.corpus.within(window.field.key, *window.span)
        days = f"{slashed(window.start)}:{slashed(window.end)}"
        outcome = _and(outcome, f"{days}[{window.field.label}]")
    found = view.corpus.records(hits)
    uids = [str(record.pmid) for record in _sorted(found, params.get("sort"), term)]
    page = cut(uids, start, params.number("retmax", _DEFAULT_COUNT), history.cap)
    keep = params.get("usehistory").lower() == "y"
    key = history.save(uids, params.get("WebEnv")) if keep else None
    remarks = [] if uids else ["No items found."]
    if page.remark:
        remarks.append(page.remark)
    return _Result(len(uids), page, outcome, query, key, remarks)


def _and(outcome: Outcome, condition: str) -> Outcome:
    text = outcome.translation
    inner = f"({text})" if " OR " in text or " NOT " in text else text
    return replace(outcome, translation=f"{inner} AND {condition}" if inner else condition)


def _window(params: Params, view: View) -> DateRange | None:
    """The days of reldate, or of mindate and maxdate, and the field they are about."""
    field = date_field(params.get("datetype", "pdat"))
    days = params.number("reldate", 0)
    if days:
        return DateRange(view.today - timedelta(days=days), view.today, field)
    first, last = first_day(params.get("mindate")), last_day(params.get("maxdate"))
    if first is None and last is None:
        return None
    return DateRange(first or date(1000, 1, 1), last or date(3000, 12, 31), field)


def _sorted(found: Sequence[Record], sort: str, term: str) -> list[Record]:
    """The records in the order asked for; each order keeps the most recent first among equals."""
    kind = sort.lower().replace("+", "_").replace(" ", "_")
    if kind in {"pub_date", "pubdate"}:
        return sorted(found, key=lambda record: record.article.published_on, reverse=True)
    if kind in {"author", "first_author"}:
        return sorted(found, key=_first_author)
    if kind in {"journal", "journalname"}:
        return sorted(found, key=lambda record: record.article.journal.lower())
    if kind == "relevance":
        wanted = set(words_of(term))
        return sorted(found, key=lambda record: -len(wanted & set(words_of(record.article.title))))
    return list(found)


def _first_author(record: Record) -> str:
    return record.article.authors[0].name.lower() if record.article.authors else "\uffff"


def _lists(result: _Result) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    errors = {
        "phrasesnotfound": list(result.outcome.phrases_not_found),
        "fieldsnotfound": list(result.query.unknown_fields),
    }
    warnings = {
        "phrasesignored": list(result.query.ignored),
        "quotedphrasesnotfound": list(result.outcome.quoted_not_found),
        "outputmessages": list(result.remarks),
    }
    show_errors = any(errors.values()) or result.query.group_tag_ignored
    return errors if show_errors else {}, warnings if any(warnings.values()) else {}


def _count(result: _Result, params: Params) -> Answer:
    """rettype=count: the number alone, without any warning."""
    if params.wants_json:
        return json_answer("esearch", {"esearchresult": {"count": str(result.count)}})
    root = etree.Element(ESEARCH.root)
    add(root, "Count", result.count)
    return xml_answer(root, ESEARCH)


def _json(result: _Result) -> Answer:
    content: dict[str, Any] = {
        "count": str(result.count),
        "retmax": str(len(result.page.uids)),
        "retstart": str(result.page.start),
    }
    if result.key is not None:
        content |= {"querykey": str(result.key.query_key), "webenv": result.key.web_env}
    content["idlist"] = list(result.page.uids)
    content["translationset"] = [{"from": a, "to": b} for a, b in result.outcome.translations]
    content["querytranslation"] = result.outcome.translation
    errors, warnings = _lists(result)
    content |= {"errorlist": errors} if errors else {}
    content |= {"warninglist": warnings} if warnings else {}
    return json_answer("esearch", {"esearchresult": content})


_ELEMENTS = {
    "phrasesnotfound": "PhraseNotFound",
    "fieldsnotfound": "FieldNotFound",
    "phrasesignored": "PhraseIgnored",
    "quotedphrasesnotfound": "QuotedPhraseNotFound",
    "outputmessages": "OutputMessage",
}


def _xml(result: _Result) -> Answer:
    root = etree.Element(ESEARCH.root)
    add(root, "Count", result.count)
    add(root, "RetMax", len(result.page.uids))
    add(root, "RetStart", result.page.start)
    if result.key is not None:
        add(root, "QueryKey", result.key.query_key)
        add(root, "WebEnv", result.key.web_env)
    ids = add(root, "IdList")
    for uid in result.page.uids:
        add(ids, "Id", uid)
    translations = add(root, "TranslationSet")
    for sent, meant in result.outcome.translations:
        translation = add(translations, "Translation")
        add(translation, "From", sent)
        add(translation, "To", meant)
    add(root, "QueryTranslation", result.outcome.translation)
    for name, lists in zip(("ErrorList", "WarningList"), _lists(result), strict=True):
        _remarks(root, name, lists)
    return xml_answer(root, ESEARCH)


def _remarks(root: etree._Element, name: str, lists: dict[str, list[str]]) -> None:
    if any(lists.values()):
        parent = add(root, name)
        for key, values in lists.items():
            for value in values:
                add(parent, _ELEMENTS[key], value)
